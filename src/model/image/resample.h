// Resizing of bytes with smoothing: when shrinking, each output pixel sums all the input it covers.
#pragma once

#include "model/image/image.h"

namespace heddle {

/// The shape of the weights around an output pixel.
enum class ResampleFilter {
  kBilinear,  ///< A triangle, two inputs wide when enlarging.
  kBicubic,   ///< Keys' cubic with a = -0.5, four inputs wide when enlarging.
};

/// Resizes to width x height, not keeping the aspect ratio: the bits of Pillow 13's
/// `Image.resize((width, height), filter)` for an RGB image. It goes along one axis and then along
/// the other, rounds to bytes in between, stretches the filter by the factor of shrinking, and
/// keeps weights that sum to one in fixed point with 22 fraction bits. The x axis comes first,
/// unless the height loses more than twice as many pixels as the width does. (Pillow before 13
/// always takes x first; where the order differs, a few values differ by a few units.)
/// InternalError for extents outside 1..kMaxImageSide.
Image resample(const Image& image, int width, int height, ResampleFilter filter);

}  // namespace heddle
