// Unrolled loops as copies of their bodies, calls as the bodies of their callees.
#pragma once

#include "kernel/ir.h"

namespace heddle::kernel::rtl {

/// The kernel without calls, and without unrolled loops or loops inside of pipelined ones: what is
/// left runs as loops. Throws UserError if that makes too many statements.
Kernel expand(const Kernel& kernel);

}  // namespace heddle::kernel::rtl
