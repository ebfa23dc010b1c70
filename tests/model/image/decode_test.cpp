// Reading and writing image files, above all broken and hostile ones.
#include "model/image/decode.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <random>

#include "base/error.h"
#include "base/file.h"
#include "model/image/png.h"
#include "pattern.h"
#include "support/scratch.h"
#include "support/user_error.h"

namespace heddle {
namespace {

Image decode(std::string_view content) {
  return decode_image(std::as_bytes(std::span(content)), "it");
}

/// Every golden input of at most `limit` bytes, by name.
std::map<std::string, std::string> inputs(std::size_t limit) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator("tests/golden/image/inputs")) {
    if (entry.file_size() > limit) continue;
    files[entry.path().filename().string()] = read_file(entry.path());
  }
  EXPECT_GE(files.size(), 40U);
  return files;
}

/// A number as PNG and JPEG write it, in `bytes` bytes.
std::string big_endian(std::uint32_t value, int bytes) {
  std::string text;
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
    text += static_cast<char>(value >> shift & 255);
  }
  return text;
}

std::string png_chunk(const std::string& name, const std::string& data) {
  const std::string body = name + data;
  const auto crc = crc32_z(0, reinterpret_cast<const unsigned char*>(body.data()), body.size());
  return big_endian(static_cast<std::uint32_t>(data.size()), 4) + body +
         big_endian(static_cast<std::uint32_t>(crc), 4);
}

/// A PNG file whose header claims a size that the rest does not bear out.
std::string png_claiming(std::uint32_t width, std::uint32_t height) {
  const std::string header =
      big_endian(width, 4) + big_endian(height, 4) + std::string("\x08\x02\x00\x00\x00", 5);
  return "\x89PNG\r\n\x1a\n" + png_chunk("IHDR", header) +
         png_chunk("IDAT", std::string("\x78\x9c\x03\x00\x00\x00\x00\x01", 8)) +
         png_chunk("IEND", "");
}

/// A golden JPEG with another size written into its frame header.
std::string jpeg_claiming(std::uint32_t width, std::uint32_t height) {
  std::string content = read_file("tests/golden/image/inputs/rgb_420.jpg");
  const std::size_t frame = content.find("\xff\xc0");
  EXPECT_NE(frame, std::string::npos);
  return content.replace(frame + 5, 4, big_endian(height, 2) + big_endian(width, 2));
}

std::string jpeg_segment(char marker, const std::string& data) {
  return std::string("\xff") + marker + big_endian(static_cast<std::uint32_t>(data.size() + 2), 2) +
         data;
}

/// A legal progressive JPEG file of one gray block: each scan but the first brings the next bit of
/// one coefficient, always zero.
std::string jpeg_of_scans(int scans) {
  const std::string one_code = "\x01" + std::string(16, '\0');  // Of one bit, for the value 0.
  const std::string entropy = "\x7f";                           // That code, and padding.
  std::string file =
      "\xff\xd8" + jpeg_segment('\xdb', std::string(1, '\0') + std::string(64, '\1'));
  file += jpeg_segment('\xc2', std::string("\x08\0\x08\0\x08\1\1\x11\0", 9));
  file += jpeg_segment('\xc4', std::string(1, '\0') + one_code);
  file += jpeg_segment('\xc4', "\x10" + one_code);
  file += jpeg_segment('\xda', std::string("\1\1\0\0\0\0", 6)) + entropy;
  for (int i = 0; i < scans - 1; ++i) {
    const char place = static_cast<char>(1 + i % 63);
    const char bits = "\x02\x21\x10"[i / 63];  // Bit position before and after.
    file += jpeg_segment('\xda', std::string("\1\1\0", 3) + place + place + bits) + entropy;
  }
  return file + "\xff\xd9";
}

TEST(Decode, TheContentDecidesNotTheName) {
  const Scratch folder;
  const std::string content = read_file("tests/golden/image/inputs/rgb_444.jpg");
  EXPECT_EQ(load_image(folder.put("a.png", content)), decode(content));
}

TEST(Decode, EveryTruncationIsAUserError) {
  int cuts = 0;
  for (const auto& [name, content] : inputs(3000)) {
    SCOPED_TRACE(name);
    // What follows a file's end mark may be missing.
    const std::size_t end =
        name == "rgb_then_more.ppm" ? content.find("P6 trailing") : content.size();
    for (std::size_t length = 0; length < end; ++length, ++cuts) {
      // A copy of exactly this length lets the sanitizer see a read past the end.
      const std::vector<char> cut(content.begin(),
                                  content.begin() + static_cast<std::ptrdiff_t>(length));
      SCOPED_TRACE(length);
      const std::string message = user_error([&] { decode({cut.data(), cut.size()}); });
      ASSERT_TRUE(message.starts_with("it "));
    }
    EXPECT_NO_THROW(decode(content));
  }
  std::printf("%d truncations, every one a UserError\n", cuts);
}

TEST(Decode, FlippedBitsGiveAPictureOrAUserError) {
  std::mt19937 random(20);
  int pictures = 0;
  int refused = 0;
  for (const auto& [name, content] : inputs(3000)) {
    for (int round = 0; round < 300; ++round) {
      std::string broken = content;
      for (int flips = round % 3; flips >= 0; --flips) {
        const auto place = static_cast<std::size_t>(random() % broken.size());
        broken[place] = static_cast<char>(broken[place] ^ (1U << (random() % 8)));
      }
      try {
        const Image image = decode(broken);
        ASSERT_EQ(image.rgb.size(), static_cast<std::size_t>(image.width) * image.height * 3);
        ++pictures;
      } catch (const UserError& error) {
        ASSERT_FALSE(error.remedy().empty());
        ++refused;
      }
    }
  }
  std::printf("%d files with flipped bits: %d pictures, %d UserErrors\n", pictures + refused,
              pictures, refused);
  EXPECT_GT(pictures, 0);
  EXPECT_GT(refused, 0);
}

TEST(Decode, FlippedBitsInAPngAreAlwaysFound) {
  // Each of its chunks has a checksum; only the skipped notes may be wrong.
  const std::string content = read_file("tests/golden/image/inputs/rgb8.png");
  for (std::size_t bit = 0; bit < content.size() * 8; ++bit) {
    std::string broken = content;
    broken[bit / 8] = static_cast<char>(broken[bit / 8] ^ (1U << (bit % 8)));
    SCOPED_TRACE(bit);
    user_error([&] { decode(broken); });
  }
}

TEST(Decode, HugeClaimsAreRefusedBeforeMemoryIsSetAside) {
  const std::string remedy = "at most 16384 pixels a side and 67 million pixels";
  expect_parts(user_error([] { decode(png_claiming(65535, 65535)); }), {"65535x65535", remedy});
  expect_parts(user_error([] { decode(png_claiming(2147483647, 1)); }), {"2147483647x1", remedy});
  expect_parts(user_error([] { decode(png_claiming(16384, 16384)); }), {"16384x16384", remedy});
  expect_parts(user_error([] { decode(png_claiming(8000, 8000)); }),
               {"65 bytes are too few for 8000x8000 pixels"});
  expect_parts(user_error([] { decode(png_claiming(20, 20)); }), {"it is a PNG file", "cut short"});
  expect_parts(user_error([] { decode(png_claiming(0, 5)); }), {"it is a PNG file"});
  expect_parts(user_error([] { decode(jpeg_claiming(65500, 65500)); }), {"65500x65500", remedy});
  expect_parts(user_error([] { decode(jpeg_claiming(16000, 4000)); }), {"it is a JPEG file"});
  for (const std::string_view size : {"65535 65535", "99999999999999999999 1", "16385 1"}) {
    expect_parts(user_error([&] { decode(fmt::format("P6 {} 255 ", size)); }), {remedy});
  }
  expect_parts(user_error([] { decode("P6 0 5 255 "); }), {"0x5", "at least 1x1"});
  expect_parts(user_error([] { decode("P6 8000 8000 255 abc"); }),
               {"3 bytes of pixels", "192000000"});
}

TEST(Decode, TextsInAPngCannotBeBombs) {
  std::string content = read_file("tests/golden/image/inputs/rgb8.png");
  const Image expected = decode(content);
  std::string text("Comment\0\0", 9);
  std::vector<unsigned char> packed(1 << 16);
  uLongf length = packed.size();
  const std::vector<unsigned char> zeros(40'000'000);
  ASSERT_EQ(compress(packed.data(), &length, zeros.data(), zeros.size()), Z_OK);
  text.append(reinterpret_cast<const char*>(packed.data()), length);
  content.insert(33, png_chunk("zTXt", text));
  EXPECT_EQ(decode(content), expected);
}

TEST(Decode, TooManyJpegScansAreRefused) {
  EXPECT_EQ(decode(jpeg_of_scans(100)).rgb, std::vector<std::uint8_t>(192, 128));
  expect_parts(user_error([] { decode(jpeg_of_scans(101)); }),
               {"it is a JPEG file", "more than 100 scans"});
}

TEST(Decode, OtherFormatsAreNamedAsSuch) {
  expect_parts(user_error([] { decode(""); }), {"it is empty"});
  for (const std::string_view content : {"GIF89a", "P3 1 1 255 1 2 3", "RIFF....WEBP", "\x89PNG"}) {
    expect_parts(user_error([&] { decode(content); }), {"not an image", "PNG, JPEG or binary PPM"});
  }
  expect_parts(user_error([] { decode("P6 1 1 65535 abcdef"); }), {"65535", "8 bits"});
  expect_parts(user_error([] { decode("P6 1 255 "); }), {"largest value"});
  expect_parts(user_error([] { decode("P61 1 255 abc"); }), {"width"});
  expect_parts(user_error([] { decode("P6 1 1 255"); }), {"white space"});
}

TEST(Decode, MessagesNameTheFile) {
  const Scratch folder;
  expect_parts(user_error([&] { load_image(folder / "absent.png"); }), {"absent.png"});
  expect_parts(user_error([&] { load_image(folder.path()); }), {"not a regular file"});
  const auto path = folder.put("wrist.png", png_claiming(3, 3));
  expect_parts(user_error([&] { load_image(path); }), {path.string(), "copy the file again"});
}

TEST(Png, WhatIsWrittenReadsBackTheSame) {
  const Scratch folder;
  for (const auto& [width, height] : {std::pair{1, 1}, {1, 300}, {300, 1}, {123, 77}}) {
    const Image image = pattern(width, height);
    EXPECT_EQ(decode(encode_png(image)), image);
    save_png(folder / "picture.png", image);
    EXPECT_EQ(load_image(folder / "picture.png"), image);
  }
  EXPECT_EQ(folder.list(), std::vector<std::string>{"picture.png"});
  user_error([&] { save_png(folder / "absent" / "picture.png", pattern(2, 2)); });
}

TEST(ImageSize, LimitsAreInclusive) {
  EXPECT_NO_THROW(check_image_size(1, kMaxImageSide, "it"));
  EXPECT_NO_THROW(check_image_size(8192, 8192, "it"));
  user_error([] { check_image_size(8192, 8193, "it"); });
  user_error([] { check_image_size(kMaxImageSide + 1, 1, "it"); });
  user_error([] { check_image_size(-1, 1, "it"); });
  EXPECT_THROW(Image(0, 1), InternalError);
}

}  // namespace
}  // namespace heddle
