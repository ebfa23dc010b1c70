// What an operation costs in time on the target, and how long its memories take.
#pragma once

#include "kernel/codegen/rtl/graph.h"

namespace heddle::kernel::rtl {

struct Target {
  double clock_mhz = 300;
  /// Cycles from a read's command to its data, and from a write to its response, that schedules
  /// reckon with. A memory that takes longer stalls the process; one that is faster gains nothing.
  int memory_read = 64;
  int memory_write = 64;

  /// Picoseconds of logic that fit into a cycle, nets and registers taken off.
  [[nodiscard]] int budget() const;
};

/// An operation's time: whole cycles between registers inside of it, and picoseconds of logic
/// before the first (`setup`) and behind the last (`delay`). Without cycles, `delay` is all of it.
struct Timing {
  int cycles = 0;
  int setup = 0;
  int delay = 0;
};

/// Of everything but accesses, by the widths of operands and result. The figures are those of an
/// UltraScale+ fabric of speed grade -2 in round numbers (a LUT and its net 250 ps, a carry chain
/// 8 bits in 50 ps): assumptions until a vendor's tool has routed a design.
Timing timing_of(const Graph& graph, const Node& node);

}  // namespace heddle::kernel::rtl
