// The 30 programs of PolyBench/C 4.2 (Pouchet and Yuki), in float32 and int<32>.
#pragma once

#include <vector>

#include "kernel/support/workload.h"

namespace heddle::kernel {

/// All of them, in the order of the groups below.
std::vector<Workload> polybench(Size size);

// The groups, as PolyBench sorts them into folders.
std::vector<Workload> polybench_datamining(Size size);
std::vector<Workload> polybench_blas(Size size);
std::vector<Workload> polybench_kernels(Size size);
std::vector<Workload> polybench_solvers(Size size);
std::vector<Workload> polybench_medley(Size size);
std::vector<Workload> polybench_stencils(Size size);

}  // namespace heddle::kernel
