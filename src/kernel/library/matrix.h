// Products of matrices and vectors: linear, gemm, gemv.
#pragma once

#include "kernel/library/common.h"

namespace heddle::kernel {

/// Which rows of x a linear kernel treats.
enum class Rows : std::uint8_t {
  kAll,
  kRange,  ///< first <= i < last, scalar arguments; the other rows of y keep what they hold
};

struct LinearShape {
  std::int64_t rows = 1;
  std::int64_t columns = 1;
  std::int64_t inner = 1;
  Number number = Number::kFloat32;
  bool bias = false;
  Mask mask = Mask::kNone;  ///< kCausal: y[i, j] for visible j only, others keep what they hold
  Rows range = Rows::kAll;
};
/// x[rows, inner], weight[columns, inner], bias[columns] if asked for, (offset), (first, last) ->
/// y[rows, columns] = bias + x weight^T, summed in the order of inner, in float32 or int<32>.
KernelPtr linear(const LinearShape& shape, const std::string& name = "linear");

struct GemmShape {
  std::int64_t rows = 1;
  std::int64_t columns = 1;
  std::int64_t inner = 1;
  Type a = float32_type();
  Type b = float32_type();
  Type sum = float32_type();
  Mask mask = Mask::kNone;  ///< kCausal: row i of a counts to its first offset + i + 1 elements
};
/// a[rows, inner], b[inner, columns], (offset) -> c[rows, columns] = a b, summed in order of inner.
KernelPtr gemm(const GemmShape& shape, const std::string& name = "gemm");

struct GemvShape {
  std::int64_t rows = 1;
  std::int64_t inner = 1;
  Number number = Number::kFloat32;
  bool bias = false;
};
/// weight[rows, inner], x[inner], bias[rows] if asked for -> y[rows] = bias + weight x.
KernelPtr gemv(const GemvShape& shape, const std::string& name = "gemv");

LibraryKernel linear_entry();
LibraryKernel gemm_entry();
LibraryKernel gemv_entry();

}  // namespace heddle::kernel
