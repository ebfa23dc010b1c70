// Making a failing case small enough to read.
#pragma once

#include <functional>
#include <string>

#include "kernel/ir.h"

namespace heddle::kernel {

struct Failure {
  KernelPtr kernel;
  std::string steps;  ///< a schedule file
};

/// Leaves out steps and statements, shortens loops and simplifies values as long as `fails` still
/// says so. `fails` gets only kernels that verify.
Failure shrink(Failure failure, const std::function<bool(const Failure&)>& fails);

}  // namespace heddle::kernel
