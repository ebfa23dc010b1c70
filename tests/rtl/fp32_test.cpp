#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "Fp32Model.h"
#include "clocked.h"
#include "kernel/scalar.h"

namespace heddle::kernel {
namespace {

constexpr int kVectors = 1'000'000;

/// Any bits; or a class's edge; or a number of ordinary size.
std::uint32_t draw(std::mt19937_64& random) {
  static constexpr std::array<std::uint32_t, 18> kEdges{
      0,          1,          2,          0x007FFFFF, 0x00800000, 0x00800001,
      0x3F7FFFFF, 0x3F800000, 0x3F800001, 0x40000000, 0x4F000000, 0x4F7FFFFF,
      0x7F7FFFFF, 0x7F800000, 0x7F800001, 0x7FC00000, 0x7FFFFFFF, 0x01000000};
  const std::uint64_t bits = random();
  const auto low = static_cast<std::uint32_t>(bits);
  switch ((bits >> 32) % 8) {
    case 0:
      return kEdges.at((bits >> 40) % kEdges.size()) | (low & 0x80000000U);
    case 1:
      return low & 0x807FFFFFU;  // Subnormal.
    case 2:
      return (low & 0x807FFFFFU) | static_cast<std::uint32_t>(120 + (bits >> 40) % 16) << 23;
    case 3:  // Few significant bits: ties.
      return (low & 0x80700003U) | static_cast<std::uint32_t>(100 + (bits >> 40) % 56) << 23;
    default:
      return low;
  }
}

std::uint32_t bits_of(float value) {
  return std::isnan(value) ? 0x7FC00000U : std::bit_cast<std::uint32_t>(value);
}

/// One output: its latency, what it shows, and what it should for the inputs on show.
struct Unit {
  std::string name;
  std::size_t latency = 0;
  std::function<std::uint64_t()> shown;
  std::function<std::uint64_t(std::uint32_t a, std::uint32_t b)> expected;
};

class Fp32Test : public testing::Test {
 protected:
  void check(const std::vector<Unit>& units) {
    std::mt19937_64 random(11);
    std::vector<Pipeline<std::uint64_t>> pipelines;
    pipelines.reserve(units.size());
    for (const Unit& unit : units) pipelines.emplace_back(unit.latency);
    for (int step = 0; step < kVectors + 64; ++step) {
      const std::uint32_t a = draw(random);
      // Near operands cancel, or divide to almost one.
      const std::uint32_t b =
          random() % 4 == 0 ? (a ^ (random() % 16 << 31)) + random() % 5 : draw(random);
      model_->a = a;
      model_->b = b;
      model_->raw = random() >> (random() % 64);
      if (random() % 2 == 0) model_->raw = ~model_->raw;
      model_->sub = random() % 2;
      model_->ce = random() % 16 != 0;
      model_.tick();
      for (std::size_t i = 0; i < units.size(); ++i) {
        if (model_->ce) pipelines[i].push(units[i].expected(a, b));
        if (!pipelines[i].full()) continue;
        ASSERT_EQ(units[i].shown(), pipelines[i].shown())
            << std::hex << units[i].name << ", step " << step;
      }
    }
    std::printf("compared %d vectors for each of %zu units\n", kVectors, units.size());
  }

  /// out = a in the fixed type, of which `width` bits.
  static std::uint64_t to_fixed(std::uint32_t a, const Type& type) {
    Fault fault{};
    const Scalar value{float32_type(), 0, std::bit_cast<float>(a)};
    const auto raw = static_cast<std::uint64_t>(convert(value, type, fault).raw);
    return type.width == 64 ? raw : raw & ((std::uint64_t{1} << type.width) - 1);
  }

  static std::uint64_t from_fixed(std::uint64_t raw, int width, int fraction, bool is_signed) {
    const auto up = static_cast<unsigned>(64 - width);
    const Int128 value =
        is_signed ? Int128{static_cast<std::int64_t>(raw << up) >> up} : Int128{raw << up >> up};
    Type type = is_signed ? int_type(width) : uint_type(width);
    type.fraction = static_cast<std::int16_t>(fraction);
    Fault fault{};
    return bits_of(convert({type, value, 0}, float32_type(), fault).real);
  }

  Clocked<Fp32Model> model_;
};

TEST_F(Fp32Test, Arithmetic) {
  const auto real = [](std::uint32_t bits) { return std::bit_cast<float>(bits); };
  check({
      {"add", 6, [&] { return model_->sum; },
       [&](auto a, auto b) {
         return bits_of(model_->sub ? real(a) - real(b) : real(a) + real(b));
       }},
      {"mul", 6, [&] { return model_->product; },
       [&](auto a, auto b) { return bits_of(real(a) * real(b)); }},
      {"div", 29, [&] { return model_->quotient; },
       [&](auto a, auto b) { return bits_of(real(a) / real(b)); }},
      {"sqrt", 28, [&] { return model_->root; },
       [&](auto a, auto) { return bits_of(std::sqrt(real(a))); }},
      {"floor", 2, [&] { return model_->floor; },
       [&](auto a, auto) { return bits_of(std::floor(real(a))); }},
      {"nearest integer", 2, [&] { return model_->nearest_integer; },
       [&](auto a, auto) { return bits_of(std::nearbyint(real(a))); }},
  });
}

TEST_F(Fp32Test, Conversions) {
  const auto fixed = [](int width, int integer, Rounding rounding, Overflow overflow) {
    return fixed_type(width, integer, rounding, overflow);
  };
  const auto to = [](const Type& type) {
    return [type](auto a, auto) { return to_fixed(a, type); };
  };
  const auto from = [&](int width, int fraction, bool is_signed) {
    return [this, width, fraction, is_signed](auto, auto) {
      return from_fixed(model_->raw, width, fraction, is_signed);
    };
  };
  check({
      {"bf16", 1, [&] { return model_->bf16; },
       [](auto a, auto) {
         return std::bit_cast<std::uint32_t>(round_to_bfloat16(std::bit_cast<float>(a))) >> 16;
       }},
      {"from int32", 4, [&] { return model_->from_int32; }, from(32, 0, true)},
      {"from uint64", 4, [&] { return model_->from_uint64; }, from(64, 0, false)},
      {"from fixed<16,6>", 4, [&] { return model_->from_fixed; }, from(16, 10, true)},
      {"from fixed<30,-130>", 4, [&] { return model_->from_tiny; }, from(30, 160, true)},
      {"to int32", 4, [&] { return model_->to_int32; },
       to(fixed(32, 32, Rounding::kTruncateZero, Overflow::kWrap))},
      {"truncate", 4, [&] { return model_->to_truncate; },
       to(fixed(16, 8, Rounding::kTruncate, Overflow::kSaturate))},
      {"nearest", 4, [&] { return model_->to_nearest; },
       to(fixed(16, 8, Rounding::kNearest, Overflow::kSaturateSymmetric))},
      {"nearest_zero", 4, [&] { return model_->to_nearest_zero; },
       to(fixed(16, 8, Rounding::kNearestZero, Overflow::kSaturateZero))},
      {"nearest_negative", 4, [&] { return model_->to_nearest_negative; },
       to(fixed(16, 8, Rounding::kNearestNegative, Overflow::kWrap))},
      {"nearest_infinity", 4, [&] { return model_->to_nearest_infinity; },
       to(ufixed_type(16, 8, Rounding::kNearestInfinity, Overflow::kSaturate))},
      {"nearest_even", 4, [&] { return model_->to_nearest_even; },
       to(fixed(8, 8, Rounding::kNearestEven, Overflow::kSaturate))},
      {"to uint64", 4, [&] { return model_->to_uint64; },
       to(ufixed_type(64, 64, Rounding::kTruncateZero, Overflow::kWrap))},
  });
}

}  // namespace
}  // namespace heddle::kernel
