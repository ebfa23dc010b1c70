// A schedule: a kernel, and the checked steps that reshape it.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kernel/ir.h"

namespace heddle::kernel {

/// One recorded step: "split k 16" is {"split", {"k", "16"}, {}}.
struct Step {
  std::string primitive;
  std::vector<std::string> arguments;
  std::vector<Step> inner;  ///< compose: the steps of the called kernel's schedule

  bool operator==(const Step&) const = default;
};

/// Starts from a kernel and applies primitives to it. Each primitive checks that it is legal
/// (throws UserError that shows the nest, the place, the reason and the legal choices, and leaves
/// the schedule as it was), verifies the kernel it makes, and is recorded. A schedule is a value: a
/// copy goes its own way.
class Schedule {
 public:
  explicit Schedule(KernelPtr kernel);

  [[nodiscard]] const KernelPtr& original() const { return original_; }
  [[nodiscard]] const KernelPtr& kernel() const { return kernel_; }
  [[nodiscard]] const std::vector<Step>& steps() const { return steps_; }

  // Loops (schedule/loops.h). New loops get the names given in the comment, numbered if taken.

  /// for k in a..b -> for k_o: for k_i in 0..factor, guarded unless factor divides the literal trip
  /// count. Returns {outer, inner}.
  std::pair<std::string, std::string> split(const std::string& loop, std::int64_t factor);
  /// for k in a..b -> for k over as many iterations as fill the factor, then for k_rest over what
  /// is left; after that, split k by the factor needs no guard.
  void peel(const std::string& loop, std::int64_t factor);
  /// Splits two nested loops and brings both outer halves outward: a_o, b_o, a_i, b_i.
  void tile(const std::string& outer, const std::string& inner, std::int64_t outer_factor,
            std::int64_t inner_factor);
  /// Puts loops of one perfect nest into the order given; loops not named keep their places.
  void reorder(const std::vector<std::string>& loops);
  /// for a: for b: -> for a_b. Returns the new name.
  std::string fuse(const std::string& outer, const std::string& inner);
  /// for l { S; T } -> for l { S } for l_1 { T }, T starting at the statement that `at` names: a
  /// loop or an array it stores to. Returns the second loop's name.
  std::string fission(const std::string& loop, const std::string& at);
  /// All iterations side by side; with a factor: split by it and unroll the inner loop.
  void unroll(const std::string& loop, std::int64_t factor = 0);
  void pipeline(const std::string& loop, int initiation_interval = 1);
  void parallel(const std::string& loop);
  /// Moves the nest `producer` (an outermost loop of its nest, in the same block as the nest of
  /// `consumer`) into the consumer's loop: for each iteration the producer's loops of the same
  /// depth run in step with the consumer's.
  void compute_at(const std::string& producer, const std::string& consumer);

  // Memories (schedule/memory.h).

  void partition(const std::string& array, int dimension, Partition partition);
  void store_in(const std::string& array, Storage storage);
  /// Global memory, in that bank.
  void bank(const std::string& array, int bank);
  /// The same elements in row-major order under other extents.
  void reshape(const std::string& array, const std::vector<std::int64_t>& shape);
  /// A local array with its dimensions in another order: dimension i is the old order[i].
  void transpose(const std::string& array, const std::vector<int>& order);
  /// Words of `lanes` consecutive elements of the last dimension.
  void pack(const std::string& array, std::int64_t lanes);
  /// Copies the part of the array that one iteration of `loop` touches into a local array before
  /// use, and back after it was written. Returns the local array's name, array_tile.
  std::string stage(const std::string& array, const std::string& loop,
                    Storage storage = Storage::kBram);
  /// Keeps what consecutive iterations of `loop` share of a read-only array in a local window that
  /// shifts. Returns its name, array_window.
  std::string reuse_at(const std::string& array, const std::string& loop);

  // Processes (schedule/processes.h).

  /// A local array between one writing and one reading nest becomes a stream of that depth.
  void stream(const std::string& array, std::int64_t depth = 2);
  /// The statements of the loop's body (of the kernel for "") become processes; with staged tiles
  /// this overlaps copying with computing, the tiles double-buffered.
  void dataflow(const std::string& loop = "");
  /// A perfect nest `rows`, `columns`, `time`, whose reads are each invariant in rows or columns,
  /// becomes a grid of processing elements that hand operands on through streams.
  void systolic(const std::string& rows, const std::string& columns, const std::string& time);

  // Calls (schedule/calls.h).

  /// Exchanges the nest that starts at `loop` for a call of the instruction, after proving that it
  /// equals the instruction's own nest.
  void replace(const std::string& loop, const KernelPtr& instruction);
  /// The body of every call of that kernel in place of the call.
  void inline_call(const std::string& callee);
  /// Calls of the kernel that `callee` started from become calls of what it made of it. Start
  /// `callee` from find_callee().
  void compose(const Schedule& callee);

  /// Takes back the last step (by replaying all others).
  void undo();

 private:
  friend class Replayer;  ///< of schedule files
  /// Carries out a step.
  void apply(Step step);
  /// The one way in which the kernel changes: verifies and records what a step made of it.
  void adopt(Kernel changed, Step step);
  /// Makes instructions known that steps may name. Throws UserError if two share a name.
  void add_instructions(const std::vector<KernelPtr>& instructions);

  KernelPtr original_;
  KernelPtr kernel_;
  std::vector<Step> steps_;
  std::vector<KernelPtr> instructions_;
};

/// The kernel that a call in `kernel` calls. Throws UserError with those that are called.
KernelPtr find_callee(const Kernel& kernel, const std::string& name);

/// The steps as a schedule file: one a line, `compose gemm {` ... `}` around inner ones.
std::string to_text(const std::vector<Step>& steps);
/// The steps as C++ statements on a Schedule called `name`; an instruction stands as a KernelPtr of
/// its name.
std::string to_cpp(const std::vector<Step>& steps, const std::string& name = "s");
/// Applies the steps of a schedule file to a kernel; `#` starts a comment. `instructions` are those
/// that `replace` may name. Throws UserError with source and line: an unknown primitive (with the
/// nearest), wrong arguments (with the primitive's form), an illegal step.
Schedule replay(const KernelPtr& kernel, std::string_view text, const std::string& source,
                const std::vector<KernelPtr>& instructions = {});

/// A primitive as the command line explains it.
struct PrimitiveHelp {
  std::string name;
  std::string form;     ///< "split LOOP FACTOR"
  std::string summary;  ///< one line
};
const std::vector<PrimitiveHelp>& primitives();

}  // namespace heddle::kernel
