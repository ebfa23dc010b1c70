// What `heddle analyze` found, as tables and charts.
#include <algorithm>
#include <tuple>

#include "apps/heddle/analyze.h"

namespace heddle {
namespace {

using namespace cost;
using report::ReportTable;

constexpr std::size_t kMostInTerminal = 12;  ///< operators

/// "12.345", of millions, say.
std::string number(double value, double unit, int digits = 3) {
  return fmt::format("{:.{}f}", value / unit, digits);
}
std::string giga(std::int64_t value) {
  return number(static_cast<double>(value), 1e9);
}
std::string mega(double value) {
  return number(value, 1e6, 2);
}
std::string milliseconds(double seconds) {
  return number(seconds, 1e-3);
}
std::string percent(double part, double whole) {
  return whole == 0 ? "-" : fmt::format("{:.1f}", 100 * part / whole);
}

/// A table whose first column is words and the others numbers, but for those named in `words`.
Table table_of(const std::vector<std::string>& titles, const std::vector<std::string>& words = {}) {
  std::vector<Column> columns;
  columns.reserve(titles.size());
  for (const std::string& title : titles) {
    const bool is_text = columns.empty() || std::ranges::find(words, title) != words.end();
    columns.push_back({title, is_text ? Align::kLeft : Align::kRight});
  }
  return Table(columns);
}

const char* limit_of(const Bound& bound) {
  return bound.is_compute_bound() ? "compute" : "memory";
}

/// Makes the sections of one report.
class Writer {
 public:
  Writer(const AnalysedModel& model, Detail detail)
      : model_(model), work_(model.work), precision_(model.precision), detail_(detail) {}

  report::Report run() {
    report_.title = fmt::format("{}: work{}", model_.workload.model,
                                model_.board ? " and bounds on " + model_.board->board.name : "");
    report_.subtitle = "Counted from the shapes of config.json; times are modelled from below.";
    add_facts();
    add_work();
    add_memory();
    if (model_.board) {
      add_bounds(*model_.board);
      add_parts(*model_.board);
      add_pipeline(*model_.board);
      add_array(*model_.board);
      add_variants(*model_.board);
    }
    return std::move(report_);
  }

 private:
  std::string stage_name(std::size_t phase, std::size_t stage) const {
    const PhaseWork& of = work_.phases[phase];
    const std::string& name = of.graph.stages[stage].name;
    return work_.phases.size() == 1 ? name : of.name + " " + name;
  }
  std::string part_name(const PartBound& part) const {
    return work_.phases.size() == 1 ? part.part.name
                                    : work_.phases[part.phase].name + " " + part.part.name;
  }
  bool is_full() const { return detail_ == Detail::kFull; }

  /// Calls visit(phase, stage index, StageWork).
  template <typename Visit>
  void for_each_stage(const Visit& visit) const {
    for (std::size_t p = 0; p < work_.phases.size(); ++p) {
      const auto& stages = work_.phases[p].graph.stages;
      for (std::size_t s = 0; s < stages.size(); ++s) visit(p, s, stages[s]);
    }
  }

  void add_facts() {
    for (const auto& [name, value] : model_.workload.facts) report_.facts.push_back({name, value});
    report_.facts.push_back({"parameters", std::to_string(model_.workload.parameters)});
    report_.facts.push_back({"precision", precision_.name});
    report_.facts.push_back({"batch", std::to_string(model_.batch)});
    if (!model_.board) return;
    const Roof& roof = model_.board->setting.roof;
    report_.facts.push_back({"board", model_.board->board.title});
    report_.facts.push_back({"clock", fmt::format("{:g} MHz (assumed)", roof.clock_mhz)});
    report_.facts.push_back(
        {"multipliers",
         fmt::format("{:.3f} T MAC/s of weights, {:.3f} of activations, {:g} DSPs",
                     roof.linear_rate / 1e12, roof.attention_rate / 1e12, roof.dsps)});
    report_.facts.push_back(
        {"memory",
         fmt::format("{}: {:.1f} GB/s {}, {:.2f} GB; on chip {:.1f} MB", roof.memory,
                     roof.bandwidth / 1e9, roof.is_sustained ? "sustained" : "at its peak",
                     roof.memory_bytes / 1e9, roof.on_chip_bytes / 1e6)});
    report_.facts.push_back({"ridge", fmt::format("{:.1f} MAC/byte", roof.ridge())});
  }

  void add_work() {
    Table work = table_of({"stage", "G MAC", "of weights", "of activations", "visible", "weights M",
                           "weights MB", "crossing M", "crossing MB"});
    Table others = table_of({"stage", "exponentials M", "functions M", "normalised M", "rotated M",
                             "multiplied M", "added M"});
    OperationCount operations;
    WeightCount crossing;
    const auto add = [&](const std::string& name, const OperationCount& count,
                         const WeightCount& kept, const WeightCount& read) {
      const auto millions = [&](Operation op) { return mega(static_cast<double>(count[op])); };
      work.add_row({name, giga(macs_of(count)), giga(count[Operation::kLinear]),
                    giga(count[Operation::kAttention]), giga(count[Operation::kVisible]),
                    mega(static_cast<double>(elements_of(kept))), mega(precision_.bytes(kept)),
                    mega(static_cast<double>(elements_of(read))), mega(precision_.bytes(read))});
      others.add_row({name, millions(Operation::kExponentials), millions(Operation::kFunctions),
                      millions(Operation::kNormalised), millions(Operation::kRotated),
                      millions(Operation::kMultiplied), millions(Operation::kAdded)});
    };
    for_each_stage([&](std::size_t p, std::size_t s, const StageWork& stage) {
      const std::int64_t runs = work_.phases[p].runs;
      const OperationCount of_all = stage.all.operations * runs;
      const WeightCount read = stage.all.weights * runs;
      add(stage_name(p, s), of_all, stage.distinct, read);
      operations += of_all;
      crossing += read;
    });
    add("all", operations, work_.stored, crossing);
    report_.sections.push_back(
        {"Work",
         {ReportTable{"work",
                      "Multiply-accumulates and weights of one request (counted). \"visible\": "
                      "those of activations that no mask hides. \"crossing\": what is read, again "
                      "in each trip of a loop.",
                      std::move(work)},
          ReportTable{"operations", "Other operations of one request, elements (counted)",
                      std::move(others)}}});
  }

  Table caches_table() const {
    Table table =
        table_of({"phase", "rows", "tensors", "elements/row", "bytes/row", "elements", "MB"});
    for (const PhaseWork& phase : work_.phases) {
      for (const Cache& cache : phase.caches) {
        const double bytes = precision_.cache_bits / 8;
        table.add_row({phase.name, std::to_string(cache.rows), std::to_string(cache.values),
                       std::to_string(cache.per_row),
                       number(static_cast<double>(cache.per_row) * bytes, 1, 0),
                       std::to_string(cache.elements()),
                       mega(static_cast<double>(cache.elements()) * bytes)});
      }
    }
    return table;
  }

  Table activations_table() const {
    Table table = table_of({"stage", "operators MB", "chains MB", "stages MB", "on chip MB"});
    for_each_stage([&](std::size_t p, std::size_t s, const StageWork& stage) {
      const double times = static_cast<double>(work_.phases[p].runs * model_.batch);
      const auto crossing = [&](Fusion fusion) {
        return mega(times * precision_.bytes(stage.crossing(fusion)));
      };
      const double need = peak_bytes(work_.phases[p].graph.on_chip, precision_, s);
      table.add_row({stage_name(p, s), crossing(Fusion::kOperators), crossing(Fusion::kChains),
                     crossing(Fusion::kStages), mega(need * static_cast<double>(model_.batch))});
    });
    return table;
  }

  void add_memory() {
    const MemoryNeed need = memory_need(work_, precision_, model_.batch);
    Table table = table_of({"what", "MB"});
    table.add_row({"weights that any phase reads", mega(need.weights)});
    table.add_row({"cache of keys and values", mega(need.cache)});
    table.add_row({"activations at the worst moment, the cache included", mega(need.activations)});
    report_.sections.push_back(
        {"Memory",
         {ReportTable{"memory", fmt::format("At a batch of {} (counted)", model_.batch),
                      std::move(table)},
          ReportTable{"caches", "Keys and values that are kept, of one request (counted)",
                      caches_table()},
          ReportTable{"activations",
                      "Activations that cross the memory's border if it is that of operators, of "
                      "linear, map, add chains, or of stages; and what the latter needs on chip "
                      "at once (counted)",
                      activations_table()}}});
    if (is_full() && model_.board) {
      report_.sections.back().blocks.emplace_back(memory_map(need, *model_.board));
    }
  }

  report::Figure memory_map(const MemoryNeed& need, const BoardAnalysis& analysis) const {
    const Roof& roof = analysis.setting.roof;
    report::MemoryMap map;
    map.memories.push_back({roof.memory,
                            roof.memory_bytes,
                            {{"weights", need.weights, {}},
                             {"cache", need.cache, {}},
                             {"other activations", need.activations - need.cache, {}}}});
    report::Memory chip{"on chip", roof.on_chip_bytes, {}};
    const auto& stages = analysis.bound.stages;
    const auto worst = std::ranges::max_element(stages, {}, &StageBound::on_chip_bytes);
    chip.segments.push_back(
        {"activations of " + stage_name(worst->phase, worst->stage), worst->on_chip_bytes, {}});
    map.memories.push_back(std::move(chip));
    return {"memory-map", "What is where",
            "Counted. On chip: the stage with the most, if activations cross its borders only.",
            std::move(map)};
  }

  void add_bounds(const BoardAnalysis& analysis) {
    Table table = table_of({"stage", "G MAC", "MB", "MAC/byte", "compute ms", "memory ms",
                            "at least ms", "% of time", "bound by", "fusion"},
                           {"bound by", "fusion"});
    const auto add = [&](const std::string& name, const Load& load, double compute, double memory,
                         double seconds, const std::string& limit, const std::string& fusion) {
      table.add_row({name, number(load.macs(), 1e9), mega(load.bytes()),
                     number(load.intensity(), 1, 1), milliseconds(compute), milliseconds(memory),
                     milliseconds(seconds), percent(seconds, analysis.bound.seconds), limit,
                     fusion});
    };
    double compute = 0, memory = 0;
    for (const StageBound& stage : analysis.bound.stages) {
      const Bound& bound = stage.bound;
      compute += bound.compute_seconds;
      memory += bound.memory_seconds;
      add(stage_name(stage.phase, stage.stage), bound.load, bound.compute_seconds,
          bound.memory_seconds, bound.seconds(), limit_of(bound), name_of(stage.fusion));
    }
    add("all", analysis.bound.load, compute, memory, analysis.bound.seconds, "", "");
    const Roof& roof = analysis.setting.roof;
    report_.sections.push_back(
        {fmt::format("Bounds on {} at {:g} MHz", analysis.board.name, roof.clock_mhz),
         {ReportTable{
             "bounds",
             fmt::format("A batch of {}, stages one after the other (modelled, from below): every "
                         "DSP busy in every cycle, {} at {:.1f} GB/s, both at once",
                         model_.batch, roof.memory, roof.bandwidth / 1e9),
             std::move(table)}}});
    if (!is_full()) return;
    auto& blocks = report_.sections.back().blocks;
    blocks.emplace_back(latency_bars(analysis));
    blocks.emplace_back(stage_roofline(analysis));
    blocks.emplace_back(operator_roofline(analysis));
  }

  report::Figure latency_bars(const BoardAnalysis& analysis) const {
    report::BarChart chart{.axis = {"time [ms]", report::Scale::kLinear},
                           .layout = report::BarLayout::kGrouped,
                           .series = {"multipliers", "memory"},
                           .bars = {}};
    for (const StageBound& stage : analysis.bound.stages) {
      chart.bars.push_back(
          {stage_name(stage.phase, stage.stage),
           {{0, stage.bound.compute_seconds * 1e3}, {1, stage.bound.memory_seconds * 1e3}}});
    }
    return {"latency", "Where the time goes", "Modelled. Each stage takes the longer of both.",
            std::move(chart)};
  }

  /// The precisions that the board has rules for, each with its setting.
  std::vector<Setting> settings(const BoardAnalysis& analysis) const {
    std::vector<Setting> all;
    for (const Variant& variant : analysis.precisions) {
      if (variant.batch != 1 || !variant.seconds_per_request) continue;
      Setting setting = analysis.setting;
      setting.precision = find_precision(variant.name);
      setting.roof = roof_of(analysis.board, setting.precision, setting.roof.clock_mhz);
      all.push_back(std::move(setting));
    }
    return all;
  }

  report::Roofline empty_roofline(const BoardAnalysis& analysis,
                                  const std::vector<Setting>& all) const {
    report::Roofline chart;
    chart.intensity_title = "intensity [MAC/byte]";
    chart.rate_title = "rate [G MAC/s]";
    const Roof& roof = analysis.setting.roof;
    chart.memory_roofs.push_back(
        {fmt::format("{} {:.0f} GB/s", roof.memory, roof.bandwidth / 1e9), roof.bandwidth / 1e9});
    for (const Setting& setting : all) {
      chart.compute_roofs.push_back({fmt::format("{} multipliers", setting.precision.name),
                                     setting.roof.linear_rate / 1e9, chart.series.size()});
      chart.series.push_back(setting.precision.name);
    }
    return chart;
  }

  static void add_point(report::Roofline& chart, const std::string& label, const Bound& bound,
                        std::size_t series, std::size_t group) {
    if (bound.load.macs() == 0 || bound.load.bytes() == 0) return;
    chart.points.push_back(
        {label, bound.load.intensity(), bound.load.macs() / bound.seconds() / 1e9, series, group});
  }

  report::Figure stage_roofline(const BoardAnalysis& analysis) const {
    const std::vector<Setting> all = settings(analysis);
    report::Roofline chart = empty_roofline(analysis, all);
    chart.groups = {"stages"};
    for (std::size_t i = 0; i < all.size(); ++i) {
      for (const StageBound& stage : bound_of(work_, all[i]).stages) {
        add_point(chart, stage_name(stage.phase, stage.stage), stage.bound, i, 0);
      }
    }
    return {"roofline-stages", "Stages under the roof",
            fmt::format("Modelled. Activations cross at {}; batch {}.",
                        name_of(analysis.setting.fusion), model_.batch),
            std::move(chart)};
  }

  report::Figure operator_roofline(const BoardAnalysis& analysis) const {
    const std::vector<Setting> all = settings(analysis);
    report::Roofline chart = empty_roofline(analysis, all);
    std::vector<std::string> names;
    for_each_stage(
        [&](std::size_t p, std::size_t s, const StageWork&) { names.push_back(stage_name(p, s)); });
    chart.groups = names;
    for (std::size_t i = 0; i < all.size(); ++i) {
      for (const PartBound& part : bounds_of_parts(work_, all[i], any_layer_of)) {
        const auto group = std::ranges::find(names, stage_name(part.phase, part.part.stage));
        add_point(chart, part_name(part), part.bound, i,
                  static_cast<std::size_t>(group - names.begin()));
      }
    }
    return {"roofline-operators", "Operators under the roof",
            "Modelled. Each by itself: it reads its activations from memory and writes them there.",
            std::move(chart)};
  }

  Table parts_table(std::vector<PartBound> parts, bool is_short) const {
    Table table = table_of({"what", "stage", "runs", "G MAC", "weights MB", "activations MB",
                            "MAC/byte", "at least ms", "bound by"},
                           {"stage", "bound by"});
    if (is_short) {
      std::ranges::sort(parts, {}, [](const PartBound& part) {
        return std::tuple(-part.bound.seconds(), part.phase, part.part.name);
      });
      parts.resize(std::min(parts.size(), kMostInTerminal));
    }
    for (const PartBound& part : parts) {
      const Bound& bound = part.bound;
      table.add_row({part_name(part), stage_name(part.phase, part.part.stage),
                     std::to_string(part.part.runs * work_.phases[part.phase].runs),
                     number(bound.load.macs(), 1e9), mega(bound.load.weight_bytes),
                     mega(bound.load.activation_bytes), number(bound.load.intensity(), 1, 1),
                     milliseconds(bound.seconds()), limit_of(bound)});
    }
    return table;
  }

  void add_parts(const BoardAnalysis& analysis) {
    const std::string alone =
        "each by itself, reading its activations from memory and writing them there (modelled)";
    report::Section section{
        "Operators",
        {ReportTable{"operators",
                     is_full() ? "Operators, " + alone
                               : fmt::format("The {} operators that take longest, {}",
                                             kMostInTerminal, alone),
                     parts_table(analysis.operators, !is_full())}}};
    if (is_full()) {
      section.blocks.emplace_back(ReportTable{"layers", "Layers, their operators " + alone,
                                              parts_table(analysis.layers, false)});
    }
    report_.sections.push_back(std::move(section));
  }

  void add_pipeline(const BoardAnalysis& analysis) {
    if (!analysis.pipeline) return;
    const Pipeline& pipeline = *analysis.pipeline;
    const Roof& roof = analysis.setting.roof;
    Table table = table_of({"stage", "DSPs", "% of DSPs", "compute ms"});
    report::BarChart chart{.axis = {"DSPs", report::Scale::kLinear},
                           .layout = report::BarLayout::kGrouped,
                           .series = {"DSPs"},
                           .bars = {}};
    for (std::size_t i = 0; i < analysis.bound.stages.size(); ++i) {
      const StageBound& stage = analysis.bound.stages[i];
      const auto dsps = static_cast<double>(pipeline.dsps[i]);
      if (dsps == 0) continue;
      const std::string name = stage_name(stage.phase, stage.stage);
      table.add_row({name, std::to_string(pipeline.dsps[i]), percent(dsps, roof.dsps),
                     milliseconds(stage.bound.compute_seconds * roof.dsps / dsps)});
      chart.bars.push_back({name, {{0, dsps}}});
    }
    const double rate = static_cast<double>(model_.batch) / pipeline.interval();
    report::Section section{
        "All stages side by side",
        {fmt::format("At least {} ms from one request to the next: at most {:.2f} requests a "
                     "second, each {} ms in {} stages (modelled); DSPs {:.1f} % busy; bound by {}.",
                     milliseconds(pipeline.interval()), rate, milliseconds(pipeline.latency()),
                     pipeline.depth, 100 * pipeline.busy,
                     pipeline.compute_seconds >= pipeline.memory_seconds ? "compute" : "memory"),
         ReportTable{"pipeline",
                     "The DSPs that each stage should have, as whole numbers (modelled)",
                     std::move(table)}}};
    if (is_full()) {
      section.blocks.emplace_back(
          report::Figure{"balance", "The DSPs that each stage should have",
                         "Modelled. The slowest stage is as fast as can be.", std::move(chart)});
    }
    report_.sections.push_back(std::move(section));
  }

  void add_array(const BoardAnalysis& analysis) {
    const ArrayPlan& array = analysis.array;
    const double clock = analysis.setting.roof.clock_mhz * 1e6;
    Table table = table_of({"stage", "M cycles", "ms", "% busy", "passing MB", "passing GB/s"});
    const auto add = [&](const std::string& name, const ArrayRun& run) {
      table.add_row({name, number(run.cycles, 1e6), milliseconds(run.cycles / clock),
                     percent(run.busy(array.shape), 1), mega(run.passing_bytes),
                     number(run.passing_bytes / run.cycles * clock, 1e9, 1)});
    };
    for (const ArrayUse& use : array.stages) add(stage_name(use.phase, use.stage), use.run);
    if (array.stages.size() > 1) add("all", array.all);
    const Resources& has = analysis.board.resources;
    report_.sections.push_back(
        {fmt::format("One array of {} x {} multipliers", array.shape.rows, array.shape.width),
         {fmt::format(
              "{:.0f} of {:.0f} DSPs. The tile: {} banks, one a row, of {} words of {} bits (the "
              "deepest product has {} elements, and one tile is filled while the other is used); "
              "in each cycle {} words are read: {:g} of {:.0f} BRAM36, or {} of {:.0f} URAM. A "
              "word of {} weights a cycle takes {} channels of {}.",
              array.dsps, has[Resource::kDsp], array.tile.banks, array.tile.words, array.tile.bits,
              array.all.inner, array.tile.banks, array.tile.bram36, has[Resource::kBram36],
              array.tile.uram, has[Resource::kUram], array.shape.width, array.channels,
              analysis.setting.roof.memory),
          ReportTable{"array",
                      "A tile of rows stays while the other operand passes by, a word a cycle, "
                      "again for each tile (modelled)",
                      std::move(table)}}});
  }

  static std::string seconds_text(const Variant& variant) {
    return variant.seconds_per_request ? milliseconds(*variant.seconds_per_request) : "no rule";
  }

  Table precisions_table(const BoardAnalysis& analysis) const {
    std::vector<std::string> titles = {"precision", "weights MB"};
    const std::string& first = analysis.precisions.front().name;
    for (const Variant& variant : analysis.precisions) {
      if (variant.name == first) titles.push_back(fmt::format("batch {} ms", variant.batch));
    }
    Table table = table_of(titles);
    std::vector<std::string> cells;
    for (const Variant& variant : analysis.precisions) {
      if (cells.empty()) cells = {variant.name, mega(variant.weight_bytes)};
      cells.push_back(seconds_text(variant) + (variant.fits ? "" : " *"));
      if (cells.size() < titles.size()) continue;
      table.add_row(std::move(cells));
      cells.clear();
    }
    return table;
  }

  void add_variants(const BoardAnalysis& analysis) {
    Table fusions = table_of({"activations cross at", "ms a request"});
    for (const Variant& variant : analysis.fusions) {
      fusions.add_row({variant.name, seconds_text(variant)});
    }
    Table boards = table_of({"board", "MHz", "ms a request", "memory"}, {"memory"});
    for (const Variant& variant : analysis.boards) {
      boards.add_row({variant.name, fmt::format("{:g}", variant.clock_mhz), seconds_text(variant),
                      variant.fits ? "fits" : "too small"});
    }
    report::Section section{
        "What choices change",
        {ReportTable{"precisions",
                     "At least, in ms a request (modelled). *: more than the memory holds",
                     precisions_table(analysis)},
         ReportTable{"fusions", fmt::format("At a batch of {} (modelled)", model_.batch),
                     std::move(fusions)},
         ReportTable{"boards",
                     fmt::format("{} at a batch of {}, each board at its assumed clock (modelled)",
                                 precision_.name, model_.batch),
                     std::move(boards)}}};
    if (is_full()) section.blocks.emplace_back(batch_lines(analysis));
    report_.sections.push_back(std::move(section));
  }

  static report::Figure batch_lines(const BoardAnalysis& analysis) {
    report::LineChart chart{.x = {"batch [requests]", report::Scale::kLog},
                            .y = {"time [ms a request]", report::Scale::kLog},
                            .lines = {}};
    for (const Variant& variant : analysis.precisions) {
      if (!variant.seconds_per_request) continue;
      if (chart.lines.empty() || chart.lines.back().name != variant.name) {
        chart.lines.push_back({variant.name, {}, true});
      }
      chart.lines.back().points.push_back(
          {static_cast<double>(variant.batch), *variant.seconds_per_request * 1e3, ""});
    }
    return {"batches", "Precision and batch",
            "Modelled. Requests of a batch share each reading of the weights.", std::move(chart)};
  }

  const AnalysedModel& model_;
  const ModelWork& work_;
  const Precision& precision_;
  Detail detail_;
  report::Report report_;
};

}  // namespace

report::Report report_of(const AnalysedModel& model, Detail detail) {
  return Writer(model, detail).run();
}

}  // namespace heddle
