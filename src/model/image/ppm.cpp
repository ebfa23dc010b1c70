#include "model/image/ppm.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"

namespace heddle {
namespace {

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

/// Takes the header's tokens from the front of the file's text.
class Header {
 public:
  Header(std::string_view text, std::string_view where) : rest_(text), where_(where) {}

  /// The next number of the header, after white space or comments. A value too large for any legal
  /// header stays at a billion or more.
  std::int64_t number(std::string_view name) {
    const std::size_t before = rest_.size();
    skip_space();
    const bool separated = rest_.size() < before;
    std::int64_t value = 0;
    std::size_t digits = 0;
    while (digits < rest_.size() && rest_[digits] >= '0' && rest_[digits] <= '9') {
      value = std::min<std::int64_t>(value * 10 + (rest_[digits] - '0'), 1'000'000'000);
      ++digits;
    }
    if (!separated || digits == 0)
      throw_damaged(where_, "PPM", fmt::format("its header lacks the {}", name));
    rest_.remove_prefix(digits);
    return value;
  }

  /// What follows the single white space after the header.
  std::string_view pixels() {
    if (rest_.empty() || !is_space(rest_.front())) {
      throw_damaged(where_, "PPM", "its header does not end with white space");
    }
    return rest_.substr(1);
  }

 private:
  void skip_space() {
    while (!rest_.empty() && (is_space(rest_.front()) || rest_.front() == '#')) {
      const bool comment = rest_.front() == '#';
      const std::size_t end = comment ? rest_.find_first_of("\r\n") : 1;
      rest_.remove_prefix(std::min(end, rest_.size()));
    }
  }

  std::string_view rest_;
  std::string_view where_;
};

}  // namespace

Image decode_ppm(std::span<const std::byte> bytes, std::string_view where) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  ensure(text.starts_with("P6") || text.starts_with("P5"), "decode_ppm got another format");
  const std::size_t channels = text[1] == '6' ? 3 : 1;
  Header header(text.substr(2), where);
  const std::int64_t width = header.number("width");
  const std::int64_t height = header.number("height");
  const std::int64_t largest = header.number("largest value");
  check_image_size(width, height, where);
  if (largest != 255) {
    throw UserError(fmt::format("{} has values up to {}; only 255 is read", where, largest),
                    "save it with 8 bits a channel, or as PNG");
  }
  const std::string_view pixels = header.pixels();
  const std::size_t wanted = static_cast<std::size_t>(width * height) * channels;
  if (pixels.size() < wanted) {
    throw_damaged(where, "PPM",
                  fmt::format("{} bytes of pixels, {} expected", pixels.size(), wanted));
  }
  Image image(static_cast<int>(width), static_cast<int>(height));
  if (channels == 3) {
    std::memcpy(image.rgb.data(), pixels.data(), wanted);
  } else {
    for (std::size_t i = 0; i < wanted; ++i) {
      std::fill_n(image.rgb.begin() + static_cast<std::ptrdiff_t>(3 * i), 3,
                  static_cast<std::uint8_t>(pixels[i]));
    }
  }
  return image;
}

}  // namespace heddle
