// Element types: every 16-bit pattern, and rounding at every midpoint between two of them.
#include "tensor/dtype.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

namespace heddle {
namespace {

/// A 16-bit format by its field widths, decoded in double arithmetic from the definition of
/// IEEE 754: a check on the bit manipulation of dtype.cpp.
struct Format {
  int exponent_bits;
  int mantissa_bits;
  float (*to_f32)(std::uint16_t);
  std::uint16_t (*from_f32)(float);

  [[nodiscard]] int bias() const { return (1 << (exponent_bits - 1)) - 1; }
  [[nodiscard]] std::uint16_t infinity() const {
    return static_cast<std::uint16_t>(((1 << exponent_bits) - 1) << mantissa_bits);
  }
  /// The magnitude of a finite pattern; for infinity, the next power of two.
  [[nodiscard]] double magnitude(std::uint16_t bits) const {
    const int exponent = (bits & 0x7fff) >> mantissa_bits;
    const int mantissa = bits & ((1 << mantissa_bits) - 1);
    if (exponent == 0) return std::ldexp(mantissa, 1 - bias() - mantissa_bits);
    return std::ldexp(mantissa + (1 << mantissa_bits), exponent - bias() - mantissa_bits);
  }
};

constexpr Format kHalf{5, 10, f16_to_f32, f32_to_f16};
constexpr Format kBrain{8, 7, bf16_to_f32, f32_to_bf16};

class SixteenBits : public testing::TestWithParam<Format> {};

INSTANTIATE_TEST_SUITE_P(Formats, SixteenBits, testing::Values(kHalf, kBrain),
                         [](const auto& test) {
                           return test.index == 0 ? std::string("F16") : std::string("BF16");
                         });

TEST_P(SixteenBits, EveryPatternDecodesAndComesBack) {
  const Format& format = GetParam();
  for (int pattern = 0; pattern <= 0xffff; ++pattern) {
    const auto bits = static_cast<std::uint16_t>(pattern);
    const bool negative = (bits & 0x8000) != 0;
    const auto magnitude_bits = static_cast<std::uint16_t>(bits & 0x7fff);
    const float value = format.to_f32(bits);
    ASSERT_EQ(std::signbit(value), negative) << pattern;
    if (magnitude_bits > format.infinity()) {
      ASSERT_TRUE(std::isnan(value)) << pattern;
      ASSERT_TRUE(std::isnan(format.to_f32(format.from_f32(value)))) << pattern;
      continue;
    }
    const double expected = magnitude_bits == format.infinity()
                                ? std::numeric_limits<double>::infinity()
                                : format.magnitude(magnitude_bits);
    ASSERT_EQ(std::fabs(static_cast<double>(value)), expected) << pattern;
    ASSERT_EQ(format.from_f32(value), bits) << pattern;
  }
}

TEST_P(SixteenBits, RoundsToNearestAndTiesToEven) {
  const Format& format = GetParam();
  for (std::uint16_t low = 0; low < format.infinity(); ++low) {
    const auto high = static_cast<std::uint16_t>(low + 1);
    const double exact = (format.magnitude(low) + format.magnitude(high)) / 2;
    const auto middle = static_cast<float>(exact);
    ASSERT_EQ(static_cast<double>(middle), exact);  // float32 holds every midpoint.
    const float below = std::nextafter(middle, 0.0F);
    const float above = std::nextafter(middle, std::numeric_limits<float>::infinity());
    const std::uint16_t even = (low & 1) == 0 ? low : high;
    ASSERT_EQ(format.from_f32(below), low) << low;
    ASSERT_EQ(format.from_f32(middle), even) << low;
    ASSERT_EQ(format.from_f32(above), high) << low;
    ASSERT_EQ(format.from_f32(-below), low | 0x8000) << low;
    ASSERT_EQ(format.from_f32(-middle), even | 0x8000) << low;
    ASSERT_EQ(format.from_f32(-above), high | 0x8000) << low;
  }
}

TEST_P(SixteenBits, OverflowIsInfinityAndNanStaysNan) {
  const Format& format = GetParam();
  EXPECT_EQ(format.from_f32(std::numeric_limits<float>::max()), format.infinity());
  EXPECT_EQ(format.from_f32(-std::numeric_limits<float>::infinity()), format.infinity() | 0x8000);
  // NaN whose payload lies only in the bits that are dropped.
  for (const std::uint32_t bits : {0x7f800001U, 0xff800001U, 0x7fffffffU, 0x7fc00000U}) {
    EXPECT_TRUE(std::isnan(format.to_f32(format.from_f32(std::bit_cast<float>(bits)))));
  }
  EXPECT_EQ(format.from_f32(std::numeric_limits<float>::denorm_min()), 0);
}

TEST(DType, NamesAndSizesAreThoseOfTheFormat) {
  const std::vector<std::tuple<DType, std::string_view, std::size_t>> expected = {
      {DType::kBool, "BOOL", 1}, {DType::kU8, "U8", 1},   {DType::kI8, "I8", 1},
      {DType::kU16, "U16", 2},   {DType::kF16, "F16", 2}, {DType::kBF16, "BF16", 2},
      {DType::kI32, "I32", 4},   {DType::kF32, "F32", 4}, {DType::kI64, "I64", 8}};
  for (const auto& [dtype, name, size] : expected) {
    EXPECT_EQ(name_of(dtype), name);
    EXPECT_EQ(size_of(dtype), size);
    EXPECT_EQ(dtype_from_name(name), dtype);
    EXPECT_NE(known_dtypes().find(name), std::string_view::npos);
  }
  EXPECT_EQ(dtype_from_name("F64"), std::nullopt);
  EXPECT_EQ(dtype_from_name("f32"), std::nullopt);
}

}  // namespace
}  // namespace heddle
