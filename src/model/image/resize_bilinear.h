// Bilinear resizing of float planes: each output pixel mixes the four input pixels around it.
#pragma once

#include "tensor/tensor.h"

namespace heddle {

/// Resizes F32 [channels, h, w] to [channels, height, width]: pixel centres at half-integers
/// (align_corners=False), edges repeated, no smoothing before shrinking.
///
/// The float32 operations, their order and the two fused multiply-adds are those of PyTorch 2.13's
/// `torch.nn.functional.interpolate(mode="bilinear")` on a processor with AVX2. The result equals
/// its bits when height + width > 128; below that PyTorch takes another kernel, which multiplies
/// the two weights first and differs by at most 2e-7 for values in 0..1. (On a processor without
/// fused multiply-add PyTorch itself differs by as much, and more where it places a pixel anew.)
/// InternalError for another dtype or rank, and for extents below 1.
Tensor resize_bilinear(const Tensor& planes, int width, int height);

}  // namespace heddle
