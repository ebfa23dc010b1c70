// Charts as SVG. tests/report/pages.py parses them all and measures them in a browser.
#include "report/svg.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/error.h"
#include "sample.h"

namespace heddle::report {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++found;
  }
  return found;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

Figure figure(Chart chart) {
  return {"name", "title", "caption", std::move(chart)};
}

BarChart bars(Scale scale, const std::vector<double>& values) {
  BarChart chart{.axis = {"ms", scale}, .series = {"s"}, .bars = {}};
  for (const double value : values) {
    chart.bars.push_back({"bar " + std::to_string(chart.bars.size()), {{0, value}}});
  }
  return chart;
}

LineChart line(Scale scale, const std::vector<PlotPoint>& points) {
  return {{"x", scale}, {"y", scale}, {{"line", points}}};
}

Roofline roofline(std::vector<RooflinePoint> points) {
  return {.intensity_title = "i",
          .rate_title = "r",
          .series = {"a", "b"},
          .groups = {"g"},
          .memory_roofs = {{"memory", 10}},
          .compute_roofs = {{"peak", 100, {}}},
          .points = std::move(points)};
}

TEST(Svg, SameFigureSameBytes) {
  for (const Section& section : sample_report().sections) {
    for (const Block& block : section.blocks) {
      const auto* chart = std::get_if<Figure>(&block);
      if (chart != nullptr) {
        EXPECT_EQ(svg(*chart), svg(*chart));
      }
    }
  }
}

TEST(Svg, EscapesAllText) {
  const std::string bad = "<b a=\"1\">&'";
  const std::string good = "&lt;b a=&quot;1&quot;&gt;&amp;&#39;";
  Figure chart = figure(BarChart{{bad}, BarLayout::kGrouped, {bad}, {{bad, {{0, 1}}}}});
  chart.title = bad;
  chart.caption = bad;
  const std::string text = svg(chart);
  EXPECT_FALSE(has(text, bad));
  EXPECT_GE(count(text, good), 6);
}

TEST(Svg, OfNothing) {
  EXPECT_TRUE(has(svg(figure(BarChart{})), "Nothing to show."));
  EXPECT_TRUE(has(svg(figure(MemoryMap{})), "Nothing to show."));
  for (const Chart& chart : {Chart(LineChart{}), Chart(Roofline{})}) {
    EXPECT_TRUE(has(svg(figure(chart)), "</svg>"));
    EXPECT_FALSE(has(svg(figure(chart)), "nan"));
  }
}

TEST(Svg, OfOneValue) {
  for (const Scale scale : {Scale::kLinear, Scale::kLog}) {
    EXPECT_EQ(count(svg(figure(bars(scale, {5}))), "class=\"f0"), 1);
    EXPECT_EQ(count(svg(figure(line(scale, {{2, 3, ""}}))), "<circle"), 1);
  }
  EXPECT_EQ(count(svg(figure(roofline({{"p", 2, 20, 0, 0}}))), "<circle"),
            1 /* no legend of one group */);
}

TEST(Svg, LeavesOutWhatAnAxisCannotShowAndSaysSo) {
  const std::string linear = svg(figure(bars(Scale::kLinear, {1, kNan, -1, 0})));
  EXPECT_TRUE(has(linear, "No place on the axes: bar 1, bar 2."));
  EXPECT_EQ(count(linear, "class=\"f0"), 2);
  const std::string log = svg(figure(bars(Scale::kLog, {1, 0})));
  EXPECT_TRUE(has(log, "No place on the axes: bar 1."));
  const std::string plot =
      svg(figure(line(Scale::kLog, {{1, 1, "p"}, {-1, 1, "q"}, {1, kNan, ""}})));
  EXPECT_TRUE(has(plot, "No place on the axes: q, line."));
  const std::string roofs = svg(figure(roofline({{"zero", 0, 1, 0, 0}, {"nan", 1, kNan, 0, 0}})));
  EXPECT_TRUE(has(roofs, "No place on the axes: zero, nan."));
  for (const std::string& text : {linear, log, plot, roofs}) {
    EXPECT_FALSE(has(text, "\"nan\""));
    EXPECT_FALSE(has(text, "\"inf\""));
  }
}

TEST(Svg, LegendOfSeriesThatBarsHave) {
  BarChart chart = bars(Scale::kLinear, {1});
  chart.series = {"used", "unused"};
  EXPECT_TRUE(has(svg(figure(chart)), ">used<"));
  EXPECT_FALSE(has(svg(figure(chart)), ">unused<"));
}

TEST(Svg, MemoryThatDoesNotFit) {
  const std::string text = svg(figure(MemoryMap{{{"m", 1024, {{"a", 1000, {}}, {"b", 536, {}}}}}}));
  EXPECT_TRUE(has(text, "m: 1.50 KiB of 1.00 KiB"));
  EXPECT_TRUE(has(text, "Does not fit: 512 B too much."));
  EXPECT_FALSE(has(text, "free<"));
}

TEST(Svg, ChoiceOfASeriesOnPagesOnly) {
  const Figure chart = figure(roofline({{"p", 2, 20, 0, 0}, {"p", 4, 40, 1, 0}}));
  EXPECT_FALSE(has(svg(chart), "data-"));
  EXPECT_EQ(count(svg(chart), ">p</text>"), 1);
  const std::string text = inline_svg(chart);
  EXPECT_EQ(count(text, "data-labels="), 3);
  EXPECT_EQ(count(text, ">p</text>"), 3);
  EXPECT_EQ(count(text, "data-series=\"1\""), 1);
  EXPECT_EQ(chosen_series(chart), (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(chosen_series(figure(LineChart{})).empty());
}

TEST(Svg, RefusesWhatHasNoMeaning) {
  BarChart chart = bars(Scale::kLog, {1});
  chart.layout = BarLayout::kStacked;
  EXPECT_THROW(svg(figure(chart)), InternalError);
  EXPECT_THROW(svg(figure(BarChart{{}, {}, {}, {{"b", {{0, 1}}}}})), InternalError);
  EXPECT_THROW(svg(figure(roofline({{"p", 1, 1, 2, 0}}))), InternalError);
  EXPECT_THROW(svg(figure(roofline({{"p", 1, 1, 0, 1}}))), InternalError);
  EXPECT_THROW(svg(figure(MemoryMap{{{"m", 0, {}}}})), InternalError);
  EXPECT_THROW(svg({"a b", "", "", BarChart{}}), InternalError);
}

}  // namespace
}  // namespace heddle::report
