// Fitting a picture into a fixed frame without distorting it.
#pragma once

#include "tensor/tensor.h"

namespace heddle {

/// The extents of a picture that fills a frame as far as its aspect ratio allows.
struct FittedSize {
  int width = 0;
  int height = 0;
};

/// With ratio = max(width / frame_width, height / frame_height) in float64, both extents are
/// divided by it and truncated. An extent of a very long picture may become 0.
FittedSize fitted_size(std::int64_t width, std::int64_t height, int frame_width, int frame_height);

/// Resizes F32 [channels, h, w] to fitted_size() with resize_bilinear and puts the result into the
/// lower right corner of [channels, height, width]; the columns to its left and the rows above it
/// hold `padding`. A picture that already has the frame's size is returned unchanged.
/// Throws UserError if the picture is so long that nothing of it would remain.
Tensor resize_with_pad(const Tensor& planes, int width, int height, float padding);

}  // namespace heddle
