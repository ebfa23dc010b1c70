// Kernels: loop nests over arrays and streams, as immutable values.
//
// A name (of a loop, array, stream or argument) means one thing in a kernel, so that schedules and
// messages can speak of "k" or "acc". Everything that makes a nest hardware is a mark on it (a
// loop's unroll, an array's partition) that never changes what it computes.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "kernel/expr.h"

namespace heddle::kernel {

/// Where an array lives.
enum class Storage : std::uint8_t {
  kAuto,      ///< arguments: global memory; locals: the back end chooses
  kGlobal,    ///< off-chip memory, in `bank` if one is given
  kUram,      ///< large on-chip memory (288 Kb blocks)
  kBram,      ///< on-chip memory (36 Kb blocks, two ports)
  kLutram,    ///< memory in lookup tables
  kRegister,  ///< flip-flops: every element in every cycle
};

/// How one dimension is spread over memories: element e lies in bank e mod factor (cyclic), in bank
/// e / ceil(extent / factor) (block), or alone (complete).
struct Partition {
  enum class Kind : std::uint8_t { kNone, kComplete, kCyclic, kBlock };
  Kind kind = Kind::kNone;
  std::int64_t factor = 1;

  bool operator==(const Partition&) const = default;
};

struct Array {
  std::string name;
  Type element;
  /// Extents, of type index: literals, or made of scalar arguments. Row-major; empty for a scalar.
  std::vector<Expr> shape;
  Storage storage = Storage::kAuto;
  std::optional<int> bank;
  /// One per dimension, or empty for none.
  std::vector<Partition> partition;
  /// Consecutive elements of the last dimension that form one memory word (1: not packed).
  std::int64_t lanes = 1;
  /// A constant table: its elements in row-major order, literals of the element type.
  std::vector<Expr> table;
};

/// A FIFO of one or more channels with one writer and one reader each.
struct Stream {
  std::string name;
  Type element;
  std::vector<Expr> shape;  ///< channels; empty for one
  std::int64_t depth = 2;   ///< elements a channel holds before its writer waits
};

struct Kernel;
struct StmtNode;
/// A shared, immutable statement.
using Stmt = std::shared_ptr<const StmtNode>;

struct Block {
  std::vector<Stmt> body;
};

/// How a loop is carried out. None of these changes the result.
struct LoopMarks {
  /// Start an iteration every so many cycles; the loops inside are unrolled.
  std::optional<int> pipeline;
  /// All iterations side by side; the trip count is a literal.
  bool unroll = false;
  /// Iterations are independent and may run on several threads or units.
  bool parallel = false;

  bool operator==(const LoopMarks&) const = default;
};

/// for name in lower..upper: body. The bounds (index) are evaluated once, before the loop; there
/// may be no iteration.
struct For {
  std::string name;
  Expr lower;
  Expr upper;
  LoopMarks marks;
  Stmt body;
};

struct If {
  Expr condition;
  Stmt then;
  Stmt otherwise;  ///< may be null
};

/// A local array; it exists, without values unless it is a table, to the end of the block.
struct DeclareArray {
  Array array;
};
struct DeclareStream {
  Stream stream;
};

enum class ReduceOp : std::uint8_t { kAdd, kMul, kMin, kMax };
BinaryOp operator_of(ReduceOp op);

/// array[indices] = value, or array[indices] op= value. The value is converted to the element's
/// type by that type's modes (float32 to bfloat16 rounds); between floats and fixed-point a Cast is
/// needed. `op=` means: load, apply op by its rule, convert, store.
struct Store {
  std::string array;
  std::vector<Expr> indices;
  Expr value;
  std::optional<ReduceOp> reduce;
};

/// stream[channel] <- value; waits while the channel is full.
struct Put {
  std::string stream;
  std::vector<Expr> channel;
  Expr value;
};
/// array[indices] <- stream[channel]; waits while the channel is empty.
struct Get {
  std::string stream;
  std::vector<Expr> channel;
  std::string array;
  std::vector<Expr> indices;
};

/// The part of an array that a call sees: for each dimension of the array its first index, and
/// whether the callee's next dimension runs along it (else it is fixed at `base`). The callee's
/// extents say how far; a window lies inside its array.
struct Window {
  struct Dimension {
    Expr base;
    bool spanned = false;
  };
  std::string array;
  std::vector<Dimension> dimensions;
};
/// The callee runs to its end on these arguments, in the order of its parameters: windows for
/// arrays, the names of streams for streams, expressions for scalars. Two windows that the callee
/// writes (out or inout) do not overlap: the interpreter refuses them. One that it only reads may
/// overlap one that it writes, and then sees at once what is written.
struct StreamArgument {
  std::string stream;
  std::vector<Expr> channel;  ///< all indices if the callee's stream has no channels, else none
};
struct Call {
  std::shared_ptr<const Kernel> callee;
  std::vector<std::variant<Window, StreamArgument, Expr>> arguments;
};

/// Processes that run side by side and meet in streams. They mean the same as running one after the
/// other with streams of unlimited depth; so a stream's writer stands before its reader, and an
/// array that one process writes is read by later ones only (after the writer has ended). A process
/// that is a loop marked unroll is one process per iteration.
struct Dataflow {
  struct Process {
    std::string name;
    Stmt body;
  };
  std::vector<Process> processes;
};

struct StmtNode {
  std::variant<Block, For, If, DeclareArray, DeclareStream, Store, Put, Get, Call, Dataflow> value;
};

template <typename Node>
Stmt make_stmt(Node node) {
  return std::make_shared<const StmtNode>(StmtNode{std::move(node)});
}
/// The statement's value if it is of kind Node, else nullptr.
template <typename Node>
const Node* as(const Stmt& stmt) {
  return stmt ? std::get_if<Node>(&stmt->value) : nullptr;
}

enum class Direction : std::uint8_t { kIn, kOut, kInOut };

struct ArrayParameter {
  Array array;
  Direction direction{};
};
/// A number that the caller gives: sizes are of type index.
struct ScalarParameter {
  std::string name;
  Type type;
};
/// A stream that the caller owns; kIn is read, kOut is written.
struct StreamParameter {
  Stream stream;
  Direction direction{};
};
using Parameter = std::variant<ArrayParameter, ScalarParameter, StreamParameter>;
const std::string& name_of(const Parameter& parameter);

/// A kernel that a machine has as an instruction: its body says what it means, this how it is
/// written. The native text is the body of a C++ function whose parameters are, for each array, a
/// pointer of its name to the first element and its strides in elements as `name_stride0`, ..., and
/// the scalars by name.
struct Intrinsic {
  /// What the processor must have, as GCC's __builtin_cpu_supports spells it, "" for nothing.
  std::vector<std::string> features;
  std::string native;  ///< empty: the native back end uses the kernel's body
  /// For each array parameter, how many of its last dimensions must lie dense in memory.
  std::vector<int> dense;
  /// The hand-written hardware primitive that does it; empty if there is none.
  std::string primitive;
};

struct Kernel {
  std::string name;
  std::string summary;  ///< one line
  std::vector<Parameter> parameters;
  Stmt body;
  std::optional<Intrinsic> intrinsic;
};
using KernelPtr = std::shared_ptr<const Kernel>;

/// Whether two kernels are the same text: names, marks and all. The summaries may differ.
bool equal(const Kernel& a, const Kernel& b);
bool equal(const Stmt& a, const Stmt& b);

/// The number of elements if all extents are literals.
std::optional<std::int64_t> element_count(const std::vector<Expr>& shape);
/// The number of iterations if the bounds are literals, or the same but for a literal that is
/// added.
std::optional<std::int64_t> literal_trips(const For& loop);

}  // namespace heddle::kernel
