// The multi-layer perceptron of a transformer block, plain or gated.
#pragma once

#include "kernel/library/common.h"
#include "kernel/library/elementwise.h"

namespace heddle::kernel {

struct MlpShape {
  std::int64_t rows = 1;
  std::int64_t hidden = 1;  ///< columns of x and y
  std::int64_t inner = 1;   ///< columns between the two layers
  Activation activation = Activation::kGeluTanh;
  bool gated = false;
  bool bias = false;
  Number number = Number::kFloat32;
};
/// x[rows, hidden] -> y[rows, hidden] = down(f(up(x))), or down(f(gate(x)) * up(x)) if gated
/// (Shazeer 2020). Each of up, gate and down has a weight, a bias if asked for and, for int8, a
/// multiplier and shift per column that bring its int<32> sums to int<8>. int8 further takes the
/// activation's scale and inverse_scale (not relu), and product_multiplier and product_shift if
/// gated.
KernelPtr mlp(const MlpShape& shape, const std::string& name = "mlp");

LibraryKernel mlp_entry();

}  // namespace heddle::kernel
