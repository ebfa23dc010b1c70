// PNG images, read and written with libpng.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "model/image/image.h"

namespace heddle {

/// Decodes a PNG file of any colour type, depth and interlacing to 8-bit RGB, as Pillow's
/// `convert("RGB")` does: gray is repeated, palettes are looked up, 1-, 2- and 4-bit gray spreads
/// over 0..255, alpha and transparent colours are dropped without blending, 16-bit samples keep
/// their high byte, gamma and colour profiles are ignored.
/// One departure: Pillow clips 16-bit gray at 255, which turns nearly all of a picture white; here
/// it keeps its high byte like every other 16-bit sample.
/// Throws UserError, naming `where`, for what check_image_size refuses, and for data that are
/// damaged, cut short anywhere before the end mark, or too few for the size the header claims.
Image decode_png(std::span<const std::byte> bytes, std::string_view where);

/// The image as a PNG file.
std::string encode_png(const Image& image);

/// Writes encode_png() to a file, which appears whole or not at all. Throws UserError.
void save_png(const std::filesystem::path& path, const Image& image);

}  // namespace heddle
