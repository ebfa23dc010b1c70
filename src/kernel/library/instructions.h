// The instructions that schedules may name in `replace`.
#pragma once

#include "kernel/ir.h"

namespace heddle::kernel {

/// Tiles of matrix products (library/tiles.h).
std::vector<KernelPtr> make_instructions();

}  // namespace heddle::kernel
