// From bytes to the floats a vision model reads: channels apart, values scaled.
#pragma once

#include <array>

#include "model/image/image.h"
#include "tensor/tensor.h"

namespace heddle {

/// F32 [3, height, width] in 0..1: each byte divided by 255 in float32.
Tensor to_unit_floats(const Image& image);

/// Turns 0..1 into -1..1 in place: x * 2 - 1, rounded after each step. The tensor is F32.
void unit_to_signed(Tensor& values);

/// How a model wants its pixels: (byte * scale - mean) / deviation.
struct Normalisation {
  double scale = 1.0 / 255.0;
  std::array<float, 3> mean{};
  std::array<float, 3> deviation{1.0F, 1.0F, 1.0F};
};

/// F32 [3, height, width]. The product with `scale` is taken in float64 and rounded to float32,
/// the rest is float32: the arithmetic of NumPy-based image processors.
/// InternalError for a deviation of 0.
Tensor normalise(const Image& image, const Normalisation& constants);

}  // namespace heddle
