// What the drawings of all charts share: a sheet that is filled from top to bottom.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "report/chart.h"
#include "report/drawing.h"
#include "report/scale.h"

namespace heddle::report {

constexpr double kSheetWidth = 360;
constexpr double kSheetMargin = 6;
constexpr double kLineHeight = 15;

struct Sheet {
  Drawing drawing;
  double bottom = kSheetMargin;       ///< what is above is taken
  bool has_choice = false;            ///< the reader may see one series alone
  std::vector<std::string> left_out;  ///< labels of values that cannot be shown; one may come often
};

/// Lines of text over the whole width.
void add_text(Sheet& sheet, const std::string& text, const std::string& style);

struct LegendEntry {
  std::string name;
  std::optional<std::size_t> colour;  ///< none: in the colour of quiet text
  std::optional<std::size_t> mark;    ///< none: a square
};

void add_legend(Sheet& sheet, const std::vector<LegendEntry>& entries);

/// A part of a bar, set off from its neighbours unless it is too small for that.
void add_segment(Sheet& sheet, const Box& box, std::size_t colour, const std::string& tooltip);

/// Grid lines over `area` at the ticks of an axis across, their labels and the title below.
void add_axis_across(Sheet& sheet, const AxisMap& axis, const Box& area, const std::string& title);

void draw(Sheet& sheet, const BarChart& chart);
void draw(Sheet& sheet, const LineChart& chart);
void draw(Sheet& sheet, const Roofline& chart);
void draw(Sheet& sheet, const MemoryMap& chart);

}  // namespace heddle::report
