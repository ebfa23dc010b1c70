// Draws bars.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.h"
#include "base/text.h"
#include "report/sheet.h"
#include "report/words.h"

namespace heddle::report {
namespace {

constexpr double kBarThickness = 11;
constexpr double kBetweenBars = 6;
/// Labels stand left of their bars if none is wider, and above them if one is.
constexpr double kMostLeft = 112;

void check(const BarChart& chart) {
  ensure(chart.layout == BarLayout::kGrouped || chart.axis.scale == Scale::kLinear,
         "stacked bars stand on a linear axis");
  for (const Bar& bar : chart.bars) {
    for (const BarPart& part : bar.parts) {
      ensure(part.series < chart.series.size(), "bar {}: no series {}", quote(bar.label),
             part.series);
    }
  }
}

/// The chart without parts that cannot be shown, which are noted.
std::vector<Bar> shown_bars(Sheet& sheet, const BarChart& chart) {
  std::vector<Bar> bars = chart.bars;
  for (Bar& bar : bars) {
    const std::size_t removed = std::erase_if(bar.parts, [&](const BarPart& part) {
      return !can_show(chart.axis.scale, part.value) || part.value < 0;
    });
    if (removed > 0) sheet.left_out.push_back(bar.label);
  }
  return bars;
}

double sum_of(const Bar& bar) {
  double sum = 0;
  for (const BarPart& part : bar.parts) sum += part.value;
  return sum;
}

/// The values at which bars end.
std::vector<double> ends_of(const std::vector<Bar>& bars, BarLayout layout) {
  std::vector<double> ends;
  for (const Bar& bar : bars) {
    if (layout == BarLayout::kStacked) {
      ends.push_back(sum_of(bar));
    } else {
      for (const BarPart& part : bar.parts) ends.push_back(part.value);
    }
  }
  return ends;
}

Span bar_span(Scale scale, const std::vector<double>& ends) {
  Span span = span_around(scale, ends);
  if (scale == Scale::kLog && !ends.empty()) {
    span.low = std::pow(10.0, std::ceil(std::log10(std::ranges::min(ends))) - 1);
  }
  return span;
}

double widest_label(const std::vector<Bar>& bars) {
  double widest = 0;
  for (const Bar& bar : bars) widest = std::max(widest, text_width(bar.label));
  return widest;
}

class BarDrawing {
 public:
  BarDrawing(Sheet& sheet, const BarChart& chart)
      : sheet_(sheet),
        chart_(chart),
        bars_(shown_bars(sheet, chart)),
        widest_(widest_label(bars_)),
        left_(kSheetMargin + (is_above() ? 0 : widest_ + 6)),
        axis_(axis()) {}

  void draw() {
    const double top = sheet_.bottom;
    double bottom = top;
    for (const Bar& bar : bars_) bottom += height_of(bar) + kBetweenBars;
    // The grid comes first, so that bars cover it.
    add_axis_across(sheet_, axis_, {left_, top, axis_.end() - left_, bottom - top},
                    chart_.axis.title);
    double y = top + kBetweenBars / 2;
    for (const Bar& bar : bars_) {
      draw(bar, y);
      y += height_of(bar) + kBetweenBars;
    }
    sheet_.drawing.line({left_, top}, {left_, bottom}, "frame");
  }

 private:
  [[nodiscard]] bool is_above() const { return widest_ > kMostLeft; }

  /// Leaves room for the values at the ends of bars.
  [[nodiscard]] AxisMap axis() const {
    const std::vector<double> ends = ends_of(bars_, chart_.layout);
    double values = 0;
    for (const double end : ends) values = std::max(values, text_width(short_number(end)));
    return {bar_span(chart_.axis.scale, ends), left_, kSheetWidth - kSheetMargin - values - 4};
  }

  [[nodiscard]] double height_of(const Bar& bar) const {
    const bool is_grouped = chart_.layout == BarLayout::kGrouped;
    const std::size_t rows = is_grouped ? std::max<std::size_t>(bar.parts.size(), 1) : 1;
    return (is_above() ? kLineHeight : 0) + kBarThickness * static_cast<double>(rows);
  }

  void draw(const Bar& bar, double y) {
    const double height = height_of(bar);
    if (is_above()) {
      sheet_.drawing.text({left_ + 2, y + 11}, fit(bar.label, kSheetWidth - left_ - kSheetMargin),
                          "label");
      y += kLineHeight;
    } else {
      sheet_.drawing.text({left_ - 5, y + height / 2 + 4}, bar.label, "", Anchor::kEnd);
    }
    if (chart_.layout == BarLayout::kStacked) {
      draw_stack(bar, y);
      return;
    }
    for (const BarPart& part : bar.parts) {
      draw_part(bar, part, left_, axis_.at(part.value), y);
      draw_value(part.value, y);
      y += kBarThickness;
    }
  }

  void draw_stack(const Bar& bar, double y) {
    double end = 0;
    for (const BarPart& part : bar.parts) {
      const double begin = end;
      end += part.value;
      draw_part(bar, part, axis_.at(begin), axis_.at(end), y);
    }
    if (!bar.parts.empty()) draw_value(end, y);
  }

  void draw_part(const Bar& bar, const BarPart& part, double from, double to, double y) {
    add_segment(sheet_, {from, y, to - from, kBarThickness - 1}, part.series,
                fmt::format("{}, {}: {:.6g}", bar.label, chart_.series[part.series], part.value));
  }

  void draw_value(double value, double y) {
    sheet_.drawing.text({axis_.at(value) + 4, y + 9}, short_number(value), "label");
  }

  Sheet& sheet_;
  const BarChart& chart_;
  std::vector<Bar> bars_;
  double widest_;  ///< label
  double left_;
  AxisMap axis_;
};

/// The series that some bar has a part of.
std::vector<LegendEntry> legend(const BarChart& chart) {
  std::set<std::size_t> used;
  for (const Bar& bar : chart.bars) {
    for (const BarPart& part : bar.parts) used.insert(part.series);
  }
  std::vector<LegendEntry> entries;
  entries.reserve(used.size());
  for (const std::size_t series : used) {
    entries.push_back({chart.series[series], series, std::nullopt});
  }
  return entries;
}

}  // namespace

void draw(Sheet& sheet, const BarChart& chart) {
  check(chart);
  if (chart.series.size() > 1) add_legend(sheet, legend(chart));
  if (chart.bars.empty()) {
    add_text(sheet, "Nothing to show.", "quiet");
    return;
  }
  BarDrawing(sheet, chart).draw();
}

}  // namespace heddle::report
