#include "model/image/resize_bilinear.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include "base/error.h"

namespace heddle {
namespace {

/// The two inputs that an output coordinate lies between, and their weights.
struct Neighbours {
  std::size_t first = 0;
  std::size_t second = 0;
  float first_weight = 1.0F;
  float second_weight = 0.0F;

  [[nodiscard]] float mix(float a, float b) const {
    return std::fma(a, first_weight, b * second_weight);
  }
};

std::vector<Neighbours> neighbours_of(std::int64_t input, int output) {
  const float scale = static_cast<float>(input) / static_cast<float>(output);
  std::vector<Neighbours> all(static_cast<std::size_t>(output));
  for (int i = 0; i < output; ++i) {
    const float position = std::max(std::fma(scale, static_cast<float>(i) + 0.5F, -0.5F), 0.0F);
    const std::int64_t first = std::min(static_cast<std::int64_t>(position), input - 1);
    Neighbours& here = all[static_cast<std::size_t>(i)];
    here.first = static_cast<std::size_t>(first);
    here.second = static_cast<std::size_t>(std::min(first + 1, input - 1));
    here.second_weight = std::clamp(position - static_cast<float>(first), 0.0F, 1.0F);
    here.first_weight = 1.0F - here.second_weight;
  }
  return all;
}

/// One input row, resized; kept until another row is needed in its place.
struct ResizedRow {
  std::ptrdiff_t y = -1;
  std::vector<float> values;
};

/// Resizes one plane. Each input row is resized once, into one of two buffers.
class PlaneResizer {
 public:
  PlaneResizer(std::span<const float> plane, std::size_t input_width,
               const std::vector<Neighbours>& columns)
      : plane_(plane), input_width_(input_width), columns_(columns) {
    for (ResizedRow& row : rows_) row.values.resize(columns.size());
  }

  void resize_row(const Neighbours& rows, std::span<float> target) {
    if (rows_[1].y == static_cast<std::ptrdiff_t>(rows.first)) std::swap(rows_[0], rows_[1]);
    const std::vector<float>& upper = resized(rows_[0], rows.first);
    const std::vector<float>& lower =
        rows.second == rows.first ? upper : resized(rows_[1], rows.second);
    for (std::size_t x = 0; x < target.size(); ++x) target[x] = rows.mix(upper[x], lower[x]);
  }

 private:
  const std::vector<float>& resized(ResizedRow& row, std::size_t y) {
    if (row.y == static_cast<std::ptrdiff_t>(y)) return row.values;
    const auto source = plane_.subspan(y * input_width_, input_width_);
    for (std::size_t x = 0; x < columns_.size(); ++x) {
      const Neighbours& at = columns_[x];
      row.values[x] = at.mix(source[at.first], source[at.second]);
    }
    row.y = static_cast<std::ptrdiff_t>(y);
    return row.values;
  }

  std::span<const float> plane_;
  std::size_t input_width_;
  const std::vector<Neighbours>& columns_;
  ResizedRow rows_[2];
};

}  // namespace

Tensor resize_bilinear(const Tensor& planes, int width, int height) {
  ensure(planes.shape.size() == 3 && planes.shape[1] >= 1 && planes.shape[2] >= 1,
         "resize_bilinear of shape {}", to_string(planes.shape));
  ensure(width >= 1 && height >= 1, "resize_bilinear to {}x{}", width, height);
  const std::int64_t input_height = planes.shape[1];
  const std::int64_t input_width = planes.shape[2];
  Tensor result(DType::kF32, {planes.shape[0], height, width});
  const auto columns = neighbours_of(input_width, width);
  const auto rows = neighbours_of(input_height, height);
  const auto plane_size = static_cast<std::size_t>(input_width * input_height);
  auto target = result.floats();
  for (std::int64_t c = 0; c < planes.shape[0]; ++c) {
    PlaneResizer plane(
        planes.floats().subspan(static_cast<std::size_t>(c) * plane_size, plane_size),
        static_cast<std::size_t>(input_width), columns);
    for (const Neighbours& row : rows) {
      plane.resize_row(row, target.first(columns.size()));
      target = target.subspan(columns.size());
    }
  }
  return result;
}

}  // namespace heddle
