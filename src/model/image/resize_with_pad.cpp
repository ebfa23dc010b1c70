#include "model/image/resize_with_pad.h"

#include <algorithm>
#include <cstddef>

#include "base/error.h"
#include "model/image/resize_bilinear.h"

namespace heddle {

FittedSize fitted_size(std::int64_t width, std::int64_t height, int frame_width, int frame_height) {
  ensure(width >= 1 && height >= 1 && frame_width >= 1 && frame_height >= 1,
         "fitting {}x{} into {}x{}", width, height, frame_width, frame_height);
  const auto columns = static_cast<double>(width);
  const auto rows = static_cast<double>(height);
  const double ratio = std::max(columns / frame_width, rows / frame_height);
  return {static_cast<int>(columns / ratio), static_cast<int>(rows / ratio)};
}

Tensor resize_with_pad(const Tensor& planes, int width, int height, float padding) {
  ensure(planes.shape.size() == 3, "resize_with_pad of shape {}", to_string(planes.shape));
  const std::int64_t channels = planes.shape[0];
  if (planes.shape[1] == height && planes.shape[2] == width) return planes;
  const FittedSize size = fitted_size(planes.shape[2], planes.shape[1], width, height);
  if (size.width < 1 || size.height < 1) {
    throw UserError(fmt::format("a picture of {}x{} pixels vanishes when fitted into {}x{}",
                                planes.shape[2], planes.shape[1], width, height),
                    "crop it to a less extreme shape");
  }
  const Tensor content = resize_bilinear(planes, size.width, size.height);
  Tensor framed(DType::kF32, {channels, height, width});
  const auto target = framed.floats();
  std::ranges::fill(target, padding);
  const float* source = content.floats().data();
  for (std::int64_t c = 0; c < channels; ++c) {
    for (std::int64_t y = height - size.height; y < height; ++y, source += size.width) {
      std::copy_n(source, size.width, &target[(c * height + y + 1) * width - size.width]);
    }
  }
  return framed;
}

}  // namespace heddle
