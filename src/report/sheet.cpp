#include "report/sheet.h"

#include <algorithm>

#include "report/words.h"

namespace heddle::report {

void add_text(Sheet& sheet, const std::string& text, const std::string& style) {
  const bool is_title = style == "title";
  for (const std::string& line :
       wrap(text, kSheetWidth - 2 * kSheetMargin, is_title ? kTitleSize : kTextSize, is_title)) {
    sheet.drawing.text({kSheetMargin, sheet.bottom + 11}, line, style);
    sheet.bottom += kLineHeight;
  }
}

void add_legend(Sheet& sheet, const std::vector<LegendEntry>& entries) {
  constexpr double kSwatch = 13;
  constexpr double kGap = 10;
  double x = kSheetMargin;
  for (const LegendEntry& entry : entries) {
    const std::string name = fit(entry.name, kSheetWidth - 2 * kSheetMargin - kSwatch);
    const double width = kSwatch + text_width(name);
    if (x > kSheetMargin && x + width > kSheetWidth - kSheetMargin) {
      x = kSheetMargin;
      sheet.bottom += kLineHeight;
    }
    const std::string style = entry.colour ? fill_class(*entry.colour) : "quiet";
    if (entry.mark) {
      sheet.drawing.mark({x + 4, sheet.bottom + 7}, *entry.mark, style);
    } else {
      sheet.drawing.box({x, sheet.bottom + 2, 9, 9}, style);
    }
    sheet.drawing.text({x + kSwatch, sheet.bottom + 11}, name);
    x += width + kGap;
  }
  if (!entries.empty()) sheet.bottom += kLineHeight + 2;
}

void add_segment(Sheet& sheet, const Box& box, std::size_t colour, const std::string& tooltip) {
  constexpr double kLeast = 3;
  sheet.drawing.box(box, fill_class(colour) + (box.width < kLeast ? "" : " seam"), tooltip);
}

void add_axis_across(Sheet& sheet, const AxisMap& axis, const Box& area, const std::string& title) {
  for (const Tick& tick : axis.ticks(Direction::kAcross)) {
    sheet.drawing.line({tick.at, area.y}, {tick.at, area.bottom()}, "grid");
    const double half = text_width(tick.label) / 2;
    sheet.drawing.text({std::clamp(tick.at, half, kSheetWidth - half), area.bottom() + 15},
                       tick.label, "quiet", Anchor::kMiddle);
  }
  const double width = kSheetWidth - 2 * kSheetMargin;
  sheet.drawing.text({(area.x + area.right()) / 2, area.bottom() + 28}, fit(title, width), "quiet",
                     Anchor::kMiddle);
  sheet.bottom = area.bottom() + 34;
}

}  // namespace heddle::report
