#include "report/scale.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include "report/words.h"

namespace heddle::report {
namespace {

constexpr std::array<double, 3> kSteps = {1, 2, 5};
/// Log axes go this much beyond their values, so that marks stand free.
constexpr double kMargin = 1.2;
/// Beyond it, and below its inverse on log axes, powers of ten lose their digits.
constexpr double kMost = 1e100;
/// For what rounding does to values that are round.
constexpr double kSlack = 1e-9;

double power_of_ten(int exponent) {
  return std::pow(10.0, exponent);
}

int decade_of(double value) {
  return static_cast<int>(std::floor(std::log10(value) + kSlack));
}

/// The largest round number that is not above `value` (> 0).
double round_down(double value) {
  const double power = power_of_ten(decade_of(value));
  double result = power;
  for (const double step : kSteps) {
    if (step * power <= value * (1 + kSlack)) result = step * power;
  }
  return result;
}

/// The smallest round number that is not below `value` (> 0).
double round_up(double value) {
  const double power = power_of_ten(decade_of(value));
  for (const double step : kSteps) {
    if (step * power >= value * (1 - kSlack)) return step * power;
  }
  return 10 * power;
}

/// Round steps of which at most `count` reach over a range.
double step_of(double range, int count) {
  return round_up(range / count);
}

std::vector<double> linear_ticks(const Span& span, double step) {
  std::vector<double> values;
  const auto first = static_cast<int>(std::ceil(span.low / step - kSlack));
  const auto last = static_cast<int>(std::floor(span.high / step + kSlack));
  for (int i = first; i <= last; ++i) values.push_back(i * step);
  return values;
}

/// The products of powers of ten, every `stride`th, and `steps`.
std::vector<double> log_ticks(const Span& span, int stride, std::span<const double> steps) {
  std::vector<double> values;
  for (int decade = decade_of(span.low); decade <= decade_of(span.high); ++decade) {
    if (decade % stride != 0) continue;
    for (const double step : steps) {
      const double value = step * power_of_ten(decade);
      if (value >= span.low * (1 - kSlack) && value <= span.high * (1 + kSlack)) {
        values.push_back(value);
      }
    }
  }
  return values;
}

/// Sets of ticks, the densest first.
std::vector<std::vector<double>> tick_choices(const Span& span) {
  std::vector<std::vector<double>> choices;
  if (span.scale == Scale::kLinear) {
    for (int count = 8; count > 0; --count) {
      choices.push_back(linear_ticks(span, step_of(span.high - span.low, count)));
    }
    return choices;
  }
  // Two ticks at least make a scale; powers of ten alone, where there are enough of them, read
  // best.
  const std::span<const double> ten = std::span(kSteps).first(1);
  if (log_ticks(span, 1, ten).size() < 3) choices.push_back(log_ticks(span, 1, kSteps));
  const int decades = decade_of(span.high) - decade_of(span.low) + 1;
  for (int stride = 1; stride <= decades; ++stride) choices.push_back(log_ticks(span, stride, ten));
  return choices;
}

bool have_room(const std::vector<Tick>& ticks, Direction direction) {
  for (std::size_t i = 1; i < ticks.size(); ++i) {
    const double distance = std::abs(ticks[i].at - ticks[i - 1].at);
    const double needed =
        direction == Direction::kUp
            ? 2 * kTextSize
            : (text_width(ticks[i].label) + text_width(ticks[i - 1].label)) / 2 + 8;
    if (distance < needed) return false;
  }
  return true;
}

}  // namespace

bool can_show(Scale scale, double value) {
  return std::abs(value) <= kMost && (scale == Scale::kLinear || value >= 1 / kMost);
}

Span span_around(Scale scale, const std::vector<double>& values) {
  Span span{.scale = scale, .low = scale == Scale::kLog ? 0.1 : 0, .high = 1};
  if (values.empty()) return span;
  const auto [least, most] = std::ranges::minmax(values);
  if (scale == Scale::kLog) {
    return {scale, round_down(least / kMargin), round_up(most * kMargin)};
  }
  const double low = std::min(least, 0.0);
  const double high = std::max(most, 0.0);
  if (high - low < 1 / kMost) return span;
  const double step = step_of(high - low, 8);
  return {scale, std::floor(low / step + kSlack) * step, std::ceil(high / step - kSlack) * step};
}

AxisMap::AxisMap(const Span& span, double begin, double end)
    : span_(span), begin_(begin), end_(end) {}

double AxisMap::at(double value) const {
  const double share = span_.scale == Scale::kLog
                           ? std::log10(value / span_.low) / std::log10(span_.high / span_.low)
                           : (value - span_.low) / (span_.high - span_.low);
  return begin_ + share * (end_ - begin_);
}

std::vector<Tick> AxisMap::ticks(Direction direction) const {
  std::vector<Tick> ticks;
  for (const std::vector<double>& values : tick_choices(span_)) {
    ticks.clear();
    for (const double value : values) ticks.push_back({at(value), short_number(value)});
    if (have_room(ticks, direction)) break;
  }
  return ticks;
}

}  // namespace heddle::report
