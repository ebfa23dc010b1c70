#include "report/plane.h"

#include <algorithm>

#include "report/words.h"

namespace heddle::report {
namespace {

constexpr double kHeight = 215;
/// Room for half a tick's label.
constexpr double kRight = 16;
constexpr double kMark = 9;

AxisMap axis_up(const Sheet& sheet, const Span& span) {
  const double top = sheet.bottom + kLineHeight + 6;  // Below the title of the axis.
  return {span, top + kHeight, top};
}

double width_of_ticks(const AxisMap& axis) {
  double widest = 0;
  for (const Tick& tick : axis.ticks(Direction::kUp)) {
    widest = std::max(widest, text_width(tick.label));
  }
  return widest;
}

}  // namespace

Plane::Plane(Sheet& sheet, const Span& x, const Span& y, const std::string& x_title,
             const std::string& y_title)
    : y_(axis_up(sheet, y)), x_(x, kSheetMargin + width_of_ticks(y_) + 5, kSheetWidth - kRight) {
  const double width = kSheetWidth - 2 * kSheetMargin;
  sheet.drawing.text({kSheetMargin, sheet.bottom + 11}, fit(y_title, width), "quiet");
  const Box box = area();
  for (const Tick& tick : y_.ticks(Direction::kUp)) {
    sheet.drawing.line({box.x, tick.at}, {box.right(), tick.at}, "grid");
    sheet.drawing.text({box.x - 5, tick.at + 4}, tick.label, "quiet", Anchor::kEnd);
  }
  add_axis_across(sheet, x_, box, x_title);
  sheet.drawing.line({box.x, box.bottom()}, {box.right(), box.bottom()}, "frame");
  sheet.drawing.line({box.x, box.y}, {box.x, box.bottom()}, "frame");
}

Box Plane::area() const {
  return {x_.begin(), y_.end(), x_.end() - x_.begin(), y_.begin() - y_.end()};
}

Box mark_box(Point center) {
  return {center.x - kMark / 2, center.y - kMark / 2, kMark, kMark};
}

void write_label(Drawing& drawing, const Box& box, const std::string& label) {
  drawing.text({box.x, box.y + kLabelBase}, label, "label");
}

bool write_label_beside(Drawing& drawing, LabelPlacer& placer, Point mark,
                        const std::string& label) {
  const std::optional<LabelPlace> place = placer.place_beside(mark, text_width(label));
  if (!place) return false;
  if (place->lead) drawing.line(mark, *place->lead, "lead frame");
  write_label(drawing, place->box, label);
  return true;
}

}  // namespace heddle::report
