// The primitives on calls. Each returns the changed kernel; see Schedule for what they do.
#pragma once

#include <string>

#include "kernel/ir.h"

namespace heddle::kernel {

Kernel replace(const Kernel& kernel, const std::string& loop, const KernelPtr& instruction);
Kernel inline_call(const Kernel& kernel, const std::string& callee);
/// Calls of kernels equal to `from` become calls of `to`, which has the same parameters (names and
/// layouts of local arrays aside).
Kernel exchange_callee(const Kernel& kernel, const KernelPtr& from, const KernelPtr& to);

}  // namespace heddle::kernel
