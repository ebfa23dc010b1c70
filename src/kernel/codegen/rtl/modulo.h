// Modulo scheduling: when the operations of an iteration start, so that iterations can follow one
// another in a fixed interval.
//
// Operations without registers are chained within a cycle as far as they fit. Start times are the
// least solution of the order constraints (longest paths); where two accesses meet at a memory's
// port in the same cycle of the interval, the later one moves on. The interval is the least at
// which this ends. After B. R. Rau, "Iterative Modulo Scheduling", MICRO 1994, without its
// backtracking.
#pragma once

#include "kernel/codegen/rtl/design.h"

namespace heddle::kernel::rtl {

/// Fills in the leaf's times. Returns what kept it from the interval that was asked for, if
/// anything did.
std::optional<Miss> schedule(Leaf& leaf, const Design& design);

}  // namespace heddle::kernel::rtl
