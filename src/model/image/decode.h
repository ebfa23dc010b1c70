// Pictures from files and from bytes, whatever their format.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

#include "model/image/image.h"

namespace heddle {

/// The largest image file that load_image reads, in bytes.
inline constexpr std::uint64_t kMaxImageFileBytes = 256ULL << 20;

/// Decodes a PNG, JPEG or binary PPM/PGM file held in memory. The first bytes decide which it is;
/// names and extensions do not matter. The pixels equal those that Pillow's
/// `Image.open(...).convert("RGB")` gives, with the exceptions named in png.h and jpeg.h; like
/// there, an orientation noted in EXIF data is not applied.
/// Throws UserError, naming `where`, for another format and for what the decoders refuse.
Image decode_image(std::span<const std::byte> bytes, std::string_view where);

/// Reads and decodes a file of at most kMaxImageFileBytes. Throws UserError.
Image load_image(const std::filesystem::path& path);

}  // namespace heddle
