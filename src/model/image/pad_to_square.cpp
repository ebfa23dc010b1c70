#include "model/image/pad_to_square.h"

#include <algorithm>
#include <cstddef>

namespace heddle {

Image pad_to_square(const Image& image, std::array<std::uint8_t, 3> colour) {
  if (image.width == image.height) return image;
  const int side = std::max(image.width, image.height);
  const std::ptrdiff_t left = (side - image.width) / 2;
  const int top = (side - image.height) / 2;
  Image square(side, side);
  for (std::size_t i = 0; i < square.rgb.size(); ++i) square.rgb[i] = colour[i % 3];
  for (int y = 0; y < image.height; ++y) {
    std::copy_n(image.row(y), std::ptrdiff_t{3} * image.width, square.row(top + y) + 3 * left);
  }
  return square;
}

}  // namespace heddle
