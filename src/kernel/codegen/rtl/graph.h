// The operations of one iteration as a graph: integers with known ends, memory accesses, order.
//
// Nodes stand in an order in which operands come first. A maker returns an existing node for the
// same operation on the same operands, and a constant where all operands are.
//
// Unrolled loops stay loops here: a node that differs between their iterations stands for a value
// in each of these lanes, and is said to vary along the loops.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "kernel/expr.h"
#include "kernel/ir.h"

namespace heddle::kernel::rtl {

using NodeId = int;
constexpr NodeId kNoNode = -1;

/// Lanes side by side: an unrolled loop, or several of as many iterations, one after the other.
struct LaneLoop {
  std::string name;
  std::int64_t trips = 1;
};
/// A set of lane loops: bit n for loop n.
using LaneSet = std::uint32_t;
constexpr int kMostLaneLoops = 32;

enum class Op : std::uint8_t {
  kConstant,
  kInput,    ///< a wire that keeps its value while the graph runs: `name`
  kCounter,  ///< a counter of the pipeline times `value`: `name`
  kLane,     ///< the number of the lane along lane loop `value`
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
  kTotal,       ///< the sum over the lanes `over`
  kLeast,       ///< the least over the lanes `over`
  kGreatest,
  kFloat,  ///< what a FloatUnit, `value`, makes of the bits of floats; `name`: its parameters
  kDot,    ///< of two operands of at most 8 bits: the sum of their products over the lanes `over`;
           ///< lane 2n along lane loop `value` shares a DSP with lane 2n + 1
  kRead,   ///< operands: address, bank, choice; `value` 1: consumes what it reads
  kWrite,  ///< operands: address, bank, choice, value
};

/// The floating-point modules (float_units.h).
enum class FloatUnit : std::uint8_t {
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kSqrt,
  kIntegral,  ///< to a float without fraction
  kToBfloat16,
  kToFixed,
  kFromFixed,
};

/// Where an element lies: in bank `bank + offsets[choice]`, at `address`. The bank depends on lanes
/// and literals alone, the choice on anything.
struct Place {
  NodeId address = kNoNode;
  NodeId bank = kNoNode;
  NodeId choice = kNoNode;
  std::vector<std::int64_t> offsets = {0};

  bool operator==(const Place&) const = default;
};

// The initialisers say to GCC that makers may leave members out.
// NOLINTBEGIN(readability-redundant-member-init)
struct Node {
  Op op{};
  std::vector<NodeId> operands = {};
  /// The ends of the value: what its bits are chosen by.
  Int128 low = 0;
  Int128 high = 0;
  Int128 value = 0;
  std::string name = {};                   ///< kInput, kCounter: the wire; kRead, kWrite: the array
  NodeId predicate = kNoNode;              ///< kRead, kWrite: happens only if this holds
  Stmt statement = {};                     ///< kRead, kWrite: where it comes from
  std::vector<std::int64_t> offsets = {};  ///< kRead, kWrite: of the banks to choose among
  LaneSet over = 0;                        ///< lane loops that a total runs along
  LaneSet lanes = 0;                       ///< lane loops that the value varies along

  [[nodiscard]] bool is_signed() const { return low < 0; }
  [[nodiscard]] int width() const;
  [[nodiscard]] bool is_access() const { return op == Op::kRead || op == Op::kWrite; }
};
// NOLINTEND(readability-redundant-member-init)
/// A write's value among its operands.
constexpr std::size_t kWritten = 3;

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
  std::vector<LaneLoop> lane_loops;  ///< outer before inner

  /// The lanes of a set.
  [[nodiscard]] std::int64_t lane_count(LaneSet lanes) const;
  /// Calls `visit` for each lane of the set, with the numbers along all lane loops (0 along those
  /// that are not in the set).
  void for_each_lane(LaneSet lanes,
                     const std::function<void(const std::vector<std::int64_t>&)>& visit) const;
  /// Whether a node is made of literals and numbers of lanes alone; and its value in a lane.
  [[nodiscard]] bool is_fixed(const Node& node) const;
  [[nodiscard]] bool is_fixed(NodeId id) const { return is_fixed((*this)[id]); }
  [[nodiscard]] Int128 fixed_value(NodeId id, const std::vector<std::int64_t>& lane) const;

  NodeId lane(int loop);
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
  /// kTotal, kLeast or kGreatest over lanes. Of a value that does not vary along some of them, a
  /// total counts it as often.
  NodeId total(Op op, NodeId a, LaneSet over);
  /// `ends` are those of the result's bits as a natural number.
  NodeId floating(FloatUnit unit, std::vector<NodeId> operands, const std::string& parameters,
                  const std::pair<Int128, Int128>& ends);
  /// The sum of products over lanes, two products to a DSP: of values of at most 8 bits with signs,
  /// one of which does not vary along an even lane loop along which the other does. kNoNode if
  /// there is no such pair.
  NodeId dot(NodeId a, NodeId b, LaneSet over);
  /// `consumes`: the read happens even if nothing uses it, as what it reads is gone then.
  NodeId read(const std::string& array, const Place& place, Int128 low, Int128 high,
              NodeId predicate, const Stmt& statement, bool consumes = false);
  NodeId write(const std::string& array, const Place& place, NodeId value, NodeId predicate,
               const Stmt& statement);

  /// Keeps only what the writes need. Orders between nodes that go are left out.
  void remove_unused();

 private:
  /// The known node that is the same, or a new one.
  NodeId make(Node node);
  NodeId append(Node node);
  [[nodiscard]] const Int128* literal(NodeId id) const;
  /// An operand as constant if the value's ends meet.
  NodeId settled(NodeId id);

  std::deque<Node> nodes_;  ///< references to nodes hold while others are made
  std::map<std::string, NodeId> known_;
};

}  // namespace heddle::kernel::rtl
