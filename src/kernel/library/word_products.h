// A schedule for plain kernels of products of int8: whole words at a time.
#pragma once

#include "kernel/schedule/schedule.h"

namespace heddle::kernel {

/// Puts all called kernels in place of their calls. Then each loop that sums products of two int8
/// arrays and nothing else takes `width` of them in a cycle, where the width divides its literal
/// trips: arguments are read in words of so many elements, local arrays lie in as many banks. A
/// loop that runs along no last dimension of an argument stays as it is.
Schedule products_in_words(const KernelPtr& kernel, std::int64_t width);

}  // namespace heddle::kernel
