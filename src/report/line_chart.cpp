// Draws lines and points.
#include <fmt/format.h>

#include "report/plane.h"
#include "report/words.h"

namespace heddle::report {
namespace {

std::vector<PlotLine> shown_lines(Sheet& sheet, const LineChart& chart) {
  std::vector<PlotLine> lines = chart.lines;
  for (PlotLine& line : lines) {
    std::erase_if(line.points, [&](const PlotPoint& point) {
      const bool is_shown = can_show(chart.x.scale, point.x) && can_show(chart.y.scale, point.y);
      if (!is_shown) sheet.left_out.push_back(point.label.empty() ? line.name : point.label);
      return !is_shown;
    });
  }
  return lines;
}

Span span_of(Scale scale, const std::vector<PlotLine>& lines, double PlotPoint::* coordinate) {
  std::vector<double> values;
  for (const PlotLine& line : lines) {
    for (const PlotPoint& point : line.points) values.push_back(point.*coordinate);
  }
  return span_around(scale, values);
}

std::string tooltip(const PlotLine& line, const PlotPoint& point) {
  return fmt::format("{}{}: {:.6g}, {:.6g}", line.name,
                     point.label.empty() ? "" : ", " + point.label, point.x, point.y);
}

void draw_line(Sheet& sheet, const Plane& plane, LabelPlacer& placer, const PlotLine& line,
               std::size_t index) {
  std::vector<Point> places;
  places.reserve(line.points.size());
  for (const PlotPoint& point : line.points) places.push_back(plane.at(point.x, point.y));
  if (line.is_joined && places.size() > 1) {
    sheet.drawing.polyline(places, "curve " + line_class(index));
    for (std::size_t i = 1; i < places.size(); ++i) placer.avoid(places[i - 1], places[i]);
  }
  for (std::size_t i = 0; i < places.size(); ++i) {
    sheet.drawing.mark(places[i], index, fill_class(index), tooltip(line, line.points[i]));
    placer.block(mark_box(places[i]));
  }
}

}  // namespace

void draw(Sheet& sheet, const LineChart& chart) {
  const std::vector<PlotLine> lines = shown_lines(sheet, chart);
  if (lines.size() > 1) {
    std::vector<LegendEntry> entries;
    entries.reserve(lines.size());
    for (std::size_t i = 0; i < lines.size(); ++i) entries.push_back({lines[i].name, i, i});
    add_legend(sheet, entries);
  }
  const Plane plane(sheet, span_of(chart.x.scale, lines, &PlotPoint::x),
                    span_of(chart.y.scale, lines, &PlotPoint::y), chart.x.title, chart.y.title);
  LabelPlacer placer(plane.area());
  for (std::size_t i = 0; i < lines.size(); ++i) draw_line(sheet, plane, placer, lines[i], i);
  for (const PlotLine& line : lines) {
    for (const PlotPoint& point : line.points) {
      if (point.label.empty()) continue;
      write_label_beside(sheet.drawing, placer, plane.at(point.x, point.y), point.label);
    }
  }
}

}  // namespace heddle::report
