// Two axes, and marks and labels between them: what line charts and rooflines share.
#pragma once

#include <string>

#include "report/label_placer.h"
#include "report/sheet.h"

namespace heddle::report {

class Plane {
 public:
  /// Draws the grid, the ticks and the titles at the sheet's bottom.
  Plane(Sheet& sheet, const Span& x, const Span& y, const std::string& x_title,
        const std::string& y_title);

  [[nodiscard]] Point at(double x, double y) const { return {x_.at(x), y_.at(y)}; }
  [[nodiscard]] const Span& x() const { return x_.span(); }
  [[nodiscard]] const Span& y() const { return y_.span(); }
  [[nodiscard]] Box area() const;

 private:
  AxisMap y_;
  AxisMap x_;  ///< begins right of the labels of y_
};

/// The box of a mark, for placers.
Box mark_box(Point center);

/// Writes a label into a box that a placer gave.
void write_label(Drawing& drawing, const Box& box, const std::string& label);

/// Writes the label of a mark where the placer finds room, with a line to it if that is not right
/// beside it. False if there is none.
bool write_label_beside(Drawing& drawing, LabelPlacer& placer, Point mark,
                        const std::string& label);

}  // namespace heddle::report
