// Draws rates below roofs.
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "report/plane.h"
#include "report/words.h"

namespace heddle::report {
namespace {

/// How much of the roofs is to be seen around the places where they meet.
constexpr double kAround = 8;

/// One series, or all.
using Choice = std::optional<std::size_t>;

bool is_in(const Choice& series, const Choice& choice) {
  return !series || !choice || *series == *choice;
}

class RooflineDrawing {
 public:
  RooflineDrawing(Sheet& sheet, const Roofline& chart)
      : sheet_(sheet), chart_(chart), plane_(make_plane()) {}

  void draw() {
    for (const MemoryRoof& roof : chart_.memory_roofs) {
      const auto [from, to] = line_of(roof);
      sheet_.drawing.line(from, to, "roof");
    }
    for (const ComputeRoof& roof : chart_.compute_roofs) {
      begin_series(roof.series);
      const auto [from, to] = line_of(roof);
      sheet_.drawing.line(
          from, to, roof.series && has_colours() ? "curve " + line_class(*roof.series) : "roof");
      end_series(roof.series);
    }
    for (const RooflinePoint& point : chart_.points) {
      begin_series(point.series);
      sheet_.drawing.mark(place_of(point), point.group, fill_class(colour_of(point)),
                          fmt::format("{}, {}: {:.4g}, {:.4g}", point.label,
                                      chart_.series[point.series], point.intensity, point.rate));
      end_series(point.series);
    }
    draw_labels(std::nullopt);
    if (!sheet_.has_choice) return;
    for (std::size_t series = 0; series < chart_.series.size(); ++series) draw_labels(series);
  }

 private:
  Plane make_plane() {
    check();
    leave_out();
    add_legend(sheet_, legend());
    return {sheet_, intensities(), rates(), chart_.intensity_title, chart_.rate_title};
  }

  void check() const {
    const std::size_t series = chart_.series.size();
    for (const ComputeRoof& roof : chart_.compute_roofs) {
      ensure(!roof.series || *roof.series < series, "roof {}: no series {}", quote(roof.label),
             roof.series.value_or(0));
    }
    for (const RooflinePoint& point : chart_.points) {
      ensure(point.series < series && point.group < chart_.groups.size(),
             "point {}: no series {} or no group {}", quote(point.label), point.series,
             point.group);
    }
  }

  void leave_out() {
    const auto is_out = [&](const std::string& label, double a, double b) {
      const bool is_shown = can_show(Scale::kLog, a) && can_show(Scale::kLog, b);
      if (!is_shown) sheet_.left_out.push_back(label);
      return !is_shown;
    };
    std::erase_if(chart_.memory_roofs, [&](const MemoryRoof& roof) {
      return is_out(roof.label, roof.bandwidth, roof.bandwidth);
    });
    std::erase_if(chart_.compute_roofs, [&](const ComputeRoof& roof) {
      return is_out(roof.label, roof.rate, roof.rate);
    });
    std::erase_if(chart_.points, [&](const RooflinePoint& point) {
      return is_out(point.label, point.intensity, point.rate);
    });
  }

  [[nodiscard]] bool has_colours() const { return chart_.series.size() > 1; }

  [[nodiscard]] std::size_t colour_of(const RooflinePoint& point) const {
    return has_colours() ? point.series : point.group;
  }

  [[nodiscard]] std::vector<LegendEntry> legend() const {
    std::vector<LegendEntry> entries;
    if (has_colours()) {
      for (std::size_t i = 0; i < chart_.series.size(); ++i) {
        entries.push_back({chart_.series[i], i, std::nullopt});
      }
    }
    if (chart_.groups.size() > 1) {
      for (std::size_t i = 0; i < chart_.groups.size(); ++i) {
        entries.push_back({chart_.groups[i], has_colours() ? Choice() : Choice(i), i});
      }
    }
    return entries;
  }

  /// Of all points, and around where roofs meet.
  [[nodiscard]] Span intensities() const {
    std::vector<double> values;
    values.reserve(chart_.points.size());
    for (const RooflinePoint& point : chart_.points) values.push_back(point.intensity);
    for (const ComputeRoof& compute : chart_.compute_roofs) {
      for (const MemoryRoof& memory : chart_.memory_roofs) {
        values.push_back(compute.rate / memory.bandwidth / kAround);
        values.push_back(compute.rate / memory.bandwidth * kAround);
      }
    }
    return span_around(Scale::kLog, values);
  }

  [[nodiscard]] Span rates() const {
    std::vector<double> values;
    values.reserve(chart_.points.size());
    for (const RooflinePoint& point : chart_.points) values.push_back(point.rate);
    for (const ComputeRoof& compute : chart_.compute_roofs) {
      values.push_back(compute.rate / kAround);
      values.push_back(compute.rate);
    }
    return span_around(Scale::kLog, values);
  }

  [[nodiscard]] Point place_of(const RooflinePoint& point) const {
    return plane_.at(point.intensity, point.rate);
  }

  /// From the lower or left edge up to the highest compute roof, or to the edges.
  [[nodiscard]] std::pair<Point, Point> line_of(const MemoryRoof& roof) const {
    double top = plane_.y().high;
    if (!chart_.compute_roofs.empty()) {
      top = std::ranges::max(chart_.compute_roofs, {}, &ComputeRoof::rate).rate;
    }
    const double from = std::max(plane_.x().low, plane_.y().low / roof.bandwidth);
    const double to = std::min(plane_.x().high, top / roof.bandwidth);
    return {plane_.at(from, from * roof.bandwidth),
            plane_.at(std::max(from, to), std::max(from, to) * roof.bandwidth)};
  }

  /// From the steepest memory roof to the right edge.
  [[nodiscard]] std::pair<Point, Point> line_of(const ComputeRoof& roof) const {
    double from = plane_.x().low;
    if (!chart_.memory_roofs.empty()) {
      const double bandwidth =
          std::ranges::max(chart_.memory_roofs, {}, &MemoryRoof::bandwidth).bandwidth;
      from = std::max(from, roof.rate / bandwidth);
    }
    return {plane_.at(from, roof.rate), plane_.at(plane_.x().high, roof.rate)};
  }

  void begin_series(const Choice& series) {
    if (sheet_.has_choice && series) {
      sheet_.drawing.begin_group(fmt::format("data-series=\"{}\"", *series));
    }
  }
  void end_series(const Choice& series) {
    if (sheet_.has_choice && series) sheet_.drawing.end_group();
  }

  /// What is in the way of the labels of a choice.
  [[nodiscard]] LabelPlacer placer(const Choice& choice) const {
    LabelPlacer placer(plane_.area());
    for (const MemoryRoof& roof : chart_.memory_roofs) {
      const auto [from, to] = line_of(roof);
      placer.avoid(from, to);
    }
    for (const ComputeRoof& roof : chart_.compute_roofs) {
      const auto [from, to] = line_of(roof);
      if (is_in(roof.series, choice)) placer.avoid(from, to);
    }
    for (const RooflinePoint& point : chart_.points) {
      if (is_in(point.series, choice)) placer.block(mark_box(place_of(point)));
    }
    return placer;
  }

  void draw_labels(const Choice& choice) {
    if (sheet_.has_choice) {
      sheet_.drawing.begin_group(choice ? fmt::format("data-labels=\"{}\" class=\"off\"", *choice)
                                        : std::string("data-labels=\"all\""));
    }
    LabelPlacer free = placer(choice);
    for (const ComputeRoof& roof : chart_.compute_roofs) {
      if (is_in(roof.series, choice)) write_beside(free, roof);
    }
    for (const MemoryRoof& roof : chart_.memory_roofs) write_beside(free, roof);
    // With all series to be seen, a label stands at the first of its points that has room.
    std::set<std::pair<std::string, std::size_t>> written;
    for (const RooflinePoint& point : chart_.points) {
      const std::pair name(point.label, point.group);
      if (!is_in(point.series, choice) || point.label.empty() || written.contains(name)) continue;
      if (write_label_beside(sheet_.drawing, free, place_of(point), point.label)) {
        written.insert(name);
      }
    }
    if (sheet_.has_choice) sheet_.drawing.end_group();
  }

  /// Above its right end, or farther to the left, or below.
  void write_beside(LabelPlacer& free, const ComputeRoof& roof) {
    const auto [from, to] = line_of(roof);
    const double width = text_width(roof.label);
    std::vector<Box> places;
    for (const double y : {to.y - kLabelHeight - 1, to.y + 2}) {
      for (double x = to.x - width; x > from.x; x -= 10) {
        places.push_back({x, y, width, kLabelHeight});
      }
    }
    write(free, places, roof.label);
  }

  /// To the right below, from its upper end down, or to the left above.
  void write_beside(LabelPlacer& free, const MemoryRoof& roof) {
    const auto [from, to] = line_of(roof);
    const double width = text_width(roof.label);
    std::vector<Box> places;
    constexpr int kPlaces = 20;
    for (const bool is_below : {true, false}) {
      for (int i = kPlaces / 2; i < 3 * kPlaces / 2; ++i) {
        const double share = static_cast<double>(i % kPlaces) / kPlaces;
        const Point point = {from.x + share * (to.x - from.x), from.y + share * (to.y - from.y)};
        places.push_back({is_below ? point.x + 5 : point.x - 5 - width,
                          is_below ? point.y + 1 : point.y - kLabelHeight - 1, width,
                          kLabelHeight});
      }
    }
    write(free, places, roof.label);
  }

  void write(LabelPlacer& free, const std::vector<Box>& places, const std::string& label) {
    if (const std::optional<Box> box = free.place(places)) {
      write_label(sheet_.drawing, *box, label);
    }
  }

  Sheet& sheet_;
  Roofline chart_;  ///< what can be shown of it
  Plane plane_;
};

}  // namespace

void draw(Sheet& sheet, const Roofline& chart) {
  RooflineDrawing(sheet, chart).draw();
}

}  // namespace heddle::report
