#include "model/image/convolve.h"

#include <algorithm>

namespace heddle {
namespace {

std::uint8_t to_byte(std::int32_t sum, int precision) {
  return static_cast<std::uint8_t>(std::clamp(sum >> precision, 0, 255));
}

std::int32_t one_half(int precision) {
  return precision == 0 ? 0 : std::int32_t{1} << (precision - 1);
}

}  // namespace

AxisWeights to_fixed_point(const RealAxisWeights& real, int precision) {
  AxisWeights fixed{precision, real.taps, {}};
  fixed.weights.reserve(real.weights.size());
  const double one = static_cast<double>(std::int64_t{1} << precision);
  for (const double weight : real.weights) {
    fixed.weights.push_back(static_cast<std::int32_t>(weight * one + (weight < 0 ? -0.5 : 0.5)));
  }
  return fixed;
}

Image convolve_rows(const Image& image, const AxisWeights& axis) {
  Image result(static_cast<int>(axis.taps.size()), image.height);
  for (int y = 0; y < image.height; ++y) {
    std::uint8_t* target = result.row(y);
    for (const AxisWeights::Taps& taps : axis.taps) {
      const std::uint8_t* source = image.row(y) + std::ptrdiff_t{3} * taps.first;
      const std::int32_t* weight = &axis.weights[taps.weights];
      std::int32_t red = one_half(axis.precision);
      std::int32_t green = red;
      std::int32_t blue = red;
      for (int i = 0; i < taps.count; ++i, source += 3) {
        red += weight[i] * source[0];
        green += weight[i] * source[1];
        blue += weight[i] * source[2];
      }
      *target++ = to_byte(red, axis.precision);
      *target++ = to_byte(green, axis.precision);
      *target++ = to_byte(blue, axis.precision);
    }
  }
  return result;
}

Image convolve_columns(const Image& image, const AxisWeights& axis) {
  Image result(image.width, static_cast<int>(axis.taps.size()));
  const std::size_t row_bytes = static_cast<std::size_t>(image.width) * 3;
  std::vector<std::int32_t> sums(row_bytes);
  for (int y = 0; y < result.height; ++y) {
    const AxisWeights::Taps& taps = axis.taps[static_cast<std::size_t>(y)];
    std::ranges::fill(sums, one_half(axis.precision));
    for (int i = 0; i < taps.count; ++i) {
      const std::uint8_t* source = image.row(taps.first + i);
      const std::int32_t weight = axis.weights[taps.weights + static_cast<std::size_t>(i)];
      for (std::size_t x = 0; x < row_bytes; ++x) sums[x] += weight * source[x];
    }
    std::uint8_t* target = result.row(y);
    for (std::size_t x = 0; x < row_bytes; ++x) target[x] = to_byte(sums[x], axis.precision);
  }
  return result;
}

}  // namespace heddle
