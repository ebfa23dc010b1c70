// A plot of named values as SVG.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace heddle {

struct PlotPoint {
  std::string name;
  double value = 0;
};

/// One horizontal bar for each point, in their order; readable on light and dark ground.
std::string plot_svg(std::string_view title, std::string_view axis,
                     const std::vector<PlotPoint>& points);

}  // namespace heddle
