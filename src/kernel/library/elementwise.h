// Kernels that treat each element by itself: activations, residual sums, products, requantisation.
#pragma once

#include "kernel/library/common.h"

namespace heddle::kernel {

enum class Activation : std::uint8_t { kGeluTanh, kGeluErf, kSilu, kRelu };
/// "gelu_tanh", "gelu_erf", "silu", "relu": the words of a parameter, in the order of Activation.
const std::vector<std::string>& activation_words();
Activation activation_of(const std::string& word);
FunctionPtr function_of(Activation activation);

struct MatrixShape {
  std::int64_t rows = 1;
  std::int64_t columns = 1;
  Number number = Number::kFloat32;
};

/// float32: x -> y = f(x). int8: x, scale, inverse_scale (float32 scalars) -> y = f(scale x) *
/// inverse_scale, computed in float32 once for each of the 256 values, to the nearest (ties to
/// even) and saturated. relu on int8 is max(x, 0) and takes no scales. No bfloat16.
KernelPtr activation(Activation function, const MatrixShape& shape, const std::string& name);
/// Whether an int8 activation takes scales.
bool takes_scales(Activation function);

/// float32: a, b -> y = a + b. int8: a, b, multiplier_a, multiplier_b, shift -> y = (a *
/// multiplier_a
/// + b * multiplier_b) / 2^shift to the nearest (ties upward), saturated.
KernelPtr residual(const MatrixShape& shape, const std::string& name = "residual");

/// float32: a, b -> y = a b. int8: a, b, multiplier, shift -> requantise(a b).
KernelPtr multiply(const MatrixShape& shape, const std::string& name = "multiply");

struct RequantiseShape {
  std::int64_t rows = 1;
  std::int64_t columns = 1;
  bool per_channel = false;
  bool is_range = false;  ///< rows first <= i < last only, the others keep what they hold
};
/// x[rows, columns] int<32>, multiplier, shift (scalars, or [columns] per channel), (first, last)
/// -> y int<8>: see requantise() in common.h.
KernelPtr requantise_matrix(const RequantiseShape& shape, const std::string& name = "requantise");

LibraryKernel gelu_entry();
LibraryKernel silu_entry();
LibraryKernel relu_entry();
LibraryKernel residual_entry();
LibraryKernel multiply_entry();
LibraryKernel requantise_entry();

}  // namespace heddle::kernel
