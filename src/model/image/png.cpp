#include "model/image/png.h"

#include <png.h>

#include <array>
#include <csetjmp>
#include <cstring>

#include "base/error.h"
#include "base/file.h"

namespace heddle {
namespace {

/// What libpng's callbacks need. libpng reports an error by a jump, which must not skip a
/// destructor: every function here that calls setjmp, and every callback, has only trivial locals.
struct PngReader {
  explicit PngReader(std::span<const std::byte> bytes) : rest(bytes) {}
  ~PngReader() { png_destroy_read_struct(&png, &info, nullptr); }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;

  png_structp png = nullptr;
  png_infop info = nullptr;
  std::span<const std::byte> rest;
  std::array<char, 120> message{};
};

extern "C" {

static void on_png_error(png_structp png, png_const_charp message) {
  auto* reader = static_cast<PngReader*>(png_get_error_ptr(png));
  std::strncpy(reader->message.data(), message, reader->message.size() - 1);
  png_longjmp(png, 1);
}

static void on_png_warning(png_structp /*png*/, png_const_charp /*message*/) {}

static void on_png_read(png_structp png, png_bytep target, std::size_t count) {
  auto* reader = static_cast<PngReader*>(png_get_io_ptr(png));
  if (count > reader->rest.size()) png_error(png, "unexpected end of file");
  std::memcpy(target, reader->rest.data(), count);
  reader->rest = reader->rest.subspan(count);
}

}  // extern "C"

/// Reads everything before the pixels. False if libpng failed.
bool read_header(PngReader& reader) {
  if (setjmp(png_jmpbuf(reader.png)) != 0) return false;
  png_set_read_fn(reader.png, &reader, on_png_read);
  // Our own limits, checked later, have better messages.
  png_set_user_limits(reader.png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  // Texts, profiles and the like are skipped unread, and so cannot be bombs.
  png_set_keep_unknown_chunks(reader.png, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
  png_read_info(reader.png, reader.info);
  return true;
}

/// Asks for 8-bit RGB rows. Returns the number of passes, or 0 if libpng failed.
int set_conversions(PngReader& reader) {
  if (setjmp(png_jmpbuf(reader.png)) != 0) return 0;
  png_set_palette_to_rgb(reader.png);
  png_set_expand_gray_1_2_4_to_8(reader.png);
  png_set_strip_16(reader.png);
  png_set_strip_alpha(reader.png);
  png_set_gray_to_rgb(reader.png);
  const int passes = png_set_interlace_handling(reader.png);
  png_read_update_info(reader.png, reader.info);
  return passes;
}

/// Reads the pixels and all that follows them. False if libpng failed.
bool read_pixels(PngReader& reader, int passes, Image& image) {
  if (setjmp(png_jmpbuf(reader.png)) != 0) return false;
  for (int pass = 0; pass < passes; ++pass) {
    for (int y = 0; y < image.height; ++y) png_read_row(reader.png, image.row(y), nullptr);
  }
  png_read_end(reader.png, nullptr);
  return true;
}

/// DEFLATE packs at most 258 bytes into 2 bits, so a short file cannot hold a large image: refuse
/// before memory is set aside for it.
void check_enough_data(const PngReader& reader, std::size_t file_bytes, std::string_view where) {
  const std::uint64_t width = png_get_image_width(reader.png, reader.info);
  const std::uint64_t height = png_get_image_height(reader.png, reader.info);
  const std::uint64_t bits = std::uint64_t{png_get_bit_depth(reader.png, reader.info)} *
                             png_get_channels(reader.png, reader.info);
  if (width * height * bits / 8 / 1032 > file_bytes) {
    throw_damaged(where, "PNG",
                  fmt::format("{} bytes are too few for {}x{} pixels", file_bytes, width, height));
  }
}

}  // namespace

Image decode_png(std::span<const std::byte> bytes, std::string_view where) {
  PngReader reader(bytes);
  reader.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reader, on_png_error, on_png_warning);
  if (reader.png != nullptr) reader.info = png_create_info_struct(reader.png);
  ensure(reader.info != nullptr, "libpng cannot start: {}", reader.message.data());

  if (!read_header(reader)) throw_damaged(where, "PNG", reader.message.data());
  const png_uint_32 width = png_get_image_width(reader.png, reader.info);
  const png_uint_32 height = png_get_image_height(reader.png, reader.info);
  check_image_size(width, height, where);
  check_enough_data(reader, bytes.size(), where);

  const int passes = set_conversions(reader);
  if (passes == 0) throw_damaged(where, "PNG", reader.message.data());
  Image image(static_cast<int>(width), static_cast<int>(height));
  ensure(png_get_rowbytes(reader.png, reader.info) == std::size_t{width} * 3,
         "libpng makes rows of {} bytes for {} pixels", png_get_rowbytes(reader.png, reader.info),
         width);
  if (!read_pixels(reader, passes, image)) throw_damaged(where, "PNG", reader.message.data());
  return image;
}

std::string encode_png(const Image& image) {
  png_image header{};
  header.version = PNG_IMAGE_VERSION;
  header.width = static_cast<png_uint_32>(image.width);
  header.height = static_cast<png_uint_32>(image.height);
  header.format = PNG_FORMAT_RGB;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(header);
  std::string file(size, '\0');
  const int done =
      png_image_write_to_memory(&header, file.data(), &size, 0, image.rgb.data(), 0, nullptr);
  ensure(done != 0, "libpng cannot write: {}", static_cast<const char*>(header.message));
  file.resize(size);
  return file;
}

void save_png(const std::filesystem::path& path, const Image& image) {
  write_file(path, encode_png(image));
}

}  // namespace heddle
