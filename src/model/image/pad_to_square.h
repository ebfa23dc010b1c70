// Making a picture square by adding bars of one colour.
#pragma once

#include <array>
#include <cstdint>

#include "model/image/image.h"

namespace heddle {

/// A square with the picture's longer side, the picture in its middle; where the bars cannot be
/// equal, the left or upper one is a pixel narrower. A square picture is returned unchanged.
Image pad_to_square(const Image& image, std::array<std::uint8_t, 3> colour);

}  // namespace heddle
