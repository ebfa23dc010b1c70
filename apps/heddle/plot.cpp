#include "apps/heddle/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace heddle {
namespace {

constexpr int kRow = 16;
constexpr int kTop = 56;
constexpr int kLabels = 300;
constexpr int kBars = 480;
constexpr int kRight = 60;

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else {
      out += c;
    }
  }
  return out;
}

/// A round number of which few reach `most`.
double tick_of(double most) {
  const double power = std::pow(10, std::floor(std::log10(most)));
  return most / power < 2 ? power / 5 : most / power < 5 ? power / 2 : power;
}

}  // namespace

std::string plot_svg(std::string_view title, std::string_view axis,
                     const std::vector<PlotPoint>& points) {
  double most = 1;
  for (const PlotPoint& point : points) most = std::max(most, point.value);
  const int width = kLabels + kBars + kRight;
  const int bottom = kTop + kRow * static_cast<int>(points.size());
  const auto x = [&](double value) { return kLabels + kBars * std::max(value, 0.0) / most; };
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" "
      "height=\"{1}\" font-family=\"sans-serif\" font-size=\"11\">\n"
      "<style>text{{fill:#222}}.grid{{stroke:#ccc}}.bar{{fill:#3a6ea5}}"
      "@media(prefers-color-scheme:dark){{text{{fill:#ddd}}.grid{{stroke:#555}}"
      ".bar{{fill:#7aa6d6}}}}</style>\n"
      "<text x=\"8\" y=\"18\" font-size=\"14\">{2}</text>\n"
      "<text x=\"{3}\" y=\"36\">{4}</text>\n",
      width, bottom + 12, escaped(title), kLabels, escaped(axis));
  const double tick = tick_of(most);
  for (double value = 0; value <= most; value += tick) {
    svg += fmt::format(
        "<line class=\"grid\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1}\" y2=\"{2}\"/>"
        "<text x=\"{0:.1f}\" y=\"{3}\" text-anchor=\"middle\">{4:g}</text>\n",
        x(value), kTop - 4, bottom, kTop - 8, value);
  }
  int y = kTop;
  for (const PlotPoint& point : points) {
    svg += fmt::format(
        "<text x=\"{0}\" y=\"{1}\" text-anchor=\"end\">{2}</text>"
        "<rect class=\"bar\" x=\"{3}\" y=\"{4}\" width=\"{5:.1f}\" height=\"{6}\"/>"
        "<text x=\"{7:.1f}\" y=\"{1}\">{8:.1f}</text>\n",
        kLabels - 6, y + 11, escaped(point.name), kLabels, y + 2, x(point.value) - kLabels,
        kRow - 4, x(point.value) + 4, point.value);
    y += kRow;
  }
  return svg + "</svg>\n";
}

}  // namespace heddle
