#include "model/image/jpeg.h"

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstdio>  // jpeglib.h needs it.
#include <vector>

#include <jpeglib.h>

#include <jerror.h>

#include "base/error.h"

namespace heddle {
namespace {

constexpr int kMaxScans = 100;

/// What libjpeg's callbacks need. libjpeg reports an error by our jump, which must not skip a
/// destructor: every function here that calls setjmp, and every callback, has only trivial locals.
struct JpegReader {
  JpegReader() = default;
  ~JpegReader() { jpeg_destroy_decompress(&decoder); }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;

  jpeg_decompress_struct decoder{};
  jpeg_error_mgr errors{};
  jpeg_progress_mgr progress{};
  std::jmp_buf escape{};
  std::array<char, JMSG_LENGTH_MAX> message{};
  bool damaged = true;  // Else the file is sound, but of a kind that cannot be read.
};

/// Whether the picture is whole in spite of this warning: it is about bytes between the parts of
/// the file, or about notes that do not touch the pixels.
bool harmless(int warning) {
  return warning == JWRN_EXTRANEOUS_DATA || warning == JWRN_ADOBE_XFORM ||
         warning == JWRN_BOGUS_ICC || warning == JWRN_JFIF_MAJOR;
}

bool unsupported(int error) {
  return error == JERR_SOF_UNSUPPORTED || error == JERR_BAD_PRECISION ||
         error == JERR_CONVERSION_NOTIMPL || error == JERR_COMPONENT_COUNT ||
         error == JERR_NOTIMPL || error == JERR_CCIR601_NOTIMPL || error == JERR_ARITH_NOTIMPL ||
         error == JERR_FRACT_SAMPLE_NOTIMPL;
}

extern "C" {

static void on_jpeg_error(j_common_ptr info) {
  auto* reader = static_cast<JpegReader*>(info->client_data);
  info->err->format_message(info, reader->message.data());
  reader->damaged = !unsupported(info->err->msg_code);
  std::longjmp(reader->escape, 1);
}

static void on_jpeg_message(j_common_ptr info, int level) {
  if (level < 0 && !harmless(info->err->msg_code)) on_jpeg_error(info);
}

static void on_jpeg_progress(j_common_ptr info) {
  auto* reader = static_cast<JpegReader*>(info->client_data);
  if (reader->decoder.input_scan_number <= kMaxScans) return;
  std::snprintf(reader->message.data(), reader->message.size(), "more than %d scans", kMaxScans);
  std::longjmp(reader->escape, 1);
}

}  // extern "C"

/// Reads everything before the pixels. False if libjpeg failed.
bool read_header(JpegReader& reader, std::span<const std::byte> bytes) {
  if (setjmp(reader.escape) != 0) return false;
  reader.decoder.err = jpeg_std_error(&reader.errors);
  reader.errors.error_exit = on_jpeg_error;
  reader.errors.emit_message = on_jpeg_message;
  reader.decoder.client_data = &reader;
  jpeg_create_decompress(&reader.decoder);
  reader.progress.progress_monitor = on_jpeg_progress;
  reader.decoder.progress = &reader.progress;
  jpeg_mem_src(&reader.decoder, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  jpeg_read_header(&reader.decoder, TRUE);
  return true;
}

/// Gray values to RGB.
void spread_gray(const std::uint8_t* gray, std::uint8_t* rgb, int width) {
  for (int x = 0; x < width; ++x) std::fill_n(rgb + std::ptrdiff_t{3} * x, 3, gray[x]);
}

/// a * b / 255, rounded to nearest.
int multiply_255(int a, int b) {
  const int product = a * b + 128;
  return ((product >> 8) + product) >> 8;
}

/// Inverted CMYK (255: no ink) to RGB, with the rounding of Pillow's conversion.
void mix_inks(const std::uint8_t* cmyk, std::uint8_t* rgb, int width) {
  for (int x = 0; x < width; ++x, cmyk += 4) {
    const int light = cmyk[3];
    for (int channel = 0; channel < 3; ++channel) {
      const int value = light - multiply_255(255 - cmyk[channel], light);
      *rgb++ = static_cast<std::uint8_t>(std::clamp(value, 0, 255));
    }
  }
}

/// Decodes the pixels and reads on to the end mark; `samples` has room for one row as libjpeg
/// gives it. False if libjpeg failed.
bool read_pixels(JpegReader& reader, std::uint8_t* samples, Image& image) {
  if (setjmp(reader.escape) != 0) return false;
  jpeg_decompress_struct& decoder = reader.decoder;
  jpeg_start_decompress(&decoder);
  while (decoder.output_scanline < decoder.output_height) {
    std::uint8_t* rgb = image.row(static_cast<int>(decoder.output_scanline));
    std::uint8_t* target = decoder.out_color_space == JCS_RGB ? rgb : samples;
    jpeg_read_scanlines(&decoder, &target, 1);
    if (decoder.out_color_space == JCS_GRAYSCALE) spread_gray(samples, rgb, image.width);
    if (decoder.out_color_space == JCS_CMYK) mix_inks(samples, rgb, image.width);
  }
  jpeg_finish_decompress(&decoder);
  return true;
}

[[noreturn]] void fail(const JpegReader& reader, std::string_view where) {
  if (reader.damaged) throw_damaged(where, "JPEG", reader.message.data());
  throw UserError(fmt::format("{} is a kind of JPEG file that this program does not read ({})",
                              where, reader.message.data()),
                  "save it as an ordinary 8-bit JPEG, or as PNG");
}

}  // namespace

Image decode_jpeg(std::span<const std::byte> bytes, std::string_view where) {
  JpegReader reader;
  if (!read_header(reader, bytes)) fail(reader, where);
  jpeg_decompress_struct& decoder = reader.decoder;
  check_image_size(decoder.image_width, decoder.image_height, where);
  switch (decoder.num_components) {
    case 1:
      decoder.out_color_space = JCS_GRAYSCALE;
      break;
    case 3:
      decoder.out_color_space = JCS_RGB;
      break;
    case 4:
      decoder.out_color_space = JCS_CMYK;
      break;
    default:
      throw UserError(fmt::format("{} has {} colour components", where, decoder.num_components),
                      "save it as a gray, RGB or CMYK JPEG");
  }
  Image image(static_cast<int>(decoder.image_width), static_cast<int>(decoder.image_height));
  std::vector<std::uint8_t> samples(std::size_t{decoder.image_width} * 4);
  if (!read_pixels(reader, samples.data(), image)) fail(reader, where);
  return image;
}

}  // namespace heddle
