// Which processes can wait for each other in a ring.
//
// A process of hardware waits as a whole, with several iterations in its pipeline: it may hold an
// element back that an earlier iteration would already have put. Where streams form a tree, nobody
// waits for that for ever. Where they close a ring (whichever way they run), somebody might.
#pragma once

#include <set>
#include <string>

#include "kernel/codegen/rtl/design.h"

namespace heddle::kernel::rtl {

/// The processes that are connected with a ring of streams. A stream counts once for each of its
/// units.
std::set<std::string> processes_in_rings(const Design& design);

}  // namespace heddle::kernel::rtl
