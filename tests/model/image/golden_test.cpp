// Decoding, resizing and scaling against what Pillow and PyTorch made of the same pictures.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/file.h"
#include "base/json.h"
#include "model/image/decode.h"
#include "model/image/normalise.h"
#include "model/image/pad_to_square.h"
#include "model/image/resample.h"
#include "model/image/resize_bilinear.h"
#include "model/image/resize_with_pad.h"
#include "model/image/squash.h"
#include "pattern.h"

namespace heddle {
namespace {

constexpr std::string_view kFolder = "tests/golden/image/";

/// How far the results of one operation are from the expected ones.
struct Comparison {
  int cases = 0;
  int bit_equal = 0;
  std::size_t elements = 0;
  double largest_difference = 0.0;
};

std::uint32_t crc32_of(std::span<const std::byte> bytes) {
  return static_cast<std::uint32_t>(
      crc32_z(0, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()));
}

template <typename Element>
double largest_difference(std::span<const Element> result, std::span<const Element> expected,
                          std::size_t stride) {
  double largest = 0.0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double difference =
        static_cast<double>(result[i * stride]) - static_cast<double>(expected[i]);
    largest = std::max(largest, std::isnan(difference) ? 1e300 : std::abs(difference));
  }
  return largest;
}

/// All cases of the golden file, run one operation at a time.
class Golden : public ::testing::Test {
 protected:
  Golden()
      : cases_(read_json(fmt::format("{}cases.json", kFolder))),
        expected_(read_file(fmt::format("{}expected.bin", kFolder))) {}

  /// Runs `action` on every case of `operation` whose input it accepts and prints the comparison.
  /// `action` takes the case and returns an Image or a Tensor.
  template <typename Action>
  Comparison compare(const std::string& operation, Action action) {
    Comparison total;
    for (const Json& item : cases_["cases"]) {
      if (item["operation"] != operation) continue;
      SCOPED_TRACE(item.dump());
      compare_one(item, action(item), total);
    }
    std::printf("%s: %d cases, %d bit-equal, %zu elements, largest difference %g\n",
                operation.c_str(), total.cases, total.bit_equal, total.elements,
                total.largest_difference);
    return total;
  }

  /// The input of a case: a file, or "pattern:WIDTHxHEIGHT".
  static Image input(const Json& item) {
    const std::string name = item["input"];
    int width = 0;
    int height = 0;
    if (std::sscanf(name.c_str(), "pattern:%dx%d", &width, &height) == 2) {
      return pattern(width, height);
    }
    return load_image(fmt::format("{}inputs/{}", kFolder, name));
  }

  Json cases_;
  std::string expected_;

 private:
  void compare_one(const Json& item, const Image& result, Comparison& total) const {
    EXPECT_EQ(Shape({result.height, result.width, 3}), item["shape"].get<Shape>());
    compare_elements<std::uint8_t>(item, result.rgb, total);
  }

  void compare_one(const Json& item, const Tensor& result, Comparison& total) const {
    EXPECT_EQ(result.shape, item["shape"].get<Shape>());
    compare_elements<float>(item, result.floats(), total);
  }

  template <typename Element>
  void compare_elements(const Json& item, std::span<const Element> result,
                        Comparison& total) const {
    const std::size_t count = item["count"];
    const std::size_t stride = item["stride"];
    ASSERT_EQ(item["type"], (std::is_same_v<Element, float> ? "f32" : "u8"));
    ASSERT_GT(count, 0U);
    ASSERT_EQ((result.size() + stride - 1) / stride, count);
    std::vector<Element> expected(count);
    std::memcpy(expected.data(), expected_.data() + item["offset"].get<std::size_t>(),
                count * sizeof(Element));
    ++total.cases;
    total.elements += result.size();
    const bool equal = crc32_of(std::as_bytes(result)) == item["crc32"].get<std::uint32_t>();
    if (equal) ++total.bit_equal;
    const double difference = largest_difference<Element>(result, expected, stride);
    EXPECT_TRUE(!equal || difference == 0.0) << "the golden file contradicts itself";
    total.largest_difference = std::max(total.largest_difference, difference);
  }
};

void expect_all_bit_equal(const Comparison& total, int at_least) {
  EXPECT_GE(total.cases, at_least);
  EXPECT_EQ(total.bit_equal, total.cases);
  EXPECT_EQ(total.largest_difference, 0.0);
}

TEST_F(Golden, DecodeEqualsPillow) {
  expect_all_bit_equal(compare("decode", [](const Json& item) { return input(item); }), 50);
}

TEST_F(Golden, ResampleEqualsPillow) {
  const std::map<std::string, ResampleFilter> filters = {{"bilinear", ResampleFilter::kBilinear},
                                                         {"bicubic", ResampleFilter::kBicubic}};
  expect_all_bit_equal(compare("resample",
                               [&](const Json& item) {
                                 return resample(input(item), item["width"], item["height"],
                                                 filters.at(item["filter"]));
                               }),
                       40);
}

TEST_F(Golden, SquashEqualsPyTorch) {
  expect_all_bit_equal(compare("squash",
                               [](const Json& item) {
                                 return squash_bilinear(input(item), item["width"], item["height"]);
                               }),
                       20);
}

TEST_F(Golden, ResizeBilinearEqualsPyTorch) {
  int large = 0;
  const Comparison total = compare("resize_bilinear", [&](const Json& item) {
    if (item["width"].get<int>() + item["height"].get<int>() > 128) ++large;
    return resize_bilinear(to_unit_floats(input(item)), item["width"], item["height"]);
  });
  // For the small results PyTorch has another kernel, which multiplies in another order.
  EXPECT_GE(large, 10);
  EXPECT_GE(total.bit_equal, large);
  EXPECT_LE(total.largest_difference, 2e-7);
}

TEST_F(Golden, ResizeWithPadAndSignEqualPyTorch) {
  expect_all_bit_equal(compare("fit",
                               [](const Json& item) {
                                 Tensor fitted = resize_with_pad(to_unit_floats(input(item)),
                                                                 item["width"], item["height"], 0);
                                 unit_to_signed(fitted);
                                 return fitted;
                               }),
                       12);
}

TEST_F(Golden, PadToSquareEqualsPillow) {
  expect_all_bit_equal(compare("pad_to_square",
                               [](const Json& item) {
                                 return pad_to_square(
                                     input(item),
                                     item["colour"].get<std::array<std::uint8_t, 3>>());
                               }),
                       5);
}

TEST_F(Golden, UnitFloatsEqualPyTorch) {
  expect_all_bit_equal(
      compare("unit", [](const Json& item) { return to_unit_floats(input(item)); }), 1);
}

TEST_F(Golden, NormaliseEqualsNumPy) {
  expect_all_bit_equal(compare("normalise",
                               [](const Json& item) {
                                 return normalise(
                                     input(item),
                                     {item["scale"], item["mean"].get<std::array<float, 3>>(),
                                      item["deviation"].get<std::array<float, 3>>()});
                               }),
                       2);
}

}  // namespace
}  // namespace heddle
