// heddle ablation: one layer as hardware at several levels, from the plain kernel to arrays.
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <memory>

#include "apps/heddle/ablation_levels.h"
#include "apps/heddle/ablation_published.h"
#include "apps/heddle/output.h"
#include "apps/heddle/verbs.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/table.h"
#include "base/text.h"
#include "board/board.h"
#include "cost/synthesis.h"
#include "kernel/codegen/cpp/native.h"
#include "kernel/codegen/rtl/cycles.h"
#include "kernel/codegen/rtl/emit.h"
#include "kernel/codegen/rtl/module_text.h"
#include "kernel/sim/simulation.h"
#include "report/html.h"
#include "report/svg.h"

namespace heddle {
namespace {

struct AblationOptions {
  std::string layer;
  std::string size = "tiny";
  std::vector<std::string> levels;
  std::string board;
  double most_cycles = 5e6;
  bool area = false;
  bool json = false;
  std::string svg;
  std::string html;
  std::uint64_t seed = 1;
};

/// What a level was found to take.
struct LevelReport {
  const AblationLevel* level = nullptr;
  std::int64_t cycles = 0;
  bool is_simulated = false;  ///< else by the formula
  bool has_area = false;
  Resources area;
};

/// The arguments of a layer's plain kernel.
class LayerArguments {
 public:
  LayerArguments(const kernel::Kernel& plain, std::uint64_t seed) {
    for (const kernel::Parameter& parameter : plain.parameters) {
      const auto& [array, direction] = std::get<kernel::ArrayParameter>(parameter);
      std::vector<std::int64_t> shape;
      shape.reserve(array.shape.size());
      for (const kernel::Expr& extent : array.shape) {
        shape.push_back(static_cast<std::int64_t>(*kernel::as_integer(extent)));
      }
      auto buffer = std::make_unique<kernel::Buffer>(array.element, shape);
      if (direction == kernel::Direction::kIn) {
        fill_layer_input(*buffer, array.name, seed);
      } else {
        results_.push_back(buffer.get());
      }
      arguments_.emplace_back(buffer.get());
      buffers_.push_back(std::move(buffer));
    }
  }
  [[nodiscard]] const std::vector<kernel::Argument>& get() const { return arguments_; }
  [[nodiscard]] bool has_results_of(const LayerArguments& other) const {
    return std::ranges::equal(results_, other.results_,
                              [](const auto* a, const auto* b) { return *a == *b; });
  }

 private:
  std::vector<std::unique_ptr<kernel::Buffer>> buffers_;
  std::vector<const kernel::Buffer*> results_;
  std::vector<kernel::Argument> arguments_;
};

class Ablation {
 public:
  explicit Ablation(const AblationOptions& options)
      : options_(options),
        layer_(ablation_layer(options.layer, options.size == "full")),
        expected_(*layer_.plain, options.seed) {
    if (!options.board.empty()) {
      board_ = std::make_unique<Board>(find_board(options.board));
      target_.clock_mhz = board_->clock_mhz;
    }
  }

  /// Throws UserError for a level that is not there.
  std::vector<const AblationLevel*> chosen() const {
    std::vector<std::string> names;
    names.reserve(layer_.levels.size());
    for (const AblationLevel& level : layer_.levels) names.push_back(level.name);
    std::vector<const AblationLevel*> result;
    for (const std::string& name : options_.levels.empty() ? names : options_.levels) {
      const auto found = std::ranges::find(layer_.levels, name, &AblationLevel::name);
      if (found == layer_.levels.end()) {
        throw UserError(fmt::format("{} has no level {}", layer_.name, quote(name)),
                        fmt::format("the levels are: {}", fmt::join(names, ", ")));
      }
      result.push_back(&*found);
    }
    return result;
  }

  void compute_expected() { kernel::NativeLibrary({layer_.plain}).run(expected_.get()); }

  LevelReport measure(const AblationLevel& level) const {
    LevelReport report;
    report.level = &level;
    const std::optional<std::int64_t> formula = formula_cycles(level);
    if (formula && static_cast<double>(*formula) > options_.most_cycles) {
      report.cycles = *formula;
    } else {
      report.cycles = simulate(level);
      report.is_simulated = true;
    }
    report.has_area = options_.area;
    if (options_.area) report.area = area(level);
    return report;
  }

  [[nodiscard]] const AblationLayer& layer() const { return layer_; }
  /// Null if none was named.
  [[nodiscard]] const Board* board() const { return board_.get(); }
  [[nodiscard]] double clock_mhz() const { return target_.clock_mhz; }

 private:
  /// Of a level of one kernel, if no data decides.
  [[nodiscard]] std::optional<std::int64_t> formula_cycles(const AblationLevel& level) const {
    if (level.kernels.size() != 1 ||
        level.kernels[0]->parameters.size() != expected_.get().size()) {
      return std::nullopt;
    }
    return kernel::rtl::count_cycles(kernel::rtl::make_design(level.kernels[0], target_), {});
  }

  /// Cycles of all launches. Throws InternalError if the results are not the plain kernel's.
  [[nodiscard]] std::int64_t simulate(const AblationLevel& level) const {
    kernel::SimulationOptions options;
    options.target = target_;
    options.optimise = options_.size == "full";
    const kernel::Simulation simulation(level.kernels, options);
    const LayerArguments found(*layer_.plain, options_.seed);
    std::uint64_t cycles = 0;
    level.run(found.get(), [&](std::size_t kernel, std::span<const kernel::Argument> arguments) {
      const kernel::SimulationReport report = simulation.run(arguments, kernel);
      if (report.formula && *report.formula != static_cast<std::int64_t>(report.cycles)) {
        throw InternalError(fmt::format("{}: {} cycles, and {} by the formula", level.name,
                                        report.cycles, *report.formula));
      }
      cycles += report.cycles;
    });
    if (!found.has_results_of(expected_)) {
      throw InternalError(fmt::format("{}: not the bits of the plain kernel", level.name));
    }
    return static_cast<std::int64_t>(cycles);
  }

  [[nodiscard]] Resources area(const AblationLevel& level) const {
    Resources total;
    for (const kernel::KernelPtr& kernel : level.kernels) {
      const kernel::rtl::Design design = kernel::rtl::make_design(kernel, target_);
      total += cost::total_of(
          cost::synthesise(kernel::core_sources(design), kernel::rtl::core_name(*kernel)));
    }
    return total;
  }

  AblationOptions options_;
  AblationLayer layer_;
  std::unique_ptr<Board> board_;
  kernel::rtl::Target target_;
  LayerArguments expected_;
};

double milliseconds(const Ablation& run, const LevelReport& report) {
  return static_cast<double>(report.cycles) / run.clock_mhz() / 1000;
}

double work_per_cycle(const Ablation& run, const LevelReport& report) {
  return run.layer().work / static_cast<double>(report.cycles);
}

Table table_of(const Ablation& run, const std::vector<LevelReport>& reports) {
  std::vector<Column> columns = {{"level", Align::kLeft},
                                 {"cycles", Align::kRight},
                                 {"got", Align::kLeft},
                                 {"ms", Align::kRight},
                                 {run.layer().unit + "/cycle", Align::kRight},
                                 {"busy", Align::kRight},
                                 {"faster", Align::kRight}};
  const bool has_area = !reports.empty() && reports.front().has_area;
  if (has_area) {
    for (const Resource resource : kResources)
      columns.push_back({title_of(resource), Align::kRight});
  }
  columns.push_back({"what it is", Align::kLeft});
  Table table(columns);
  for (const LevelReport& report : reports) {
    const double rate = work_per_cycle(run, report);
    std::vector<std::string> cells = {
        report.level->name,
        std::to_string(report.cycles),
        report.is_simulated ? "simulated" : "by formula",
        fmt::format("{:.3f}", milliseconds(run, report)),
        fmt::format("{:.2f}", rate),
        fmt::format("{:.1f} %", 100 * rate / report.level->work_per_cycle),
        fmt::format("{:.1f}", static_cast<double>(reports.front().cycles) /
                                  static_cast<double>(report.cycles))};
    if (has_area) {
      for (const Resource resource : kResources) {
        std::string cell = fmt::format("{}", report.area[resource]);
        if (run.board() && run.board()->resources[resource] > 0) {
          cell += fmt::format(" {:.1f} %",
                              100 * report.area[resource] / run.board()->resources[resource]);
        }
        cells.push_back(cell);
      }
    }
    cells.push_back(report.level->summary);
    table.add_row(std::move(cells));
  }
  return table;
}

std::string title_of(const Ablation& run) {
  return fmt::format("{}: {}", run.layer().name, run.layer().shape);
}

constexpr std::string_view kHowGot = "Every simulated level gave the bits of the plain kernel.";

std::string text_of(const Ablation& run, const std::vector<LevelReport>& reports) {
  return fmt::format("{}, {:.4g} {}; {} MHz (assumed){}\n{}\n\n{}", title_of(run), run.layer().work,
                     run.layer().unit, run.clock_mhz(),
                     run.board() ? fmt::format(", in % of {}", run.board()->name) : "", kHowGot,
                     table_of(run, reports).to_string());
}

/// How a figure was got, as an index of series_names().
enum Series : std::size_t { kSimulated, kByFormula, kPublished };
const std::vector<std::string>& series_names() {
  static const std::vector<std::string> names = {"simulated", "by formula", "published"};
  return names;
}

/// What others published for the layer at this size.
std::vector<PublishedPoint> published_for(const AblationOptions& options) {
  std::vector<PublishedPoint> points;
  if (options.size != "full") return points;
  std::ranges::copy_if(published_points(), std::back_inserter(points),
                       [&](const PublishedPoint& point) { return point.layer == options.layer; });
  return points;
}

report::Figure cycles_figure(const Ablation& run, const std::vector<LevelReport>& reports,
                             const std::vector<PublishedPoint>& published) {
  report::BarChart chart{.axis = {"cycles", report::Scale::kLog},
                         .layout = report::BarLayout::kGrouped,
                         .series = series_names(),
                         .bars = {}};
  for (const LevelReport& report : reports) {
    const std::size_t series = report.is_simulated ? kSimulated : kByFormula;
    chart.bars.push_back({report.level->name, {{series, static_cast<double>(report.cycles)}}});
  }
  for (const PublishedPoint& point : published) {
    chart.bars.push_back({point.name, {{kPublished, point.cycles}}});
  }
  return {"cycles", title_of(run),
          fmt::format("Cycles of all launches. {} Published points are estimates of C synthesis.",
                      kHowGot),
          std::move(chart)};
}

report::Figure dsps_figure(const Ablation& run, const std::vector<LevelReport>& reports,
                           const std::vector<PublishedPoint>& published) {
  std::vector<report::PlotLine> lines;
  for (const std::string& name : series_names()) lines.push_back({name, {}, false});
  for (const LevelReport& report : reports) {
    lines[report.is_simulated ? kSimulated : kByFormula].points.push_back(
        {report.area[Resource::kDsp], static_cast<double>(report.cycles), report.level->name});
  }
  for (const PublishedPoint& point : published) {
    lines[kPublished].points.push_back({point.dsps, point.cycles, point.name});
  }
  return {"cycles-dsps", title_of(run),
          "Down and to the left is better. DSPs synthesised by Yosys; of published points, "
          "estimated by C synthesis.",
          report::LineChart{.x = {"DSPs", report::Scale::kLog},
                            .y = {"cycles", report::Scale::kLog},
                            .lines = std::move(lines)}};
}

report::Report report_of(const Ablation& run, const std::vector<LevelReport>& reports,
                         const std::vector<PublishedPoint>& published) {
  report::Section section{.heading = "Levels", .blocks = {cycles_figure(run, reports, published)}};
  if (!reports.empty() && reports.front().has_area) {
    section.blocks.emplace_back(dsps_figure(run, reports, published));
  }
  section.blocks.emplace_back(
      report::ReportTable{"levels", "Levels, each beside the first", table_of(run, reports)});
  if (!published.empty()) {
    Table table(
        {{"point"}, {"cycles", Align::kRight}, {"DSPs", Align::kRight}, {"source"}, {"note"}});
    for (const PublishedPoint& point : published) {
      table.add_row({point.name, fmt::format("{:.0f}", point.cycles),
                     fmt::format("{:.0f}", point.dsps), point.source, point.note});
    }
    section.blocks.emplace_back(report::ReportTable{
        "published", "Published points: estimates of C synthesis, not routed", std::move(table)});
  }
  report::Report report{
      .title = "Ablation of " + title_of(run),
      .subtitle = std::string(kHowGot),
      .facts = {{"work", fmt::format("{:.4g} {}", run.layer().work, run.layer().unit)},
                {"clock", fmt::format("{} MHz (assumed)", run.clock_mhz())}},
      .sections = {std::move(section)}};
  if (run.board()) report.facts.push_back({"board", run.board()->title});
  return report;
}

Json json_of(const Ablation& run, const std::vector<LevelReport>& reports) {
  Json levels = Json::array();
  for (const LevelReport& report : reports) {
    const double rate = work_per_cycle(run, report);
    Json level = {{"name", report.level->name},
                  {"summary", report.level->summary},
                  {"cycles", report.cycles},
                  {"got", report.is_simulated ? "simulated" : "formula"},
                  {"equal", report.is_simulated ? Json(true) : Json()},
                  {"milliseconds", milliseconds(run, report)},
                  {"work_per_cycle", rate},
                  {"busy_share", rate / report.level->work_per_cycle}};
    if (report.has_area) level["area"] = to_json(report.area);
    levels.push_back(std::move(level));
  }
  Json json = {{"layer", run.layer().name},    {"shape", run.layer().shape},
               {"work", run.layer().work},     {"unit", run.layer().unit},
               {"clock_mhz", run.clock_mhz()}, {"levels", std::move(levels)}};
  if (run.board()) json["board"] = run.board()->name;
  return json;
}

/// So that a long run does not end in a file that cannot be written.
void check_folder_of(const std::filesystem::path& file) {
  const std::filesystem::path folder = std::filesystem::absolute(file).parent_path();
  if (!std::filesystem::is_directory(folder)) {
    throw UserError(fmt::format("{}: {} is no folder", file.string(), folder.string()),
                    "make the folder first, or name another file");
  }
}

void run_ablation(const AblationOptions& options) {
  for (const std::string& file : {options.svg, options.html}) {
    if (!file.empty()) check_folder_of(file);
  }
  Ablation run(options);
  const std::vector<const AblationLevel*> levels = run.chosen();
  run.compute_expected();
  std::vector<LevelReport> reports;
  reports.reserve(levels.size());
  for (const AblationLevel* level : levels) {
    if (!options.json) fmt::print(stderr, "{} ...\n", level->name);
    reports.push_back(run.measure(*level));
  }
  const std::vector<PublishedPoint> published = published_for(options);
  if (!options.svg.empty()) {
    write_file(options.svg, report::svg(cycles_figure(run, reports, published)));
  }
  if (!options.html.empty()) {
    write_file(options.html, report::html(report_of(run, reports, published)));
  }
  print_out(options.json ? json_of(run, reports).dump(2) + '\n' : text_of(run, reports));
}

}  // namespace

void add_ablation(CLI::App& app) {
  auto options = std::make_shared<AblationOptions>();
  CLI::App* verb = app.add_subcommand(
      "ablation", "One layer as hardware at several levels, each simulated and compared");
  verb->footer(
      "Example: heddle ablation mlp --size full --level packed --area\n\n"
      "Cycles are those of simulated RTL whose results are the plain kernel's bits. A level that\n"
      "would take more than --most-cycles is not simulated: its cycles are then the compiler's\n"
      "formula, which simulations of the same level at --size tiny check.");
  verb->add_option("LAYER", options->layer, "attention, mlp, moe or norm")
      ->required()
      ->check(CLI::IsMember(ablation_layers()));
  verb->add_option("--size", options->size, "tiny: seconds; full: the shapes of real models")
      ->check(CLI::IsMember({"tiny", "full"}))
      ->capture_default_str();
  verb->add_option("--level", options->levels, "Only these levels (default: all)");
  verb->add_option("--board", options->board,
                   "Clock and totals of this board: a name from `heddle board list`, or a file");
  verb->add_flag("--area", options->area, "Synthesise each level with Yosys too (minutes)");
  verb->add_option("--most-cycles", options->most_cycles,
                   "Simulate levels of at most so many cycles")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  verb->add_option("--seed", options->seed, "Seed of the random inputs")->capture_default_str();
  verb->add_option("--svg", options->svg, "Write a chart of the cycles to this file");
  verb->add_option("--html", options->html, "Write charts and tables as a page to this file");
  verb->add_flag("--json", options->json, "Print one JSON object");
  verb->callback([options] { run_ablation(*options); });
}

}  // namespace heddle
