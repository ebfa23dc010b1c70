// JPEG images, read with libjpeg-turbo.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "model/image/image.h"

namespace heddle {

/// Decodes a baseline or progressive JPEG file, gray, colour or CMYK, to 8-bit RGB, with the
/// accurate integer transform and smooth chroma upsampling, as Pillow does. CMYK is taken as stored
/// inverted, the custom of every program since Adobe's, and each of C, M, Y is darkened by K.
/// Throws UserError, naming `where`, for what check_image_size refuses, for kinds of JPEG that
/// libjpeg-turbo cannot read (12-bit, lossless), for more than 100 progressive scans, and for data
/// that are damaged or cut short anywhere before the end mark (where Pillow may show a picture with
/// gray patches: a robot should not act on one).
Image decode_jpeg(std::span<const std::byte> bytes, std::string_view where);

}  // namespace heddle
