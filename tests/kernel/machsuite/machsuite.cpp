#include "kernel/machsuite/machsuite.h"

namespace heddle::kernel {

std::vector<Workload> machsuite(Size size) {
  return join({machsuite_matrices(size), machsuite_fft(size), machsuite_neighbours(size),
               machsuite_sequences(size), machsuite_sort(size)});
}

}  // namespace heddle::kernel
