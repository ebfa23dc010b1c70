// A picture in memory: 8-bit RGB, and the largest size this program accepts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace heddle {

/// Rows from top to bottom, pixels from left to right, three bytes R G B each:
/// rgb[(y * width + x) * 3 + channel].
struct Image {
  int width = 0;
  int height = 0;
  std::vector<std::uint8_t> rgb;

  Image() = default;
  /// Black. InternalError unless both extents are within 1..kMaxImageSide.
  Image(int columns, int rows);

  [[nodiscard]] std::uint8_t* row(int y) { return rgb.data() + row_offset(y); }
  [[nodiscard]] const std::uint8_t* row(int y) const { return rgb.data() + row_offset(y); }

  bool operator==(const Image&) const = default;

 private:
  [[nodiscard]] std::size_t row_offset(int y) const {
    return static_cast<std::size_t>(y) * static_cast<std::size_t>(width) * 3;
  }
};

/// The longest side accepted, in pixels.
inline constexpr int kMaxImageSide = 16384;

/// The most pixels accepted; three times as many bytes.
inline constexpr std::int64_t kMaxImagePixels = std::int64_t{64} << 20;

/// Decoders call this with what a header claims, before they allocate anything. Throws UserError,
/// naming `where`, unless both sides are within 1..kMaxImageSide and their product is within
/// kMaxImagePixels.
void check_image_size(std::int64_t width, std::int64_t height, std::string_view where);

/// The error for a file whose content is broken: `detail` says how. For the decoders.
[[noreturn]] void throw_damaged(std::string_view where, std::string_view format,
                                std::string_view detail);

}  // namespace heddle
