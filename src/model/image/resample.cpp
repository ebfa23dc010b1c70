#include "model/image/resample.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>

#include "base/error.h"
#include "model/image/convolve.h"

namespace heddle {
namespace {

// 32 bits of a sum less 8 of a byte less 2 that overshoot and sign can take.
constexpr int kPrecision = 32 - 8 - 2;

double triangle(double x) {
  return std::max(1.0 - std::abs(x), 0.0);
}

/// R. Keys, "Cubic convolution interpolation for digital image processing", 1981.
double cubic(double x) {
  constexpr double kA = -0.5;
  x = std::abs(x);
  if (x < 1.0) return ((kA + 2.0) * x - (kA + 3.0)) * x * x + 1;
  if (x < 2.0) return (((x - 5) * x + 8) * x - 4) * kA;
  return 0.0;
}

RealAxisWeights filter_weights(int input, int output, ResampleFilter filter) {
  const double scale = static_cast<double>(input) / output;
  const double stretch = std::max(scale, 1.0);
  const double support = (filter == ResampleFilter::kBicubic ? 2.0 : 1.0) * stretch;
  const double shrink = 1.0 / stretch;
  RealAxisWeights real;
  for (int i = 0; i < output; ++i) {
    const double centre = (i + 0.5) * scale;
    const int first = std::max(static_cast<int>(std::floor(centre - support + 0.5)), 0);
    const int end = std::min(static_cast<int>(std::floor(centre + support + 0.5)), input);
    real.taps.push_back({first, end - first, real.weights.size()});
    double sum = 0.0;
    for (int j = first; j < end; ++j) {
      const double x = (j - centre + 0.5) * shrink;
      real.weights.push_back(filter == ResampleFilter::kBicubic ? cubic(x) : triangle(x));
      sum += real.weights.back();
    }
    ensure(sum != 0.0, "the weights of output {} of {} from {} are all zero", i, output, input);
    for (double& weight : std::span(real.weights).last(static_cast<std::size_t>(end - first))) {
      weight *= 1.0 / sum;
    }
  }
  return real;
}

AxisWeights fixed_filter_weights(int input, int output, ResampleFilter filter) {
  return to_fixed_point(filter_weights(input, output, filter), kPrecision);
}

}  // namespace

Image resample(const Image& image, int width, int height, ResampleFilter filter) {
  ensure(width >= 1 && height >= 1 && width <= kMaxImageSide && height <= kMaxImageSide,
         "resampling to {}x{}", width, height);
  const auto along_x = [&](const Image& from) {
    if (width == from.width) return from;
    return convolve_rows(from, fixed_filter_weights(from.width, width, filter));
  };
  const auto along_y = [&](const Image& from) {
    if (height == from.height) return from;
    return convolve_columns(from, fixed_filter_weights(from.height, height, filter));
  };
  const int lost_rows = image.height - height;
  const int lost_columns = image.width - width;
  const bool y_first = lost_rows > 0 && lost_rows > 2 * lost_columns;
  return y_first ? along_x(along_y(image)) : along_y(along_x(image));
}

}  // namespace heddle
