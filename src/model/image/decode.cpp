#include "model/image/decode.h"

#include <algorithm>
#include <string>

#include "base/error.h"
#include "base/file.h"
#include "model/image/jpeg.h"
#include "model/image/png.h"
#include "model/image/ppm.h"

namespace heddle {
namespace {

bool starts_with(std::span<const std::byte> bytes, std::string_view magic) {
  const auto wanted = std::as_bytes(std::span(magic));
  return bytes.size() >= wanted.size() && std::ranges::equal(bytes.first(wanted.size()), wanted);
}

}  // namespace

Image decode_image(std::span<const std::byte> bytes, std::string_view where) {
  if (bytes.empty()) {
    throw UserError(fmt::format("{} is empty", where), "give a PNG, JPEG or PPM image");
  }
  if (starts_with(bytes, "\x89PNG\r\n\x1a\n")) return decode_png(bytes, where);
  if (starts_with(bytes, "\xff\xd8\xff")) return decode_jpeg(bytes, where);
  if (starts_with(bytes, "P5") || starts_with(bytes, "P6")) return decode_ppm(bytes, where);
  throw UserError(fmt::format("{} is not an image in a format this program reads", where),
                  "convert it to PNG, JPEG or binary PPM (P6)");
}

Image load_image(const std::filesystem::path& path) {
  const std::string content = read_file(path, kMaxImageFileBytes);
  return decode_image(std::as_bytes(std::span(content)), path.string());
}

}  // namespace heddle
