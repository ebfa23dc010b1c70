// LayerNorm of Fixed numbers, bit for bit that of docs/arithmetic.md.
#pragma once

#include "kernel/library/exact_linear.h"

namespace heddle::kernel {

struct ExactLayerNormShape {
  std::int64_t rows = 1;
  std::int64_t columns = 1;
  int x_fraction = 0;
  int y_fraction = 0;
  double epsilon = 0;
};
/// Throws UserError for more than 65,536.
void check_norm_columns(std::int64_t columns);
/// x [rows, columns] int<27>; factor uint<16>, factor_exponent int<8>, factor_sign uint<1> (1:
/// negative), offset int<27> (at y's fraction), all [columns] -> y [rows, columns] int<27>. A row's
/// statistics are nests of their own; its two divisions and the square root (31 steps of a digit)
/// happen once. Throws UserError for more than 65,536 columns.
KernelPtr layer_norm_exact(const ExactLayerNormShape& shape,
                           const std::string& name = "layer_norm_exact");

struct ExactNormShape {
  std::int64_t rows = 1;
  std::int64_t columns = 1;
  int a_fraction = 0;
  int b_fraction = 0;
  int sum_fraction = 0;
  int norm_fraction = 0;
  double epsilon = 0;
  std::int64_t block = 1;  ///< rows that are kept at a time; divides rows
};
/// a, b [rows, columns] int<27>; factor, factor_exponent, factor_sign, offset as above -> sum
/// [rows, columns] int<27> = a + b, and y, y_mantissa, y_exponent = the codes of layer_norm(sum).
KernelPtr norm_exact(const ExactNormShape& shape, const std::string& name = "norm_exact");

/// The shape that parameters of a library kernel say, a row at a time.
ExactNormShape exact_norm_shape(const LibraryArguments& arguments);
LibraryKernel norm_exact_entry();

}  // namespace heddle::kernel
