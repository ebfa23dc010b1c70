// Binary PPM and PGM images (Netpbm's P6 and P5).
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "model/image/image.h"

namespace heddle {

/// Decodes the first image of a binary PPM file, or of a PGM file, whose gray is repeated. Comments
/// in the header are skipped. Throws UserError, naming `where`, for a broken header, a largest
/// value other than 255, what check_image_size refuses, and missing pixels.
Image decode_ppm(std::span<const std::byte> bytes, std::string_view where);

}  // namespace heddle
