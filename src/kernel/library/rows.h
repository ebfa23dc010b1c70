// Kernels that treat each row as a whole: softmax, layer norm, RMS norm.
#pragma once

#include "kernel/library/common.h"

namespace heddle::kernel {

struct SoftmaxShape {
  std::int64_t rows = 1;
  std::int64_t columns = 1;
  Number number = Number::kFloat32;
  /// kCausal: row i is about its first offset + i + 1 columns; the others become 0.
  Mask mask = Mask::kNone;
};
/// float32: x, scale, (offset) -> y = softmax(scale x) by rows, for scale >= 0: exp(scale (x -
/// max)), summed in order of the columns, times 1 / sum.
///
/// int8: x (int<32>), multiplier, shift (scalars), (offset) -> y (uint<8>) and total (uint<32>
/// [rows]), the probability being y / total. The distance to the row's maximum is counted in 1/256
/// octaves: t = (max - x) * multiplier / 2^shift to the nearest (ties upward), at most 4095; then y
/// = 255 * 2^(-t/256), as a table of 256 values with 16 bits, shifted and rounded to the nearest.
/// So the multiplier stands for 256 log2(e) times the scale of x, the largest y of a row is 255,
/// and total is the sum of its y. Leaving the division to the consumer keeps long flat rows, whose
/// probabilities are far below 1/255.
KernelPtr softmax(const SoftmaxShape& shape, const std::string& name = "softmax");

struct NormShape {
  std::int64_t rows = 1;
  std::int64_t columns = 1;
  Number number = Number::kFloat32;
};
/// x, weight, bias ([columns], float32), epsilon (scalar) -> y = (x - mean) / sqrt(variance +
/// epsilon) * weight + bias by rows; first the mean, then the mean of the squared distances.
///
/// int8: x is int<8>, weight and bias count in steps of y, epsilon in squared steps of x. The sums
/// of x and x^2 are exact integers; columns * x - sum and columns * sum of squares - sum^2 too,
/// which are then converted to float32; the last product and sum are float32, rounded to the
/// nearest int<8> (ties to even) and saturated.
KernelPtr layer_norm(const NormShape& shape, const std::string& name = "layer_norm");
/// x, weight, epsilon -> y = x / sqrt(mean(x^2) + epsilon) * weight. int8: as for layer_norm.
KernelPtr rms_norm(const NormShape& shape, const std::string& name = "rms_norm");

LibraryKernel softmax_entry();
LibraryKernel layer_norm_entry();
LibraryKernel rms_norm_entry();

}  // namespace heddle::kernel
