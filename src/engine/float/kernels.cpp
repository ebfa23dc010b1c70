#include "engine/float/kernels.h"

namespace heddle {

// One translation unit of kernels_isa.cpp each.
namespace isa_baseline {
extern const Kernels kTable;
}
namespace isa_avx2 {
extern const Kernels kTable;
}
namespace isa_avx512 {
extern const Kernels kTable;
}
namespace isa_avx512bf16 {
extern const Kernels kTable;
}

std::vector<const Kernels*> supported_kernels() {
  std::vector<const Kernels*> sets = {&isa_baseline::kTable};
  if (__builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0) {
    sets.push_back(&isa_avx2::kTable);
  }
  if (__builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
      __builtin_cpu_supports("avx512vl") != 0 && __builtin_cpu_supports("avx512dq") != 0) {
    sets.push_back(&isa_avx512::kTable);
    if (__builtin_cpu_supports("avx512bf16") != 0) sets.push_back(&isa_avx512bf16::kTable);
  }
  return sets;
}

const Kernels& kernels() {
  static const Kernels& best = *supported_kernels().back();
  return best;
}

}  // namespace heddle
