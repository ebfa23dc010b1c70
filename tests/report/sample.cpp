#include "sample.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace heddle::report {
namespace {

struct Operator {
  const char* name;
  std::size_t group;
  double products;     ///< multiply-adds, in 10^9
  double weights;      ///< elements, in 10^6
  double activations;  ///< elements, in 10^6
};

constexpr std::array<Operator, 14> kOperators = {{
    {"patch embedding", 0, 0.604, 0.59, 3.1},
    {"qkv projections", 0, 21.7, 21.2, 38},
    {"scores", 0, 9.66, 0, 160},
    {"softmax", 0, 0, 0, 302},
    {"weighted sums", 0, 9.66, 0, 160},
    {"output projection", 0, 7.25, 7.1, 19},
    {"feed-forward", 0, 58, 56.6, 47},
    {"connector", 1, 0.755, 11.8, 0.9},
    {"qkv projections", 2, 4.1, 36.8, 4.3},
    {"scores", 2, 0.3, 0, 3.4},
    {"feed-forward", 2, 11.8, 118, 8.7},
    {"self-attention", 3, 9.1, 18, 11},
    {"cross-attention", 3, 7.9, 14, 17},
    {"feed-forward", 3, 34.4, 69, 24},
}};

struct Precision {
  const char* name;
  double bytes;
  double rate;  ///< 10^9 multiply-adds a second
};

constexpr std::array<Precision, 4> kPrecisions = {
    {{"f32", 4, 540}, {"bf16", 2, 1350}, {"w8a8", 1, 5410}, {"w4a8", 0.75, 10800}}};
constexpr double kBandwidth = 425;

Roofline empty_roofline() {
  Roofline chart{.intensity_title = "intensity [MAC/byte]",
                 .rate_title = "rate [10⁹ MAC/s]",
                 .series = {},
                 .groups = {"vision tower", "connector", "language model", "action expert"},
                 .memory_roofs = {{"HBM, 425 GB/s", kBandwidth}},
                 .compute_roofs = {},
                 .points = {}};
  for (const Precision& precision : kPrecisions) {
    chart.compute_roofs.push_back({fmt::format("{}: {:.0f}", precision.name, precision.rate),
                                   precision.rate, chart.series.size()});
    chart.series.emplace_back(precision.name);
  }
  return chart;
}

RooflinePoint point_of(const std::string& label, std::size_t group, std::size_t series,
                       double products, double elements) {
  const double intensity = products * 1000 / (elements * kPrecisions[series].bytes);
  const double roof = std::min(kPrecisions[series].rate, kBandwidth * intensity);
  return {label, intensity, roof * (products > 50 ? 1 : 0.86), series, group};
}

Figure operators() {
  Roofline chart = empty_roofline();
  for (std::size_t series = 0; series < kPrecisions.size(); ++series) {
    for (const Operator& op : kOperators) {
      chart.points.push_back(
          point_of(op.name, op.group, series, op.products, op.weights + op.activations));
    }
  }
  return {"roofline-operators", "Operators under the roofs",
          "Modelled: each kind of operator at each precision. Softmax has no multiply-adds.",
          chart};
}

Figure components() {
  Roofline chart = empty_roofline();
  for (std::size_t series = 0; series < kPrecisions.size(); ++series) {
    for (std::size_t group = 0; group < chart.groups.size(); ++group) {
      double products = 0;
      double elements = 0;
      for (const Operator& op : kOperators) {
        if (op.group != group) continue;
        products += op.products;
        elements += op.weights + op.activations / 8;
      }
      chart.points.push_back(point_of(chart.groups[group], group, series, products, elements));
    }
  }
  return {"roofline-components", "Components under the roofs",
          "Modelled, activations of fused layers kept on chip.", chart};
}

Figure latency() {
  BarChart chart{.axis = {"time at 300 MHz, assumed [ms]"},
                 .layout = BarLayout::kStacked,
                 .series = {"compute", "weights from HBM", "activations"},
                 .bars = {}};
  for (const Operator& op : kOperators) {
    chart.bars.push_back(
        {op.name, {{0, op.products / 5.41}, {1, op.weights / 425}, {2, op.activations / 425}}});
  }
  return {"latency", "Where the time goes, w8a8", "Modelled, one request.", chart};
}

Figure balance() {
  return {"balance", "DSPs for each component <pipelined> & \"balanced\"",
          "Shares that let all components of a pipeline take equally long.",
          BarChart{.axis = {"DSPs"},
                   .layout = BarLayout::kGrouped,
                   .series = {"even", "balanced"},
                   .bars = {{"vision", {{0, 2256}, {1, 5440}}},
                            {"connector", {{0, 2256}, {1, 38}}},
                            {"language", {{0, 2256}, {1, 925}}},
                            {"expert", {{0, 2256}, {1, 2617}}}}}};
}

Figure memory() {
  constexpr double kMiB = 1024 * 1024;
  return {"memory", "What lies where, w8a8", "Counted from shapes.",
          MemoryMap{{{"HBM",
                      8192 * kMiB,
                      {{"weights", 426 * kMiB, {}},
                       {"KV cache", 1.1 * kMiB, {}},
                       {"activations", 61 * kMiB, {}}}},
                     {"on chip (BRAM36 and URAM)",
                      41.5 * kMiB,
                      {{"activations", 12.6 * kMiB, {}},
                       {"weights, double-buffered", 3 * kMiB, {}},
                       {"partial sums", 30 * kMiB, {}}}}}}};
}

Figure batches() {
  LineChart chart{.x = {"requests in a batch", Scale::kLog},
                  .y = {"time for each [ms]", Scale::kLinear},
                  .lines = {}};
  for (const Precision& precision : kPrecisions) {
    PlotLine line{.name = precision.name, .points = {}};
    for (double batch = 1; batch <= 64; batch *= 2) {
      line.points.push_back(
          {batch, 177e3 / precision.rate + 450 * precision.bytes / 425 / batch * 40, ""});
    }
    chart.lines.push_back(std::move(line));
  }
  return {"batches", "Larger batches", "Modelled.", chart};
}

Figure published() {
  return {"cycles-dsp", "Cycles against DSPs", "Down and to the left is better.",
          LineChart{.x = {"DSPs", Scale::kLog},
                    .y = {"cycles", Scale::kLog},
                    .lines = {{"simulated", {{1250, 2.17e6, "tall"}, {640, 4.3e6, "packed"}}, true},
                              {"published",
                               {{460, 7.62e7, "1 row"},
                                {8296, 7.14e6, "16 rows"},
                                {4632, 7.15e6, "8 rows"},
                                {0, 1, "no DSP"}},
                               false}}}};
}

Figure levels() {
  return {"levels", "Cycles of a layer, level by level",
          "Simulated, with the plain kernel's bits; published: estimates of C synthesis.",
          BarChart{.axis = {"cycles", Scale::kLog},
                   .layout = BarLayout::kGrouped,
                   .series = {"simulated", "by formula", "published"},
                   .bars = {{"base", {{1, 3.9e9}}},
                            {"words", {{1, 7.9e7}}},
                            {"packed", {{0, 4.3e6}}},
                            {"tall", {{0, 2169310}}},
                            {"published: dataflow, 16 rows, 8 products of a sum at once",
                             {{2, 7139741}}},
                            {"published: not a number", {{2, std::nan("")}}}}}};
}

ReportTable operator_table() {
  Table table({{"component"},
               {"operator"},
               {"10⁹ MAC", Align::kRight},
               {"weights [10⁶]", Align::kRight},
               {"activations [10⁶]", Align::kRight},
               {"intensity at w8a8 [MAC/byte]", Align::kRight},
               {"bound by"},
               {"got"}});
  const Roofline chart = empty_roofline();
  for (const Operator& op : kOperators) {
    const double intensity = op.products * 1000 / (op.weights + op.activations);
    table.add_row({chart.groups[op.group], op.name, fmt::format("{:.3f}", op.products),
                   fmt::format("{:.1f}", op.weights), fmt::format("{:.1f}", op.activations),
                   fmt::format("{:.1f}", intensity),
                   intensity > 5410 / kBandwidth ? "multipliers" : "memory, i.e. \"HBM\", 425 GB/s",
                   "modelled"});
  }
  return {"operators", "Operators by component, <all>", table};
}

}  // namespace

Report sample_report() {
  return {
      "A sample: <costs> & \"limits\"",
      "What no model costs on no board; for the tests of reports.",
      {{"board", "none, 9,024 DSPs, 32 channels of HBM"},
       {"clock", "300 MHz (assumed)"},
       {"figures", "counted from shapes, or modelled"},
       {"folder",
        "/a/very/long/path/without/any/space/that/does/not/fit/on/a/narrow/screen/at/all"}},
      {{"Rooflines",
        {Paragraph("A point below the slanted line waits for memory; one below a level line waits "
                   "for multipliers."),
         components(), operators()}},
       {"Time", {latency(), levels(), operator_table()}},
       {"Memory and balance", {memory(), balance()}},
       {"Sweeps", {batches(), published()}}}};
}

}  // namespace heddle::report
