// Charts as plain values: what is to be seen, not how it is drawn.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace heddle::report {

enum class Scale { kLinear, kLog };

struct Axis {
  std::string title;  ///< with the unit: "time [ms]"
  Scale scale = Scale::kLinear;
};

/// One value of a bar, in the colour of series[series].
struct BarPart {
  std::size_t series = 0;
  double value = 0;
};

struct Bar {
  std::string label;
  std::vector<BarPart> parts;
};

enum class BarLayout {
  kGrouped,  ///< a bar's parts stand under each other
  kStacked,  ///< they follow each other; on a linear axis only
};

/// Horizontal bars from zero; on a log axis from a power of ten below all values.
struct BarChart {
  Axis axis;
  BarLayout layout = BarLayout::kGrouped;
  std::vector<std::string> series;
  std::vector<Bar> bars;
};

struct PlotPoint {
  double x = 0;
  double y = 0;
  std::string label;  ///< may be empty
};

struct PlotLine {
  std::string name;
  std::vector<PlotPoint> points;
  bool is_joined = true;  ///< else points alone
};

struct LineChart {
  Axis x;
  Axis y;
  std::vector<PlotLine> lines;
};

/// What a memory delivers: rate = bandwidth * intensity.
struct MemoryRoof {
  std::string label;
  double bandwidth = 0;  ///< unit of the rate axis per unit of the intensity axis
};

/// What multipliers do at most. Without a series it holds for all.
struct ComputeRoof {
  std::string label;
  double rate = 0;
  std::optional<std::size_t> series;
};

struct RooflinePoint {
  std::string label;  ///< a thing that has points in several series has one label
  double intensity = 0;
  double rate = 0;
  std::size_t series = 0;
  std::size_t group = 0;
};

/// Rates against intensities, both on log axes, below roofs. A page lets the reader see one series
/// alone, or all. Series have colours and groups have marks; with one series, groups have both.
struct Roofline {
  std::string intensity_title;  ///< with the unit: "intensity [MAC/byte]"
  std::string rate_title;
  std::vector<std::string> series;  ///< precisions, say
  std::vector<std::string> groups;  ///< components, say; at least one
  std::vector<MemoryRoof> memory_roofs;
  std::vector<ComputeRoof> compute_roofs;
  std::vector<RooflinePoint> points;
};

struct MemorySegment {
  std::string label;  ///< the same label has the same colour in all memories
  double bytes = 0;
  std::optional<double> begin;  ///< an address; else where the segment before it ends
};

struct Memory {
  std::string label;
  double capacity = 0;  ///< bytes, more than 0
  std::vector<MemorySegment> segments;
};

/// One bar for each memory, as long as its capacity or, if they need more, as its segments.
struct MemoryMap {
  std::vector<Memory> memories;
};

using Chart = std::variant<BarChart, LineChart, Roofline, MemoryMap>;

/// A chart and the words that go with it. A value that its axis cannot show (not finite; not above
/// zero on a log axis; below zero in a bar or memory) is left out, and a line below the chart says
/// so. There are eight colours; a ninth series has the first again.
struct Figure {
  std::string
      name;  ///< letters, digits and '-': file name and identity; one of its kind in a report
  std::string title;
  std::string caption;  ///< what is to be seen and how the figures were got; for screen readers too
  Chart chart;
};

}  // namespace heddle::report
