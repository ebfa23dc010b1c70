#include "engine/quant/rounding.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "base/random.h"

namespace heddle {
namespace {

constexpr std::int64_t kRows = 70;  // more than one thread takes at once
constexpr std::size_t kWidth = 192;

std::vector<float> numbers(const char* name, std::size_t count) {
  const RandomStream stream(1, name);
  std::vector<float> made;
  for (std::size_t i = 0; i < count; ++i) {
    made.push_back(static_cast<float>(2 * stream.uniform(i) - 1));
  }
  return made;
}

/// Rows of `width` numbers in which each channel has much of the one before it.
std::vector<float> correlated(std::size_t rows, std::size_t width) {
  std::vector<float> made = numbers("inputs", rows * width);
  for (std::size_t i = 0; i < made.size(); ++i) {
    if (i % width != 0) made[i] += 0.9F * made[i - 1];
  }
  return made;
}

double real(const RoundedRows& rounded, const RowFormat& format, std::size_t element,
            std::size_t width) {
  const arith::Scale& scale = rounded.scales[element / width];
  const int step = format.group == 0 ? 1 : rounded.steps[element / format.group];
  return rounded.codes[element] * step * format.unit * std::ldexp(scale.mantissa, scale.exponent);
}

/// The sum of the squared errors of inputs times weights.
double output_error(const std::vector<float>& inputs, const std::vector<float>& weights,
                    const RoundedRows& rounded, const RowFormat& format, std::size_t width) {
  std::vector<double> errors;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    errors.push_back(weights[i] - real(rounded, format, i, width));
  }
  double sum = 0;
  for (std::size_t x = 0; x < inputs.size(); x += width) {
    for (std::size_t w = 0; w < weights.size(); w += width) {
      const double off = std::inner_product(&inputs[x], &inputs[x] + width, &errors[w], 0.0);
      sum += off * off;
    }
  }
  return sum;
}

class Rounding : public testing::TestWithParam<int> {
 protected:
  ThreadPool pool{2};
  RowFormat format{.unit = 127, .group = GetParam()};
  std::vector<float> weights = numbers("weights", kRows* kWidth);
  std::vector<float> inputs = correlated(500, kWidth);

  ErrorFeedback feedback(const std::vector<float>& divisors = {}) {
    SecondMoments moments(kWidth);
    moments.add(inputs, pool);
    return {moments, divisors};
  }
  [[nodiscard]] double error(const RoundedRows& rounded) const {
    return output_error(inputs, weights, rounded, format, kWidth);
  }
};

INSTANTIATE_TEST_SUITE_P(Groups, Rounding, testing::Values(0, 32, 64));

TEST_P(Rounding, FeedbackLowersTheErrorOfProducts) {
  const ErrorFeedback of_inputs = feedback();
  const RoundedRows nearest = round_rows(weights, kRows, format, nullptr, pool);
  const RoundedRows fed_back = round_rows(weights, kRows, format, &of_inputs, pool);
  EXPECT_LT(error(fed_back), 0.6 * error(nearest));
}

TEST_P(Rounding, DivisorsAreThoseOfTheInputs) {
  std::vector<float> divisors;
  for (std::size_t j = 0; j < kWidth; ++j) divisors.push_back(1 + static_cast<float>(j % 7));
  const ErrorFeedback divided_later = feedback(divisors);
  for (std::size_t i = 0; i < inputs.size(); ++i) inputs[i] /= divisors[i % kWidth];
  const ErrorFeedback of_inputs = feedback();
  const double expected = error(round_rows(weights, kRows, format, &of_inputs, pool));
  const double got = error(round_rows(weights, kRows, format, &divided_later, pool));
  EXPECT_NEAR(got, expected, 0.02 * expected);
}

TEST_P(Rounding, CodesAndStepsStayInRange) {
  weights[5] = 40;  // an outlier, which leaves little to its neighbours
  std::fill_n(weights.begin() + kWidth, kWidth, 0.0F);
  const ErrorFeedback of_inputs = feedback();
  const RoundedRows rounded = round_rows(weights, kRows, format, &of_inputs, pool);
  const int most = format.group == 0 ? 127 : 7;
  for (const std::int8_t code : rounded.codes) EXPECT_LE(std::abs(code), most);
  for (const std::uint8_t step : rounded.steps) {
    EXPECT_GE(step, 1);
    EXPECT_LE(step, 18);
  }
  for (std::size_t i = 0; i < kWidth; ++i) EXPECT_EQ(rounded.codes[kWidth + i], 0);
}

TEST_P(Rounding, AnyNumberOfThreadsGivesTheSame) {
  const ErrorFeedback of_two = feedback();
  const RoundedRows two = round_rows(weights, kRows, format, &of_two, pool);
  ThreadPool five(5);
  SecondMoments moments(kWidth);
  moments.add(inputs, five);
  const ErrorFeedback of_five(moments, {});
  const RoundedRows same = round_rows(weights, kRows, format, &of_five, five);
  EXPECT_EQ(two.codes, same.codes);
  EXPECT_EQ(two.steps, same.steps);
  EXPECT_EQ(two.scales, same.scales);
}

TEST_P(Rounding, InputsThatAreAlwaysZeroTakeTheNearest) {
  std::fill(inputs.begin(), inputs.end(), 0.0F);
  const ErrorFeedback of_inputs = feedback();
  const RoundedRows nearest = round_rows(weights, kRows, format, nullptr, pool);
  EXPECT_EQ(round_rows(weights, kRows, format, &of_inputs, pool).codes, nearest.codes);
}

TEST(SecondMoments, AreSumsOfProducts) {
  ThreadPool pool(2);
  const std::vector<float> rows = numbers("rows", 3 * kWidth);
  SecondMoments moments(kWidth);
  moments.add(std::span(rows).first(kWidth), pool);
  moments.add(std::span(rows).subspan(kWidth), pool);
  for (std::size_t j = 0; j < kWidth; ++j) {
    const std::span<const float> column = moments.column(j);
    ASSERT_EQ(column.size(), kWidth - j);
    for (std::size_t i = j; i < kWidth; ++i) {
      float sum = 0;
      for (std::size_t r = 0; r < 3; ++r) sum += rows[r * kWidth + i] * rows[r * kWidth + j];
      ASSERT_NEAR(column[i - j], sum, 1e-5);
    }
  }
}

TEST(SecondMoments, OfAWideValueStayWithinItsParts) {
  constexpr std::size_t kWide = SecondMoments::kPart + 64;
  ThreadPool pool(2);
  const std::vector<float> inputs = correlated(8, kWide);
  const std::vector<float> weights = numbers("weights", 2 * kWide);
  SecondMoments moments(kWide);
  moments.add(inputs, pool);
  EXPECT_EQ(moments.column(0).size(), SecondMoments::kPart);
  EXPECT_EQ(moments.column(SecondMoments::kPart).size(), 64);

  const ErrorFeedback feedback(moments, {});
  const RowFormat format = {.unit = 127, .group = 64};
  const RoundedRows nearest = round_rows(weights, 2, format, nullptr, pool);
  const RoundedRows fed_back = round_rows(weights, 2, format, &feedback, pool);
  EXPECT_LT(output_error(inputs, weights, fed_back, format, kWide),
            output_error(inputs, weights, nearest, format, kWide));
}

}  // namespace
}  // namespace heddle
