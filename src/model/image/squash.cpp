#include "model/image/squash.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "model/image/convolve.h"

namespace heddle {
namespace {

RealAxisWeights neighbour_weights(int input, int output) {
  const double scale = static_cast<double>(input) / output;
  RealAxisWeights real;
  for (int i = 0; i < output; ++i) {
    const double position = std::max(scale * (i + 0.5) - 0.5, 0.0);
    const int first = std::min(static_cast<int>(position), input - 1);
    const double second_weight = std::min(position - first, 1.0);
    const int count = std::min(2, input - first);
    real.taps.push_back({first, count, real.weights.size()});
    // The last input has no neighbour and is taken whole.
    real.weights.push_back(count == 2 ? 1.0 - second_weight : 1.0);
    if (count == 2) real.weights.push_back(second_weight);
  }
  return real;
}

/// The most fraction bits with which every weight fits into a signed 16-bit integer.
int precision_for(const RealAxisWeights& real) {
  const double largest = std::ranges::max(real.weights);
  int precision = 0;
  while (precision < 22 && largest * (1 << (precision + 1)) + 0.5 < (1 << 15)) ++precision;
  return precision;
}

AxisWeights fixed_neighbour_weights(int input, int output) {
  const RealAxisWeights real = neighbour_weights(input, output);
  return to_fixed_point(real, precision_for(real));
}

}  // namespace

Image squash_bilinear(const Image& image, int width, int height) {
  ensure(width >= 1 && height >= 1 && width <= kMaxImageSide && height <= kMaxImageSide,
         "squashing to {}x{}", width, height);
  Image result = image;
  if (width != image.width) {
    result = convolve_rows(result, fixed_neighbour_weights(image.width, width));
  }
  if (height != image.height) {
    result = convolve_columns(result, fixed_neighbour_weights(image.height, height));
  }
  return result;
}

}  // namespace heddle
