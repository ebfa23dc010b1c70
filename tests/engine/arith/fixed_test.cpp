#include "engine/arith/fixed.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace heddle::arith {
namespace {

TEST(Fixed, RoundsToTheNearestAndTiesUp) {
  EXPECT_EQ(round_shift(5, 1), 3);
  EXPECT_EQ(round_shift(-5, 1), -2);
  EXPECT_EQ(round_shift(-6, 2), -1);
  EXPECT_EQ(round_shift(7, 0), 7);
  EXPECT_EQ(round_shift(-7, -3), -56);
  EXPECT_EQ(round_shift(Int128{1} << 61, 200), 0);
  EXPECT_EQ(round_shift(-(Int128{1} << 61), 63), 0);
  EXPECT_EQ(round_divide(7, 2), 4);
  EXPECT_EQ(round_divide(-7, 2), -3);
  EXPECT_EQ(round_divide(-8, 3), -3);
}

TEST(Fixed, SaturatesHoweverFarItIsShifted) {
  EXPECT_EQ(round_saturate(1, -500), kLimit);
  EXPECT_EQ(round_saturate(-1, -500), -kLimit);
  EXPECT_EQ(round_saturate(0, -500), 0);
  EXPECT_EQ(round_saturate(1, -25), 1 << 25);
  EXPECT_EQ(round_saturate(1, -26), kLimit);
  EXPECT_EQ(round_saturate(std::int64_t{kLimit} << 10, 10), kLimit);
}

TEST(Fixed, SquareRootsAreExact) {
  std::mt19937_64 random(1);
  for (int n = 0; n < 20000; ++n) {
    const std::uint64_t x = random() >> (2 + random() % 62);
    const std::uint64_t root = square_root(x);
    EXPECT_LE(root * root, x);
    EXPECT_GT((root + 1) * (root + 1), x);
  }
}

TEST(Fixed, ScalesCutOffOrRound) {
  EXPECT_EQ(normal(0, 5), Scale{});
  EXPECT_EQ(normal(1, 0), (Scale{1 << 15, -15}));
  EXPECT_EQ(normal(0x1ffff, 3), (Scale{0xffff, 4}));
  EXPECT_EQ(nearest_scale(1), (Scale{1 << 15, -15}));
  EXPECT_EQ(nearest_scale(std::ldexp(0x1ffff, -1)), (Scale{1 << 15, 1}));
  EXPECT_EQ(nearest_scale(0.1), (Scale{52429, -19}));
  EXPECT_EQ(nearest_scale(0), Scale{});
}

}  // namespace
}  // namespace heddle::arith
