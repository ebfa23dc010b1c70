// A picture made by an integer formula, the same as pattern() in tools/golden/image_cases.py.
#pragma once

#include "model/image/image.h"

namespace heddle {

/// Smooth in one place, harsh in another.
inline Image pattern(int width, int height) {
  Image image(width, height);
  for (std::int64_t y = 0; y < height; ++y) {
    std::uint8_t* pixel = image.row(static_cast<int>(y));
    for (std::int64_t x = 0; x < width; ++x) {
      *pixel++ = static_cast<std::uint8_t>((x * 7 + y * 13 + ((x * y) >> 3)) & 255);
      *pixel++ = static_cast<std::uint8_t>(((x ^ y) * 5 + 101) & 255);
      *pixel++ = static_cast<std::uint8_t>(((x * x + y * y * 3) >> 5) & 255);
    }
  }
  return image;
}

}  // namespace heddle
