// The schedules of the library's kernels beyond "base".
#pragma once

#include <vector>

#include "kernel/library/library.h"

namespace heddle::kernel {

/// "base"; "library": loops and local copies alone; "optimised": also instructions and threads. For
/// kernels that are a linear kernel, a gemm or a softmax, or that call such kernels (composed with
/// their schedules, at any depth). A masked or narrow product stays as it is.
std::vector<LibrarySchedule> all_schedules();

}  // namespace heddle::kernel
