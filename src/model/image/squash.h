// Bilinear resizing of bytes without smoothing, as robot servers shrink camera frames.
#pragma once

#include "model/image/image.h"

namespace heddle {

/// Resizes to width x height, not keeping the aspect ratio, mixing two inputs along each axis even
/// when it shrinks: the bits of PyTorch 2.13's `torch.nn.functional.interpolate(mode="bilinear",
/// align_corners=False)` on a uint8 tensor. That kernel goes along x and then along y, rounds to
/// bytes in between, and keeps weights in 16 bits with as many fraction bits as the largest weight
/// of the axis allows. InternalError for extents outside 1..kMaxImageSide.
Image squash_bilinear(const Image& image, int width, int height);

}  // namespace heddle
