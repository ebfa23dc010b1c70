// Register tiles of matrix products: what processors do well, as instructions.
#pragma once

#include <cstdint>

#include "kernel/ir.h"

namespace heddle::kernel {

/// y[rows,columns] += x[rows,4n] w[n,columns,4], int8 products summed in int32. Four products of
/// one sum lie side by side in w, as AVX-512 VNNI and DP4A take them. `columns` is a multiple
/// of 16. Named dot_tile_s8_ROWSxCOLUMNS.
KernelPtr dot_tile_s8(std::int64_t rows, std::int64_t columns);

/// y[rows,columns] += x[rows,n] w[n,columns] in float32, each sum in the order of n, products and
/// sums rounded one by one. `columns` is a multiple of 16. Named mac_tile_f32_ROWSxCOLUMNS.
KernelPtr mac_tile_f32(std::int64_t rows, std::int64_t columns);

}  // namespace heddle::kernel
