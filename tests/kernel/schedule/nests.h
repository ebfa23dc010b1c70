// Small kernels that schedules are tried on.
#pragma once

#include <string>

#include "kernel/ir.h"
#include "kernel/schedule/schedule.h"

namespace heddle::kernel {

/// "gemm", "skewed", ...: see nests.cpp.
KernelPtr nest(const std::string& name);

/// The kernel `name` after the steps (lines of a schedule file).
Schedule scheduled(const std::string& name, const std::string& steps);

/// What the steps are refused with: problem, newline, remedy; "" if all are taken.
std::string refusal(const std::string& name, const std::string& steps);

}  // namespace heddle::kernel
