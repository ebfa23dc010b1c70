#include "model/image/image.h"

#include "base/error.h"

namespace heddle {

Image::Image(int columns, int rows) : width(columns), height(rows) {
  ensure(columns >= 1 && rows >= 1 && columns <= kMaxImageSide && rows <= kMaxImageSide,
         "an image of {}x{} pixels", columns, rows);
  rgb.resize(static_cast<std::size_t>(columns) * static_cast<std::size_t>(rows) * 3);
}

void check_image_size(std::int64_t width, std::int64_t height, std::string_view where) {
  if (width < 1 || height < 1) {
    throw UserError(fmt::format("{} claims to be {}x{} pixels", where, width, height),
                    "give an image of at least 1x1 pixel");
  }
  if (width > kMaxImageSide || height > kMaxImageSide || width * height > kMaxImagePixels) {
    throw UserError(
        fmt::format("{} claims to be {}x{} pixels, which is more than is accepted", where, width,
                    height),
        fmt::format("scale it down to at most {} pixels a side and {} million pixels in all",
                    kMaxImageSide, kMaxImagePixels / 1000000));
  }
}

void throw_damaged(std::string_view where, std::string_view format, std::string_view detail) {
  throw UserError(
      fmt::format("{} is a {} file that is damaged or cut short ({})", where, format, detail),
      "copy the file again from its source, or save the picture anew");
}

}  // namespace heddle
