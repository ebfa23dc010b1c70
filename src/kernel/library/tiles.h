// Tiles of matrix products that processors and DSP blocks do well, as instructions.
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

/// y[2] += w x, int8 products summed in int32: two sums of `depth` products that share x, two
/// products to a DSP (rtl/packed_dot_tree.sv). w is [2,depth], or [depth,2] `by_columns`. Named
/// packed_dot_DEPTH, packed_dot_columns_DEPTH.
KernelPtr packed_dot(std::int64_t depth, bool by_columns);

}  // namespace heddle::kernel
