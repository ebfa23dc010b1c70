#include "kernel/library/rows.h"

#include <cmath>

#include "base/error.h"
#include "kernel/library/checks.h"

namespace heddle::kernel {
namespace {

/// The probabilities of the first `visible` of a row of real numbers.
std::vector<double> exact_softmax(std::vector<double> x, int visible) {
  double largest = -1e300;
  double sum = 0;
  for (int j = 0; j < visible; ++j) largest = std::max(largest, x[j]);
  for (int j = 0; j < visible; ++j) sum += x[j] = std::exp(x[j] - largest);
  for (int j = 0; j < static_cast<int>(x.size()); ++j) x[j] = j < visible ? x[j] / sum : 0;
  return x;
}

std::vector<double> scaled_row(Operands& o, int i, double scale) {
  const std::int64_t columns = o.buffer("x").shape()[1];
  std::vector<double> row;
  for (int j = 0; j < columns; ++j) row.push_back(o.buffer("x").real(i * columns + j) * scale);
  return row;
}

TEST(Softmax, InFloatIsCloseToItsFormula) {
  for (const auto& [rows, columns] : {std::pair{1, 1}, {3, 7}, {5, 64}}) {
    Operands o = run(softmax({rows, columns}), {{"scale", 0.75}},
                     [](Operands& operands) { randomise(operands.buffer("x"), -20, 20, 1); });
    for (int i = 0; i < rows; ++i) {
      const std::vector<double> exact = exact_softmax(scaled_row(o, i, 0.75), columns);
      for (int j = 0; j < columns; ++j) {
        EXPECT_NEAR(o.grid<float>("y")(i, j), exact[j], 4e-6 * exact[j] + 1e-30);
      }
    }
  }
}

TEST(Softmax, UnderACausalMaskIsAboutVisibleKeysAndZeroBeyond) {
  for (const int offset : {-1, 0, 2, 7}) {
    Operands o = run(softmax({.rows = 4, .columns = 6, .mask = Mask::kCausal}),
                     {{"scale", 1}, {"offset", offset}});
    for (int i = 0; i < 4; ++i) {
      const int visible = std::min(6, offset + i + 1);
      const std::vector<double> exact = exact_softmax(scaled_row(o, i, 1), visible);
      for (int j = 0; j < 6; ++j) EXPECT_NEAR(o.grid<float>("y")(i, j), exact[j], 1e-6);
    }
  }
}

TEST(Softmax, OfLargeNumbersNeitherOverflowsNorVanishes) {
  Operands o = run(softmax({1, 3}), {{"scale", 1}}, [](Operands& operands) {
    operands.buffer("x").set(0, 3e38);
    operands.buffer("x").set(1, 3e38);
    operands.buffer("x").set(2, -3e38);
  });
  EXPECT_EQ(o.grid<float>("y")(0, 0), 0.5F);
  EXPECT_EQ(o.grid<float>("y")(0, 2), 0);
}

/// What softmax's description says of int8, from floating point up to the table only.
void plain_int8_softmax(Operands& o, std::int64_t multiplier, int shift, int offset) {
  const Grid<std::int32_t> x = o.grid<std::int32_t>("x");
  for (int i = 0; i < x.extent(0); ++i) {
    const int visible = std::min(x.extent(1), offset + i + 1);
    std::int64_t largest = std::numeric_limits<std::int32_t>::min();
    for (int j = 0; j < visible; ++j) largest = std::max<std::int64_t>(largest, x(i, j));
    std::uint32_t total = 0;
    for (int j = 0; j < x.extent(1); ++j) {
      std::uint8_t y = 0;
      if (j < visible) {
        const auto product = static_cast<std::uint64_t>((largest - x(i, j)) * multiplier);
        const auto steps =
            std::min<std::uint64_t>((product + (std::uint64_t{1} << (shift - 1))) >> shift, 4095);
        const auto entry = static_cast<int>(
            std::lround(65280 * std::pow(2, -static_cast<double>(steps % 256) / 256)));
        const int octaves = static_cast<int>(steps / 256);
        y = static_cast<std::uint8_t>(std::floor(std::ldexp(entry, -8 - octaves) + 0.5));
      }
      o.grid<std::uint8_t>("y")(i, j) = y;
      total += y;
    }
    o.grid<std::uint32_t>("total")(i) = total;
  }
}

TEST(Softmax, OfIntegersGivesTheBitsOfPlainCpp) {
  const double multiplier = 1'234'567'890;
  for (const auto& [rows, columns] : {std::pair{1, 1}, {4, 9}, {3, 200}}) {
    const SoftmaxShape shape{.rows = rows, .columns = columns, .number = Number::kInt8};
    SoftmaxShape causal = shape;
    causal.mask = Mask::kCausal;
    const auto prepare = [](Operands& o) { randomise(o.buffer("x"), -2e6, 2e6, 1); };
    expect_bits(
        softmax(shape), {{"multiplier", multiplier}, {"shift", 40}},
        [&](Operands& o) { plain_int8_softmax(o, 1'234'567'890, 40, columns); }, prepare);
    expect_bits(
        softmax(causal), {{"multiplier", multiplier}, {"shift", 40}, {"offset", -1}},
        [&](Operands& o) { plain_int8_softmax(o, 1'234'567'890, 40, -1); }, prepare);
  }
}

TEST(Softmax, OfIntegersHoldsTheWidestDistance) {
  Operands o =
      run(softmax({.rows = 1, .columns = 2, .number = Number::kInt8}),
          {{"multiplier", 2147483647.0}, {"shift", 1}}, [](Operands& operands) {
            operands.grid<std::int32_t>("x")(0, 0) = std::numeric_limits<std::int32_t>::min();
            operands.grid<std::int32_t>("x")(0, 1) = std::numeric_limits<std::int32_t>::max();
          });
  EXPECT_EQ(o.grid<std::uint8_t>("y")(0, 0), 0);
  EXPECT_EQ(o.grid<std::uint8_t>("y")(0, 1), 255);
  EXPECT_EQ(o.grid<std::uint32_t>("total")(0), 255U);
}

/// The largest difference of y / total from the probabilities, relative to the largest of its row.
double worst_int8_softmax_error(double scale, double range) {
  const double multiplier = std::round(256 * std::log2(std::exp(1.0)) * scale * std::ldexp(1, 36));
  Operands o = run(softmax({.rows = 20, .columns = 300, .number = Number::kInt8}),
                   {{"multiplier", multiplier}, {"shift", 36}},
                   [&](Operands& operands) { randomise(operands.buffer("x"), -range, range, 1); });
  double worst = 0;
  for (int i = 0; i < 20; ++i) {
    const std::vector<double> exact = exact_softmax(scaled_row(o, i, scale), 300);
    const double largest = *std::max_element(exact.begin(), exact.end());
    const double total = o.grid<std::uint32_t>("total")(i);
    for (int j = 0; j < 300; ++j) {
      const double mine = o.grid<std::uint8_t>("y")(i, j) / total;
      worst = std::max(worst, std::fabs(mine - exact[j]) / largest);
    }
  }
  return worst;
}

TEST(Softmax, OfIntegersErrsByLessThanTwoThirdsOfAPercentOfTheLargestProbability) {
  for (const double range : {100.0, 10'000.0, 100'000.0}) {
    const double worst = worst_int8_softmax_error(5e-5, range);
    // A weight: half of 1/255 by rounding, 2^(1/512) - 1 by steps; the total as much again.
    EXPECT_LT(worst, 2 * (0.5 / 255 + 0.00136)) << range;
    EXPECT_GT(worst, 0.0005) << range;
  }
}

TEST(Softmax, OfIntegersRefusesRowsWhoseTotalsAnAttentionCouldNotSum) {
  EXPECT_THROW(softmax({.columns = 65537, .number = Number::kInt8}), UserError);
}

struct Moments {
  double mean = 0;
  double variance = 0;
};

Moments moments(Operands& o, int i, bool centred) {
  const std::vector<double> row = scaled_row(o, i, 1);
  Moments m;
  if (centred) {
    for (const double v : row) m.mean += v / static_cast<double>(row.size());
  }
  for (const double v : row) {
    m.variance += (v - m.mean) * (v - m.mean) / static_cast<double>(row.size());
  }
  return m;
}

double exact_norm(Operands& o, int i, int j, bool centred) {
  const Moments m = moments(o, i, centred);
  const double epsilon = static_cast<double>(o.real("epsilon"));
  const double x = scaled_row(o, i, 1)[j];
  const double y = (x - m.mean) / std::sqrt(m.variance + epsilon) * o.buffer("weight").real(j);
  return y + (centred ? o.buffer("bias").real(j) : 0);
}

TEST(Norms, InFloatAreCloseToTheirFormulas) {
  for (const auto& [rows, columns] : {std::pair{1, 1}, {3, 7}, {4, 100}}) {
    for (const bool centred : {false, true}) {
      const KernelPtr kernel = centred ? layer_norm({rows, columns}) : rms_norm({rows, columns});
      Operands o = run(kernel, {{"epsilon", 1e-5}}, [](Operands& operands) {
        randomise(operands.buffer("x"), 3, 5, 1);  // far from 0, where sums of squares would fail
      });
      for (int i = 0; i < rows; ++i) {
        for (int j = 0; j < columns; ++j) {
          EXPECT_NEAR(o.grid<float>("y")(i, j), exact_norm(o, i, j, centred), 2e-5);
        }
      }
    }
  }
}

TEST(Norms, OfInt8AreTheNearestStep) {
  for (const auto& [rows, columns] : {std::pair{1, 1}, {3, 7}, {2, 200}}) {
    for (const bool centred : {false, true}) {
      const NormShape shape{rows, columns, Number::kInt8};
      const KernelPtr kernel = centred ? layer_norm(shape) : rms_norm(shape);
      Operands o = run(kernel, {{"epsilon", 0.25}}, [&](Operands& operands) {
        randomise(operands.buffer("x"), -128, 127, 1);
        randomise(operands.buffer("weight"), -60, 60, 2);
        if (centred) randomise(operands.buffer("bias"), -20, 20, 3);
      });
      for (int i = 0; i < rows; ++i) {
        for (int j = 0; j < columns; ++j) {
          const double exact = std::clamp(exact_norm(o, i, j, centred), -128.0, 127.0);
          EXPECT_NEAR(o.grid<std::int8_t>("y")(i, j), exact, 0.5001);
        }
      }
    }
  }
}

TEST(Norms, OfInt8GiveTheBitsOfPlainCpp) {
  const auto prepare = [](Operands& o) { randomise(o.buffer("weight"), -60, 60, 2); };
  expect_bits(
      layer_norm({3, 50, Number::kInt8}), {{"epsilon", 0.5}},
      [](Operands& o) {
        for (int i = 0; i < 3; ++i) {
          std::int64_t sum = 0;
          std::int64_t squares = 0;
          for (int j = 0; j < 50; ++j) {
            const std::int64_t x = o.grid<std::int8_t>("x")(i, j);
            sum += x;
            squares += x * x;
          }
          const auto spread = static_cast<float>(50 * squares - sum * sum);
          const float inverse = 1.0F / std::sqrt(spread + o.real("epsilon") * 2500.0F);
          for (int j = 0; j < 50; ++j) {
            const auto centred = static_cast<float>(50 * o.grid<std::int8_t>("x")(i, j) - sum);
            const float y =
                centred * inverse * o.grid<float>("weight")(j) + o.grid<float>("bias")(j);
            o.grid<std::int8_t>("y")(i, j) =
                static_cast<std::int8_t>(std::clamp(std::nearbyint(y), -128.0F, 127.0F));
          }
        }
      },
      prepare);
}

TEST(Norms, OfAConstantInt8RowAreTheBias) {
  Operands o = run(layer_norm({1, 4, Number::kInt8}), {{"epsilon", 1}}, [](Operands& operands) {
    randomise(operands.buffer("x"), 77, 77, 1);
    randomise(operands.buffer("bias"), 5, 5, 1);
  });
  for (int j = 0; j < 4; ++j) EXPECT_EQ(o.grid<std::int8_t>("y")(0, j), 5);
}

TEST(Norms, OfTheLongestInt8RowDoNotOverflow) {
  const auto extreme = [](Operands& o) { randomise(o.buffer("x"), -128, -128, 1); };
  EXPECT_NO_THROW(run(layer_norm({1, kLongestInt8Sum, Number::kInt8}), {{"epsilon", 1}}, extreme));
  EXPECT_THROW(layer_norm({1, kLongestInt8Sum + 1, Number::kInt8}), UserError);
  EXPECT_THROW(rms_norm({1, kLongestInt8Sum + 1, Number::kInt8}), UserError);
}

}  // namespace
}  // namespace heddle::kernel
