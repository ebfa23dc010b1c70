// Banks that are always used together become one wide memory.
#pragma once

#include "kernel/codegen/rtl/design.h"

namespace heddle::kernel::rtl {

/// Fills in each memory's `unit`.
void join_banks(Design& design);

/// The lane loops along which an access of a memory moves from unit to unit.
LaneSet lanes_of_units(const Graph& graph, const Node& access, std::int64_t unit);

}  // namespace heddle::kernel::rtl
