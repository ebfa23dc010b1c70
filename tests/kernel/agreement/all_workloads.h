// The workloads of every suite.
#pragma once

#include <vector>

#include "kernel/machsuite/machsuite.h"
#include "kernel/polybench/polybench.h"

namespace heddle::kernel {

inline std::vector<Workload> all_workloads(Size size) {
  return join({polybench(size), machsuite(size)});
}

}  // namespace heddle::kernel
