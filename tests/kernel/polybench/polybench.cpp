#include "kernel/polybench/polybench.h"

namespace heddle::kernel {

std::vector<Workload> polybench(Size size) {
  return join({polybench_datamining(size), polybench_blas(size), polybench_kernels(size),
               polybench_solvers(size), polybench_medley(size), polybench_stencils(size)});
}

}  // namespace heddle::kernel
