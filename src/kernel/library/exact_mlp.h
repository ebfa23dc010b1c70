// A perceptron with GELU (tanh), bit for bit that of docs/arithmetic.md.
#pragma once

#include "kernel/library/exact_linear.h"

namespace heddle::kernel {

struct ExactMlpShape {
  std::int64_t rows = 1;
  std::int64_t hidden = 1;  ///< columns of x and y
  std::int64_t inner = 1;   ///< columns between the layers
  int x_fraction = 0;
  int up_fraction = 0;
  int gelu_fraction = 0;
  int y_fraction = 0;
  std::int64_t block = 1;  ///< rows that are kept at a time; divides rows
};
/// x, x_mantissa, x_exponent (codes of rows [rows, hidden]); for each of up [inner, hidden] and
/// down [hidden, inner] NAME_weight, NAME_weight_mantissa, NAME_weight_exponent, NAME_bias -> y
/// [rows, hidden] int<27> = down(quantise(gelu(up(x)))).
KernelPtr mlp_exact(const ExactMlpShape& shape, const std::string& name = "mlp_exact");

/// The shape that parameters of a library kernel say, all rows in one block.
ExactMlpShape exact_mlp_shape(const LibraryArguments& arguments);
LibraryKernel mlp_exact_entry();

}  // namespace heddle::kernel
