#include "engine/arith/tables.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace heddle::arith {
namespace {

/// How far `entry` is from being the nearest integer to `real`: less than 1/2 if it is.
void expect_nearest(std::int32_t entry, double real, double& closest_tie) {
  const double distance = std::abs(entry - real);
  EXPECT_LT(distance, 0.5) << entry << " for " << real;
  closest_tie = std::min(closest_tie, 0.5 - distance);
}

TEST(Tables, ExponentialsAreTheNearest) {
  double closest = 1;
  for (std::size_t a = 0; a <= 64; ++a) {
    expect_nearest(exponential_table()[a], std::exp2(15 - static_cast<double>(a) / 64), closest);
  }
  // Far more than what doubles, or the 56 bits of the table's making, could be wrong by.
  EXPECT_GT(closest, 1e-3) << "an entry lies so close to a tie that its rounding is in doubt";
}

double tail(Function function, double z) {
  switch (function) {
    case Function::kGeluTanh:
      return (1 - std::tanh(std::sqrt(2 / std::numbers::pi) * (z + 0.044715 * z * z * z))) / 2;
    case Function::kGeluErf:
      return std::erfc(z / std::numbers::sqrt2) / 2;
    case Function::kSilu:
      return 1 / (1 + std::exp(z));
    case Function::kRelu:
      break;
  }
  return 0;
}

TEST(Tables, TailsAreTheNearest) {
  for (const Function function : {Function::kGeluTanh, Function::kGeluErf, Function::kSilu}) {
    const TailTable& table = tail_table(function);
    double closest = 1;
    for (std::size_t i = 0; i < table.entries.size(); ++i) {
      const double z = std::ldexp(static_cast<double>(i), table.log_range) / 512;
      expect_nearest(table.entries[i], std::ldexp(tail(function, z), 16), closest);
    }
    EXPECT_GT(closest, 2e-5) << name_of(function);
  }
}

TEST(Tables, RotationsAreTheNearestUpToTheLongestPosition) {
  for (const double theta : {10000.0, 100000.0, 1.0, 3.5}) {
    for (const std::int64_t first : {0, 1000, (1 << 20) - 8}) {
      const Rope rope{64, 64, theta, first};
      const RotaryTable table = rotary_table(rope, 8);
      for (std::size_t t = 0; t < 8; ++t) {
        for (std::size_t i = 0; i < 32; ++i) {
          const long double frequency =
              roundl(ldexpl(powl(theta, -2.0L * static_cast<long double>(i) / 64), 40));
          const long double angle = static_cast<long double>(first + static_cast<std::int64_t>(t)) *
                                    ldexpl(frequency, -40);
          // A unit is 2^-15; the 56 bits of its making may turn one that is all but a tie.
          EXPECT_NEAR(table.cosine[t * 32 + i], static_cast<double>(32768 * cosl(angle)), 0.5001);
          EXPECT_NEAR(table.sine[t * 32 + i], static_cast<double>(32768 * sinl(angle)), 0.5001);
        }
      }
    }
  }
}

}  // namespace
}  // namespace heddle::arith
