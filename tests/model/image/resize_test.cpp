// What the resizers promise for any picture, beyond the golden cases.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "base/error.h"
#include "model/image/normalise.h"
#include "model/image/pad_to_square.h"
#include "model/image/resample.h"
#include "model/image/resize_bilinear.h"
#include "model/image/resize_with_pad.h"
#include "model/image/squash.h"
#include "pattern.h"
#include "support/user_error.h"

namespace heddle {
namespace {

using Resizer = std::function<Image(const Image&, int, int)>;

std::vector<Resizer> byte_resizers() {
  return {
      squash_bilinear,
      [](const Image& image, int width, int height) {
        return resample(image, width, height, ResampleFilter::kBilinear);
      },
      [](const Image& image, int width, int height) {
        return resample(image, width, height, ResampleFilter::kBicubic);
      },
  };
}

Image mirrored(const Image& image) {
  Image result(image.width, image.height);
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      const std::ptrdiff_t from = x;
      const std::ptrdiff_t to = image.width - 1 - x;
      std::copy_n(image.row(y) + 3 * from, 3, result.row(y) + 3 * to);
    }
  }
  return result;
}

TEST(Resize, SameSizeChangesNothing) {
  const Image image = pattern(31, 17);
  for (const Resizer& resize : byte_resizers()) EXPECT_EQ(resize(image, 31, 17), image);
  const Tensor planes = to_unit_floats(image);
  EXPECT_EQ(resize_bilinear(planes, 31, 17).bytes, planes.bytes);
}

TEST(Resize, OneColourStaysThatColour) {
  for (const auto& [width, height] : {std::pair{1, 1}, {2, 50}, {640, 3}}) {
    Image image(width, height);
    for (std::size_t i = 0; i < image.rgb.size(); ++i) {
      image.rgb[i] = static_cast<std::uint8_t>(i % 3 * 100 + 55);
    }
    for (const Resizer& resize : byte_resizers()) {
      for (const auto& [columns, rows] : {std::pair{1, 1}, {97, 5}, {16, 300}}) {
        const Image resized = resize(image, columns, rows);
        ASSERT_EQ(resized.width, columns);
        ASSERT_EQ(resized.height, rows);
        for (std::size_t i = 0; i < resized.rgb.size(); ++i) {
          ASSERT_EQ(resized.rgb[i], i % 3 * 100 + 55) << i;
        }
      }
    }
  }
}

TEST(Resize, MirroredInputGivesMirroredOutput) {
  // A power-of-two ratio, so that positions are exact on both sides.
  const Image image = pattern(64, 10);
  for (const Resizer& resize : byte_resizers()) {
    EXPECT_EQ(resize(mirrored(image), 32, 10), mirrored(resize(image, 32, 10)));
    EXPECT_EQ(resize(mirrored(image), 128, 20), mirrored(resize(image, 128, 20)));
  }
}

TEST(Resize, LongestSideCanBeReducedToOnePixel) {
  Image image(kMaxImageSide, 1);
  std::ranges::fill(image.rgb, std::uint8_t{200});
  for (const Resizer& resize : byte_resizers()) {
    EXPECT_EQ(resize(image, 1, 1).rgb, std::vector<std::uint8_t>(3, 200));
  }
}

TEST(Resize, BilinearMixesTheFourNeighbours) {
  const Tensor planes = Tensor::from_floats({1, 2, 2}, std::vector<float>{0, 1, 2, 3});
  const Tensor larger = resize_bilinear(planes, 4, 4);
  const std::vector<float> expected = {0,   0.25, 0.75, 1,   0.5, 0.75, 1.25, 1.5,
                                       1.5, 1.75, 2.25, 2.5, 2,   2.25, 2.75, 3};
  EXPECT_EQ(larger.shape, Shape({1, 4, 4}));
  EXPECT_EQ(std::vector<float>(larger.floats().begin(), larger.floats().end()), expected);
}

TEST(Resize, BadTargetsAreInternalErrors) {
  const Image image = pattern(4, 4);
  for (const Resizer& resize : byte_resizers()) {
    EXPECT_THROW(resize(image, 0, 4), InternalError);
    EXPECT_THROW(resize(image, 4, -1), InternalError);
    EXPECT_THROW(resize(image, kMaxImageSide + 1, 4), InternalError);
  }
  EXPECT_THROW(resize_bilinear(to_unit_floats(image), 0, 1), InternalError);
  EXPECT_THROW(resize_bilinear(Tensor(DType::kF32, {4, 4}), 1, 1), InternalError);
  EXPECT_THROW(resize_bilinear(Tensor(DType::kU8, {1, 4, 4}), 1, 1), InternalError);
}

TEST(ResizeWithPad, FitsTruncating) {
  const auto fits = [](int width, int height, int frame_width, int frame_height, int columns,
                       int rows) {
    const FittedSize size = fitted_size(width, height, frame_width, frame_height);
    return size.width == columns && size.height == rows;
  };
  EXPECT_TRUE(fits(640, 480, 512, 512, 512, 384));
  EXPECT_TRUE(fits(480, 640, 512, 512, 384, 512));
  EXPECT_TRUE(fits(1920, 1080, 512, 512, 512, 288));
  EXPECT_TRUE(fits(333, 257, 512, 512, 512, 395));  // 395.15 before truncation
  EXPECT_TRUE(fits(10000, 1, 512, 512, 512, 0));
}

TEST(ResizeWithPad, PadsOnTheLeftAndOnTop) {
  Image white(4, 2);
  std::ranges::fill(white.rgb, std::uint8_t{255});
  const Tensor wide = resize_with_pad(to_unit_floats(white), 4, 4, -2.0F);
  for (std::size_t i = 0; i < 48; ++i) EXPECT_EQ(wide.floats()[i], i % 16 < 8 ? -2.0F : 1.0F) << i;
  Image tall(2, 4);
  std::ranges::fill(tall.rgb, std::uint8_t{255});
  const Tensor high = resize_with_pad(to_unit_floats(tall), 4, 4, 0.25F);
  for (std::size_t i = 0; i < 48; ++i) EXPECT_EQ(high.floats()[i], i % 4 < 2 ? 0.25F : 1.0F) << i;
}

TEST(ResizeWithPad, RefusesAPictureThatWouldVanish) {
  const Tensor line = to_unit_floats(pattern(5000, 1));
  expect_parts(user_error([&] { resize_with_pad(line, 512, 512, 0); }), {"5000x1", "512x512"});
}

TEST(PadToSquare, KeepsThePictureInTheMiddle) {
  const Image image = pattern(2, 5);
  const Image square = pad_to_square(image, {9, 8, 7});
  ASSERT_EQ(square.width, 5);
  ASSERT_EQ(square.height, 5);
  for (int y = 0; y < 5; ++y) {
    for (int x = 0; x < 5; ++x) {
      for (int c = 0; c < 3; ++c) {
        const bool inside = x >= 1 && x < 3;
        EXPECT_EQ(square.row(y)[3 * x + c], inside ? image.row(y)[3 * (x - 1) + c] : 9 - c);
      }
    }
  }
}

TEST(Normalise, RefusesAZeroDeviation) {
  EXPECT_THROW(normalise(pattern(1, 1), {1.0, {}, {1, 0, 1}}), InternalError);
}

}  // namespace
}  // namespace heddle
