// When processes that meet in streams end: their control, cycle by cycle, without their data.
//
// A process waits as a whole while a stream that it wants to read is empty or one that it wants to
// write is full. Between waits it keeps its own time, in which everything is fixed: which pipeline
// starts when, and in which of its cycles an iteration puts and gets.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "kernel/codegen/rtl/design.h"

namespace heddle::kernel::rtl {

/// One run of a pipeline in the own time of its process.
struct LeafRun {
  const Leaf* leaf = nullptr;
  std::int64_t start = 0;  ///< when `go` is there
  std::vector<std::int64_t> first;
  std::vector<std::int64_t> trips;  ///< of its loops
  /// Counters of the loops around it and scalar arguments, by the names of their wires.
  std::map<std::string, std::int64_t> inputs;
};

/// A process in its own time, without waits.
struct ProcessRun {
  std::vector<LeafRun> runs;
  std::int64_t cycles = 0;
};

/// Cycles until the end of the last of these processes is seen, if memory never stalls. Nothing if
/// the contents of arrays decide, or if processes wait for each other for ever.
std::optional<std::int64_t> cycles_together(const Design& design,
                                            const std::vector<ProcessRun>& processes);

}  // namespace heddle::kernel::rtl
