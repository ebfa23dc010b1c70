#include "report/drawing.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <iterator>

#include "report/words.h"

namespace heddle::report {
namespace {

struct Palette {
  std::string_view ground;
  std::string_view ink;
  std::string_view quiet;
  std::string_view grid;
  std::array<std::string_view, 8> series;
};

// Eight hues that stand at least 3:1 against their ground (WCAG 2.1, 1.4.11).
constexpr Palette kLight = {
    "#ffffff",
    "#1b1f24",
    "#57606a",
    "#dfe3e8",
    {"#1f6fb4", "#c8500a", "#0b8a62", "#9a4fb0", "#8a6d00", "#b3365b", "#00838f", "#5f6b76"}};
constexpr Palette kDark = {
    "#14171c",
    "#e6e9ed",
    "#a3adb8",
    "#343b44",
    {"#6db3f2", "#ff9b57", "#4fd0a0", "#cf9be3", "#d9bc4a", "#f08cab", "#4fc9d6", "#a9b4bf"}};

std::string colours_of(const Palette& palette) {
  std::string rules = fmt::format(
      ".chart .ground{{fill:{0}}}.chart text{{fill:{1}}}.chart .quiet{{fill:{2}}}"
      ".chart .label{{stroke:{0}}}.chart .seam{{stroke:{0}}}.chart .grid{{stroke:{3}}}"
      ".chart .roof{{stroke:{2}}}.chart .frame{{stroke:{2}}}.chart .free{{fill:{3}}}\n",
      palette.ground, palette.ink, palette.quiet, palette.grid);
  for (std::size_t i = 0; i < palette.series.size(); ++i) {
    rules +=
        fmt::format(".chart .f{0}{{fill:{1}}}.chart .s{0}{{stroke:{1}}}", i, palette.series[i]);
  }
  return rules + '\n';
}

/// With one decimal at most, and no "-0".
std::string number(double value) {
  return fmt::format("{:.6g}", std::round(value * 10) / 10 + 0.0);
}

std::string_view name_of(Anchor anchor) {
  return anchor == Anchor::kStart ? "start" : anchor == Anchor::kMiddle ? "middle" : "end";
}

/// Corners of the marks that are not circles.
constexpr std::array<std::string_view, 5> kMarks = {
    "-3.5,-3.5 3.5,-3.5 3.5,3.5 -3.5,3.5", "0,-4.7 4.5,3.4 -4.5,3.4", "0,-5 5,0 0,5 -5,0",
    "0,4.7 4.5,-3.4 -4.5,-3.4",
    "-1.4,-4.5 1.4,-4.5 1.4,-1.4 4.5,-1.4 4.5,1.4 1.4,1.4 1.4,4.5 -1.4,4.5 -1.4,1.4 -4.5,1.4 "
    "-4.5,-1.4 -1.4,-1.4"};

}  // namespace

std::string fill_class(std::size_t series) {
  return fmt::format("f{}", series % kLight.series.size());
}

std::string line_class(std::size_t series) {
  return fmt::format("s{}", series % kLight.series.size());
}

std::string_view chart_style() {
  static const std::string rules =
      fmt::format(
          ".chart text{{font:{}px system-ui,-apple-system,\"Segoe UI\",Roboto,Helvetica,Arial,"
          "sans-serif}}\n"
          ".chart .title{{font-size:{}px;font-weight:600}}\n"
          ".chart .label{{paint-order:stroke;stroke-width:2.5px;stroke-linejoin:round}}\n"
          ".chart .grid{{stroke-width:.7px}}\n"
          ".chart .roof,.chart .curve{{fill:none;stroke-width:1.5px}}\n"
          ".chart .lead,.chart .frame{{fill:none;stroke-width:.7px}}\n"
          ".chart .seam{{stroke-width:.8px}}\n"
          ".chart .off{{display:none}}\n",
          kTextSize, kTitleSize) +
      colours_of(kLight) + "@media screen and (prefers-color-scheme:dark){\n" + colours_of(kDark) +
      "}\n";
  return rules;
}

void Drawing::text(Point baseline, std::string_view text, std::string_view style, Anchor anchor) {
  fmt::format_to(std::back_inserter(elements_), "<text x=\"{}\" y=\"{}\"", number(baseline.x),
                 number(baseline.y));
  if (anchor != Anchor::kStart) elements_ += fmt::format(" text-anchor=\"{}\"", name_of(anchor));
  if (!style.empty()) elements_ += fmt::format(" class=\"{}\"", style);
  elements_ += '>' + escaped(text) + "</text>\n";
}

void Drawing::close(std::string_view name, std::string_view tooltip) {
  if (tooltip.empty()) {
    elements_ += "/>\n";
  } else {
    elements_ += fmt::format("><title>{}</title></{}>\n", escaped(tooltip), name);
  }
}

void Drawing::box(const Box& box, std::string_view style, std::string_view tooltip) {
  elements_ +=
      fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" class=\"{}\"", number(box.x),
                  number(box.y), number(box.width), number(box.height), style);
  close("rect", tooltip);
}

void Drawing::line(Point from, Point to, std::string_view style) {
  elements_ += fmt::format("<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" class=\"{}\"/>\n",
                           number(from.x), number(from.y), number(to.x), number(to.y), style);
}

void Drawing::polyline(std::span<const Point> points, std::string_view style) {
  elements_ += "<polyline points=\"";
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (i > 0) elements_ += ' ';
    elements_ += number(points[i].x) + ',' + number(points[i].y);
  }
  elements_ += fmt::format("\" class=\"{}\"/>\n", style);
}

void Drawing::mark(Point center, std::size_t shape, std::string_view style,
                   std::string_view tooltip) {
  const std::size_t kind = shape % (kMarks.size() + 1);
  if (kind == 0) {
    elements_ += fmt::format("<circle cx=\"{}\" cy=\"{}\" r=\"4\" class=\"{} seam\"",
                             number(center.x), number(center.y), style);
    close("circle", tooltip);
  } else {
    elements_ +=
        fmt::format("<polygon transform=\"translate({},{})\" points=\"{}\" class=\"{} seam\"",
                    number(center.x), number(center.y), kMarks[kind - 1], style);
    close("polygon", tooltip);
  }
}

void Drawing::begin_group(std::string_view attributes) {
  elements_ += fmt::format("<g {}>\n", attributes);
}

void Drawing::end_group() {
  elements_ += "</g>\n";
}

}  // namespace heddle::report
