// The primitives that make processes and streams. Each returns the changed kernel; see Schedule.
#pragma once

#include <string>

#include "kernel/ir.h"

namespace heddle::kernel {

Kernel stream(const Kernel& kernel, const std::string& array, std::int64_t depth);
Kernel dataflow(const Kernel& kernel, const std::string& loop);
Kernel systolic(const Kernel& kernel, const std::string& rows, const std::string& columns,
                const std::string& time);

}  // namespace heddle::kernel
