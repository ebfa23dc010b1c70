// A kernel as hardware, before it becomes text: memories, pipelines and the order they run in.
//
// A design's control is a tree of regions. A token enters a region (`go`) and leaves it (`done`),
// one cycle each; how long it stays is the region's cycles (cycles.h). Only leaves hold operations:
// a pipeline of iterations, or of one.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "kernel/codegen/rtl/banks.h"
#include "kernel/codegen/rtl/graph.h"
#include "kernel/codegen/rtl/target.h"
#include "kernel/ir.h"

namespace heddle::kernel::rtl {

/// Where an array of the kernel lies in hardware.
struct Memory {
  enum class Kind : std::uint8_t {
    kRegisters,  ///< read in the same cycle, any number of accesses; each element is a bank
    kRam,        ///< one read and one write of each bank a cycle
    kRom,        ///< a table
    kGlobal,     ///< a parameter: one read command and one write of a word a cycle
    kStream,     ///< a bank for each channel: one put and one get a cycle
  };
  Kind kind{};
  Array array;  ///< of kStream: its element and its channels
  Banks banks;
  /// Consecutive banks that every access uses together, at one address: they are one unit, a RAM
  /// or a FIFO of wide words.
  std::int64_t unit = 1;
  std::int64_t fifo_depth = 0;  ///< of kStream: elements in a channel
  /// The processes that use it; "" for what stands outside of all.
  std::set<std::string> users;
  int lanes = 1;  ///< of kGlobal: elements of a word
  bool is_read = false;
  bool is_written = false;

  /// Cycles from an index to its element.
  [[nodiscard]] int read_cycles(const Target& target) const;
  /// Bits of a word in memory.
  [[nodiscard]] int word_bits() const { return 8 * array.element.bytes() * lanes; }
  /// Whether accesses in one cycle are limited.
  [[nodiscard]] bool has_ports() const {
    return kind == Kind::kRam || kind == Kind::kGlobal || kind == Kind::kStream;
  }
  [[nodiscard]] std::int64_t units() const { return banks.count / unit; }
};

/// A loop's bound: a literal, or a register that a region before has filled.
struct Bound {
  Expr value;                 ///< as in the kernel
  std::string register_name;  ///< empty: `value` is a literal
};

struct Loop {
  std::string name;
  Bound lower;
  Bound upper;
  Int128 lowest = 0;  ///< of the counter
  Int128 highest = 0;
};

/// When each node of a graph starts, in cycles after its iteration; and when its result is there.
struct Times {
  int interval = 1;  ///< cycles between iterations
  std::vector<int> start;
  std::vector<int> ready;
  int depth = 1;  ///< cycles until all of an iteration's effects are seen
};

/// A pipeline: a flattened nest of loops around straight-line operations; without loops, one
/// iteration.
struct Leaf {
  int number = 0;
  std::vector<Loop> loops;   ///< outermost first
  std::optional<int> asked;  ///< the interval that the schedule asks for
  Graph graph;
  /// Global arrays whose reads wait until all writes before them have arrived.
  std::set<std::string> waits;
  Times times;
};

struct Region;
using RegionPtr = std::shared_ptr<const Region>;

struct Sequence {
  std::vector<RegionPtr> parts;
};
/// Runs its body for each value of its counter, one after the other.
struct Repeat {
  Loop loop;
  RegionPtr body;
};
struct Choice {
  Expr condition;  ///< as in the kernel
  std::string register_name;
  RegionPtr then;
  RegionPtr otherwise;  ///< may be null
};
/// Waits until everything written to these arrays has arrived.
struct Flush {
  std::vector<std::string> arrays;
};

/// Processes side by side, each with a clock enable of its own; done when all are.
struct Fork {
  struct Process {
    std::string name;
    RegionPtr region;
  };
  std::vector<Process> processes;
};

struct Region {
  std::variant<Leaf, Sequence, Repeat, Choice, Flush, Fork> value;
};

/// Calls `visit` for each leaf inside of a region, in the order of the text.
void for_each_leaf(const RegionPtr& region, const std::function<void(const Leaf&)>& visit);

/// An interval that was asked for and not reached.
struct Miss {
  std::string loop;
  int asked = 0;
  int reached = 0;
  std::string reason;
  std::string remedy;
};

struct Design {
  KernelPtr kernel;  ///< as it was given
  Target target;
  std::set<std::string> dots;  ///< see Expanded
  /// Processes whose streams close a ring (rings.h): they put and get in the order of the text.
  std::set<std::string> in_rings;
  std::vector<Memory> memories;  ///< in the order of parameters and declarations
  RegionPtr top;
  bool has_processes = false;  ///< a Fork is in it: parts that wait each for themselves
  std::vector<Miss> misses;

  [[nodiscard]] const Memory& memory(const std::string& name) const;
};

/// Throws UserError for what this back end has no hardware for.
Design make_design(const KernelPtr& kernel, const Target& target);

}  // namespace heddle::kernel::rtl
