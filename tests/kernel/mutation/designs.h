// The designs that edits are made in: small, and together with every part that emitted text has.
#pragma once

#include <string>
#include <vector>

#include "kernel/ir.h"

namespace heddle::kernel {

/// Kernels of arrays alone, of literal shapes.
std::vector<KernelPtr> mutation_designs();

}  // namespace heddle::kernel
