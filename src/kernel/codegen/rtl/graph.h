// The operations of one iteration as a graph: integers with known ends, memory accesses, order.
//
// Nodes stand in an order in which operands come first. A maker returns an existing node for the
// same operation on the same operands, and a constant where all operands are.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "kernel/expr.h"
#include "kernel/ir.h"

namespace heddle::kernel::rtl {

using NodeId = int;
constexpr NodeId kNoNode = -1;

enum class Op : std::uint8_t {
  kConstant,
  kInput,    ///< a wire that keeps its value while the graph runs: `name`
  kCounter,  ///< a counter of the pipeline times `value`: `name`
  kAdd,
  kSub,
  kMul,
  kQuotient,   ///< toward zero; anything if the divisor is 0
  kRemainder,  ///< of the dividend's sign
  kAnd,
  kOr,
  kXor,
  kNot,  ///< each of the result's bits
  kLess,
  kEqual,
  kMux,         ///< operands: condition, then, otherwise
  kSlice,       ///< bits from `value` up of the operand, sign-extended as far as need be
  kShiftLeft,   ///< by the second operand, cut to the result's bits
  kShiftRight,  ///< by the second operand, keeping the sign
  kRead,        ///< operands: index
  kWrite,       ///< operands: index, value
};

struct Node {
  Op op{};
  std::vector<NodeId> operands;
  /// The ends of the value: what its bits are chosen by.
  Int128 low = 0;
  Int128 high = 0;
  Int128 value = 0;
  std::string name;            ///< kInput, kCounter: the wire; kRead, kWrite: the array
  NodeId predicate = kNoNode;  ///< kRead, kWrite: happens only if this holds
  Stmt statement;              ///< kRead, kWrite: where it comes from

  [[nodiscard]] bool is_signed() const { return low < 0; }
  [[nodiscard]] int width() const;
  [[nodiscard]] bool is_access() const { return op == Op::kRead || op == Op::kWrite; }
};

/// The bits that hold low ... high: two's complement if low < 0.
int bits_for(Int128 low, Int128 high);

/// That `to` starts at least `latency` cycles after `from` of so many iterations before.
struct Order {
  NodeId from = kNoNode;
  NodeId to = kNoNode;
  int latency = 0;
  std::int64_t distance = 0;
};

class Graph {
 public:
  [[nodiscard]] const std::deque<Node>& nodes() const { return nodes_; }
  [[nodiscard]] const Node& operator[](NodeId id) const {
    return nodes_[static_cast<std::size_t>(id)];
  }
  std::vector<Order> orders;

  NodeId constant(Int128 value);
  NodeId input(const std::string& name, Int128 low, Int128 high);
  NodeId counter(const std::string& name, Int128 factor, Int128 low, Int128 high);
  NodeId add(NodeId a, NodeId b);
  NodeId sub(NodeId a, NodeId b);
  NodeId mul(NodeId a, NodeId b);
  NodeId quotient(NodeId a, NodeId b);
  NodeId remainder(NodeId a, NodeId b);
  /// Of operands as they are sign- or zero-extended; `low` and `high` are the result's.
  NodeId bitwise(Op op, NodeId a, NodeId b, Int128 low, Int128 high);
  NodeId invert(NodeId a, Int128 low, Int128 high);
  NodeId less(NodeId a, NodeId b);
  NodeId equal(NodeId a, NodeId b);
  NodeId mux(NodeId condition, NodeId a, NodeId b);
  /// `width` bits from bit `first` up, read as signed or not.
  NodeId slice(NodeId a, int first, int width, bool is_signed);
  NodeId shift_left(NodeId a, int amount);
  NodeId shift_left(NodeId a, NodeId amount, int width, bool is_signed);
  NodeId shift_right(NodeId a, NodeId amount);
  NodeId logical_not(NodeId a) { return equal(a, constant(0)); }
  NodeId both(NodeId a, NodeId b) { return bitwise(Op::kAnd, a, b, 0, 1); }
  NodeId either(NodeId a, NodeId b) { return bitwise(Op::kOr, a, b, 0, 1); }
  NodeId read(const std::string& array, NodeId index, Int128 low, Int128 high, NodeId predicate,
              const Stmt& statement);
  NodeId write(const std::string& array, NodeId index, NodeId value, NodeId predicate,
               const Stmt& statement);

  /// Keeps only what the writes need. Orders between nodes that go are left out.
  void remove_unused();

 private:
  NodeId make(Node node);
  [[nodiscard]] const Int128* literal(NodeId id) const;
  /// An operand as constant if the value's ends meet.
  NodeId settled(NodeId id);

  std::deque<Node> nodes_;  ///< references to nodes hold while others are made
  std::map<std::string, NodeId> known_;
};

}  // namespace heddle::kernel::rtl
