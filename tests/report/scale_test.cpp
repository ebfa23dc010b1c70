// Axes: spans and ticks.
#include "report/scale.h"

#include <gtest/gtest.h>

#include <limits>

namespace heddle::report {
namespace {

std::vector<std::string> labels(const Span& span, double length, Direction direction) {
  std::vector<std::string> result;
  for (const Tick& tick : AxisMap(span, 0, length).ticks(direction)) result.push_back(tick.label);
  return result;
}

using Labels = std::vector<std::string>;

TEST(Scale, LinearSpansContainZeroAndEndAtRoundNumbers) {
  const Span span = span_around(Scale::kLinear, {3, 97});
  EXPECT_EQ(span.low, 0);
  EXPECT_EQ(span.high, 100);
  EXPECT_EQ(labels(span, 300, Direction::kAcross), (Labels{"0", "20", "40", "60", "80", "100"}));
  EXPECT_EQ(labels(span, 40, Direction::kAcross), (Labels{"0", "100"}));
  const Span below = span_around(Scale::kLinear, {-0.3, 0.1});
  EXPECT_LE(below.low, -0.3);
  EXPECT_GE(below.high, 0.1);
}

TEST(Scale, LogTicksArePowersOfTenOr125) {
  const Span wide = span_around(Scale::kLog, {1.5, 7e8});
  EXPECT_EQ(wide.low, 1);
  EXPECT_EQ(wide.high, 1e9);
  EXPECT_EQ(labels(wide, 1000, Direction::kAcross),
            (Labels{"1", "10", "100", "1000", "10k", "100k", "1M", "10M", "100M", "1G"}));
  for (const std::string& label : labels(wide, 200, Direction::kUp)) {
    EXPECT_TRUE(label.starts_with('1')) << label;
  }
  EXPECT_EQ(labels(span_around(Scale::kLog, {3, 30}), 300, Direction::kAcross),
            (Labels{"2", "5", "10", "20", "50"}));
}

TEST(Scale, PlacesValuesFromEndToEnd) {
  const AxisMap axis({Scale::kLog, 1, 10000}, 300, 100);
  EXPECT_DOUBLE_EQ(axis.at(1), 300);
  EXPECT_DOUBLE_EQ(axis.at(100), 200);
  EXPECT_DOUBLE_EQ(axis.at(10000), 100);
}

TEST(Scale, KnowsWhatItCannotShow) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  for (const Scale scale : {Scale::kLinear, Scale::kLog}) {
    EXPECT_FALSE(can_show(scale, nan));
    EXPECT_FALSE(can_show(scale, infinity));
    EXPECT_TRUE(can_show(scale, 1e9));
  }
  EXPECT_TRUE(can_show(Scale::kLinear, -1));
  EXPECT_FALSE(can_show(Scale::kLog, 0));
  EXPECT_FALSE(can_show(Scale::kLog, -1));
}

TEST(Scale, ExtremesStillHaveTicks) {
  for (const double value : {1e-100, 1e-9, 1.0, 1e100}) {
    for (const Scale scale : {Scale::kLinear, Scale::kLog}) {
      const Span span = span_around(scale, {value});
      EXPECT_LT(span.low, span.high);
      EXPECT_LE(span.low, value);
      EXPECT_GE(span.high, value);
      EXPECT_GE(labels(span, 300, Direction::kAcross).size(), 2) << value;
    }
  }
}

}  // namespace
}  // namespace heddle::report
