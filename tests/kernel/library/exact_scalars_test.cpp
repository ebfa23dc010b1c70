#include "kernel/library/exact_scalars.h"

#include "base/error.h"
#include "kernel/library/exact_checks.h"

namespace heddle::kernel {
namespace {

constexpr std::int64_t kLimit = arith::kLimit;

FunctionPtr rounding(int width, int shift, bool is_signed) {
  FunctionBuilder f("rounding");
  const Expr x = f.parameter("x", is_signed ? int_type(width) : uint_type(width));
  return f.returns(cast(int_type(64), round_shift(x, shift)));
}

TEST(ExactScalars, RoundByALiteralShift) {
  for (const int width : {2, 27, 44}) {
    for (const int shift : {-19, 0, 1, 13, 26, 27, 60}) {
      for (const bool is_signed : {false, true}) {
        const std::int64_t high = (std::int64_t{1} << (is_signed ? width - 1 : width)) - 1;
        const std::vector<std::int64_t> x = extremes(is_signed ? -high - 1 : 0, high, 50, 1);
        const std::vector<std::int64_t> y = values_of(rounding(width, shift, is_signed), {x});
        for (std::size_t i = 0; i < x.size(); ++i) {
          ASSERT_EQ(y[i], static_cast<std::int64_t>(arith::round_shift(x[i], shift)))
              << x[i] << " by " << shift << " of width " << width;
        }
      }
    }
  }
}

TEST(ExactScalars, RoundAndSaturateByAShiftThatVaries) {
  for (const int width : {27, 44, 62}) {
    const std::int64_t high = (std::int64_t{1} << (width - 1)) - 1;
    std::vector<std::int64_t> x;
    std::vector<std::int64_t> shift;
    for (const std::int64_t s : {-2048, -400, -60, 80, 300, 2047}) {
      for (const std::int64_t e : extremes(-high - 1, high, 5, 2)) {
        x.push_back(e);
        shift.push_back(s);
      }
    }
    for (std::int64_t s = -30; s <= 64; ++s) {
      for (const std::int64_t e :
           extremes(-high - 1, high, 20, 3 + static_cast<std::uint64_t>(s))) {
        x.push_back(e);
        shift.push_back(s);
      }
    }
    const std::vector<std::int64_t> y = values_of(round_saturate_function(width), {x, shift});
    for (std::size_t i = 0; i < x.size(); ++i) {
      ASSERT_EQ(y[i], arith::round_saturate(x[i], static_cast<int>(shift[i])))
          << x[i] << " by " << shift[i];
    }
  }
}

TEST(ExactScalars, CountDigits) {
  for (const int width : {1, 2, 5, 16, 27, 32, 37, 62}) {
    const std::vector<std::int64_t> x = extremes(0, (std::int64_t{1} << width) - 1, 50, 4);
    const std::vector<std::int64_t> y = values_of(bits_function(width), {x});
    for (std::size_t i = 0; i < x.size(); ++i) {
      ASSERT_EQ(y[i], arith::bits(static_cast<std::uint64_t>(x[i]))) << x[i];
    }
  }
}

TEST(ExactScalars, BringNumbersToScales) {
  for (const int width : {16, 27, 32, 36, 60}) {
    const std::vector<std::int64_t> x = extremes(0, (std::int64_t{1} << width) - 1, 200, 5);
    const std::vector<std::int64_t> e = values_of(normal_exponent(width), {x});
    const std::vector<std::int64_t> m = values_of(normal_mantissa(width), {x, e});
    for (std::size_t i = 0; i < x.size(); ++i) {
      const arith::Scale expected = arith::normal(static_cast<std::uint64_t>(x[i]), 0);
      ASSERT_EQ(e[i], expected.exponent) << x[i];
      ASSERT_EQ(m[i], expected.mantissa) << x[i];
    }
  }
}

TEST(ExactScalars, RoundRowsToCodes) {
  // Rows of three numbers, the first being the greatest.
  const std::vector<std::int64_t> greatest = extremes(0, kLimit, 400, 6);
  std::vector<std::int64_t> x;
  std::vector<std::int64_t> row;
  std::mt19937_64 random(7);
  for (const std::int64_t a : greatest) {
    x.insert(
        x.end(),
        {a, -a, static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(2 * a + 1)) - a});
    row.insert(row.end(), 3, a);
  }
  const std::vector<std::int64_t> e = values_of(normal_exponent(27), {row});
  const std::vector<std::int64_t> m = values_of(normal_mantissa(27), {row, e});
  const std::vector<std::int64_t> r = values_of(row_reciprocal(), {m});
  const std::vector<std::int64_t> codes = values_of(quantise_code(), {x, e, r});
  for (std::size_t first = 0; first < x.size(); first += 3) {
    const std::vector<std::int32_t> numbers(x.begin() + static_cast<std::ptrdiff_t>(first),
                                            x.begin() + static_cast<std::ptrdiff_t>(first + 3));
    std::vector<std::int8_t> expected(3);
    const arith::Scale scale = arith::quantise(numbers, expected);
    ASSERT_EQ(e[first], scale.exponent);
    ASSERT_EQ(m[first], scale.mantissa);
    for (std::size_t j = 0; j < 3; ++j) ASSERT_EQ(codes[first + j], expected[j]) << x[first + j];
  }
}

/// What arith::linear says of one sum.
std::int64_t requantised_sum(std::int64_t acc, std::int64_t depth, int change, std::int64_t m,
                             std::int64_t e, std::int64_t u, std::int64_t h, std::int64_t bias) {
  const int reduce =
      std::max(0, arith::bits(static_cast<std::uint64_t>(std::int64_t{127} * 127 * depth)) - 26);
  const std::int64_t shift = change - e - h - reduce - 15;
  const std::int64_t product = arith::round_saturate(
      arith::round_shift(acc, reduce) * ((m * u) >> 15), static_cast<int>(shift));
  return arith::saturate(product + bias);
}

TEST(ExactScalars, RequantiseSums) {
  constexpr std::size_t kCases = 6000;
  for (const std::int64_t depth : {1, 768, 3072, 5000, 131072}) {
    for (const int change : {-60, -7, 0, 13, 60}) {
      const std::int64_t most = std::int64_t{127} * 127 * depth;
      const std::vector<std::int64_t> acc = drawn(-most, most, kCases, 8);
      const std::vector<std::int64_t> m = mantissas(kCases, 9);
      const std::vector<std::int64_t> u = mantissas(kCases, 10);
      std::vector<std::int64_t> e = drawn(-128, 127, kCases, 11);
      std::vector<std::int64_t> h = drawn(-128, 127, kCases, 12);
      // Most cases have shifts at which neither 0 nor the limit is certain.
      for (std::size_t i = 0; i < kCases; ++i) {
        if (i % 8 == 0) continue;
        e[i] = static_cast<std::int64_t>(i % 27) - 15;
        h[i] = std::clamp<std::int64_t>(change - e[i] - 40 + static_cast<std::int64_t>(i / 27 % 60),
                                        -128, 127);
      }
      const std::vector<std::int64_t> bias = drawn(-kLimit, kLimit, kCases, 13);
      const std::vector<std::int64_t> y =
          values_of(requantise_sum("requantise_test", depth, change), {acc, m, e, u, h, bias});
      for (std::size_t i = 0; i < kCases; ++i) {
        ASSERT_EQ(y[i], requantised_sum(acc[i], depth, change, m[i], e[i], u[i], h[i], bias[i]))
            << acc[i] << " " << m[i] << " " << e[i] << " " << u[i] << " " << h[i] << " " << bias[i];
      }
    }
  }
}

TEST(ExactScalars, RefuseSumsThatMayOverflow) {
  EXPECT_THROW(requantise_sum("requantise_test", 131073, 0), UserError);
}

TEST(ExactScalars, TakeThePositivePart) {
  const std::vector<std::int64_t> x = extremes(-kLimit, kLimit, 500, 14);
  const std::vector<std::int32_t> numbers(x.begin(), x.end());
  for (const auto& [from, to] :
       std::vector<std::pair<int, int>>{{20, 20}, {18, 22}, {40, -20}, {-20, 40}, {22, 17}}) {
    std::vector<std::int32_t> expected(x.size());
    arith::map(heddle::Function::kRelu, {numbers, from}, {expected, to});
    const std::vector<std::int64_t> y = values_of(relu_fixed("relu_test", from, to), {x});
    for (std::size_t i = 0; i < x.size(); ++i) ASSERT_EQ(y[i], expected[i]) << x[i];
  }
}

TEST(ExactScalars, AddValuesOfDifferentFractions) {
  const std::vector<std::int64_t> a = drawn(-kLimit, kLimit, 3000, 15);
  const std::vector<std::int64_t> b = drawn(-kLimit, kLimit, 3000, 16);
  const std::vector<std::int32_t> left(a.begin(), a.end());
  const std::vector<std::int32_t> right(b.begin(), b.end());
  for (const auto& [fa, fb, fy] : std::vector<std::array<int, 3>>{
           {20, 20, 20}, {22, 18, 17}, {-20, 40, 10}, {-20, -20, 40}, {40, 40, -20}}) {
    std::vector<std::int32_t> expected(a.size());
    arith::add({left, fa}, {right, fb}, {expected, fy});
    const std::vector<std::int64_t> y = values_of(add_fixed("add_test", fa - fy, fb - fy), {a, b});
    for (std::size_t i = 0; i < a.size(); ++i) ASSERT_EQ(y[i], expected[i]) << a[i] << " " << b[i];
  }
}

}  // namespace
}  // namespace heddle::kernel
