// Programs of MachSuite (Reagen and others, IISWC 2014), with float32 for its double.
#pragma once

#include <vector>

#include "kernel/support/workload.h"

namespace heddle::kernel {

/// All of them, in the order of the groups below.
std::vector<Workload> machsuite(Size size);

std::vector<Workload> machsuite_matrices(Size size);  ///< gemm, spmv
std::vector<Workload> machsuite_fft(Size size);
std::vector<Workload> machsuite_neighbours(Size size);  ///< stencils, md/knn, bfs/bulk
std::vector<Workload> machsuite_sequences(Size size);   ///< kmp, nw, viterbi
std::vector<Workload> machsuite_sort(Size size);

}  // namespace heddle::kernel
