// The common ground of the 8-bit resizers: one output pixel as a fixed-point sum along one axis.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "model/image/image.h"

namespace heddle {

/// For each output coordinate along an axis, the inputs that it sums and their weights in fixed
/// point. An output byte is (sum of weight * byte + one half) >> precision, clamped to 0..255.
struct AxisWeights {
  struct Taps {
    int first = 0;            ///< The first input coordinate.
    int count = 0;            ///< How many from there on.
    std::size_t weights = 0;  ///< Where its weights start in `weights`.
  };
  int precision = 0;
  std::vector<Taps> taps;
  std::vector<std::int32_t> weights;
};

/// The same before rounding.
struct RealAxisWeights {
  std::vector<AxisWeights::Taps> taps;
  std::vector<double> weights;
};

/// Rounds each weight * 2^precision to nearest, halves away from zero.
AxisWeights to_fixed_point(const RealAxisWeights& real, int precision);

/// Resizes along x: an image with one column per element of `axis.taps`.
Image convolve_rows(const Image& image, const AxisWeights& axis);

/// Resizes along y: an image with one row per element of `axis.taps`.
Image convolve_columns(const Image& image, const AxisWeights& axis);

}  // namespace heddle
