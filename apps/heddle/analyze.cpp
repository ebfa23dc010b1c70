// heddle analyze: what a model's work takes at the least on a board, from its config.json alone.
#include <fmt/core.h>

#include <algorithm>

#include "apps/heddle/output.h"
#include "apps/heddle/verbs.h"
#include "base/error.h"
#include "base/table.h"
#include "cost/roofline.h"
#include "model/registry.h"

namespace heddle {
namespace {

constexpr std::int64_t kMostRequests = 1 << 20;

struct Options {
  std::string config;
  WorkloadOptions workload;
  std::string board;
  std::string precision = "w8a8";
  std::optional<double> clock_mhz;
  std::int64_t batch = 1;
  bool unfused = false;
  bool json = false;
};

/// A stage of a phase, counted and bounded.
struct Row {
  std::string name;
  StageWork stage;
  Bound bound;
};

struct Analysis {
  Workload workload;
  Board board;
  Precision precision;
  double clock_mhz = 0;
  Roof roof;
  Fusion fusion{};
  std::int64_t batch = 1;
  std::vector<Row> rows;
  std::int64_t peak_activations = 0;  ///< elements

  [[nodiscard]] Bound total() const {
    Bound sum;
    for (const Row& row : rows) {
      sum.macs += row.bound.macs;
      sum.weight_bytes += row.bound.weight_bytes;
      sum.activation_bytes += row.bound.activation_bytes;
      sum.compute_seconds += row.bound.compute_seconds;
      sum.memory_seconds += row.bound.memory_seconds;
    }
    return sum;
  }
  /// Stages one after the other, each at its own bound.
  [[nodiscard]] double seconds() const {
    double sum = 0;
    for (const Row& row : rows) sum += row.bound.seconds();
    return sum;
  }
};

StageWork times(StageWork stage, std::int64_t runs) {
  stage.work.macs *= runs;
  stage.work.visible_macs *= runs;
  stage.work.weights *= runs;
  stage.work.read *= runs;
  stage.work.written *= runs;
  stage.received *= runs;
  stage.sent *= runs;
  return stage;
}

void bound_rows(Analysis& analysis) {
  for (Row& row : analysis.rows) {
    row.bound =
        bound_of(row.stage, analysis.roof, analysis.precision, analysis.batch, analysis.fusion);
  }
}

Analysis analyse(const Options& options) {
  if (options.batch < 1 || options.batch > kMostRequests) {
    throw UserError(fmt::format("a batch of {} requests", options.batch),
                    fmt::format("give a number from 1 to {}", kMostRequests));
  }
  Analysis analysis;
  analysis.precision = find_precision(options.precision);
  analysis.board = find_board(options.board);
  analysis.clock_mhz = options.clock_mhz.value_or(analysis.board.clock_mhz);
  analysis.roof = roof_of(analysis.board, analysis.precision, analysis.clock_mhz);
  analysis.fusion = options.unfused ? Fusion::kOperators : Fusion::kStages;
  analysis.batch = options.batch;
  analysis.workload = workload(options.config, options.workload);
  for (const Phase& phase : analysis.workload.phases) {
    for (const StageWork& stage : work_of_stages(phase.graph)) {
      const bool is_only = analysis.workload.phases.size() == 1;
      analysis.rows.push_back(
          {is_only ? stage.name : phase.name + " " + stage.name, times(stage, phase.runs), {}});
    }
    analysis.peak_activations = std::max(analysis.peak_activations, peak_activations(phase.graph));
  }
  bound_rows(analysis);
  return analysis;
}

/// The same at another precision or batch; nothing where the board has no rule for it.
std::optional<Analysis> varied(Analysis analysis, const Precision& precision, std::int64_t batch) {
  try {
    analysis.roof = roof_of(analysis.board, precision, analysis.clock_mhz);
  } catch (const UserError&) {
    return std::nullopt;
  }
  analysis.precision = precision;
  analysis.batch = batch;
  bound_rows(analysis);
  return analysis;
}

const char* bound_name(const Bound& bound) {
  return bound.is_compute_bound() ? "compute" : "memory";
}

Json to_json(const Bound& bound) {
  return {{"macs", bound.macs},
          {"weight_bytes", bound.weight_bytes},
          {"activation_bytes", bound.activation_bytes},
          {"macs_per_byte", bound.intensity()},
          {"compute_ms", bound.compute_seconds * 1e3},
          {"memory_ms", bound.memory_seconds * 1e3}};
}

Json to_json(const Analysis& analysis) {
  Json facts = Json::object();
  for (const auto& [name, value] : analysis.workload.facts) facts[name] = value;
  Json stages = Json::array();
  for (const Row& row : analysis.rows) {
    Json one = to_json(row.bound);
    one["name"] = row.name;
    one["visible_macs"] = row.stage.work.visible_macs;
    one["weights"] = row.stage.work.weights;
    one["received"] = row.stage.received;
    one["sent"] = row.stage.sent;
    one["ms"] = row.bound.seconds() * 1e3;
    one["bound_by"] = bound_name(row.bound);
    stages.push_back(std::move(one));
  }
  Json total = to_json(analysis.total());
  total["ms"] = analysis.seconds() * 1e3;
  return {{"model", analysis.workload.model},
          {"facts", facts},
          {"parameters", analysis.workload.parameters},
          {"board", analysis.board.name},
          {"clock_mhz", analysis.clock_mhz},
          {"precision", analysis.precision.name},
          {"batch", analysis.batch},
          {"roof",
           {{"macs_per_second", analysis.roof.macs_per_second},
            {"bytes_per_second", analysis.roof.bytes_per_second},
            {"memory", analysis.roof.memory},
            {"ridge_macs_per_byte", analysis.roof.ridge()}}},
          {"stages", stages},
          {"total", total},
          {"peak_activations", analysis.peak_activations}};
}

std::string stages_table(const Analysis& analysis) {
  Table table({{"stage", Align::kLeft},
               {"G MAC", Align::kRight},
               {"weights MB", Align::kRight},
               {"activations MB", Align::kRight},
               {"MAC/byte", Align::kRight},
               {"compute ms", Align::kRight},
               {"memory ms", Align::kRight},
               {"at least ms", Align::kRight},
               {"of time", Align::kRight},
               {"of DSPs", Align::kRight},
               {"bound by", Align::kLeft}});
  const Bound total = analysis.total();
  const double seconds = analysis.seconds();
  const auto add = [&](const std::string& name, const Bound& bound, double own,
                       const std::string& limit) {
    table.add_row({name, fmt::format("{:.3f}", bound.macs / 1e9),
                   fmt::format("{:.2f}", bound.weight_bytes / 1e6),
                   fmt::format("{:.2f}", bound.activation_bytes / 1e6),
                   fmt::format("{:.1f}", bound.intensity()),
                   fmt::format("{:.3f}", bound.compute_seconds * 1e3),
                   fmt::format("{:.3f}", bound.memory_seconds * 1e3),
                   fmt::format("{:.3f}", own * 1e3), fmt::format("{:.1f} %", 100 * own / seconds),
                   fmt::format("{:.1f} %", 100 * bound.macs / total.macs), limit});
  };
  for (const Row& row : analysis.rows) {
    add(row.name, row.bound, row.bound.seconds(), bound_name(row.bound));
  }
  add("all", total, seconds, "");
  return table.to_string();
}

std::string sweep_table(const Analysis& analysis) {
  static constexpr std::array<std::int64_t, 4> kBatches = {1, 4, 16, 64};
  std::vector<Column> columns = {{"precision", Align::kLeft}, {"weights MB", Align::kRight}};
  for (const std::int64_t batch : kBatches) {
    columns.push_back({fmt::format("batch {} ms", batch), Align::kRight});
  }
  Table table(columns);
  for (const Precision& precision : precisions()) {
    std::vector<std::string> cells = {precision.name};
    for (const std::int64_t batch : kBatches) {
      const std::optional<Analysis> other = varied(analysis, precision, batch);
      if (cells.size() == 1) {
        cells.push_back(other ? fmt::format("{:.1f}", other->total().weight_bytes / 1e6) : "-");
      }
      cells.push_back(
          other ? fmt::format("{:.2f}", other->seconds() * 1e3 / static_cast<double>(batch))
                : "no rule");
    }
    table.add_row(std::move(cells));
  }
  return table.to_string();
}

std::string to_text(const Analysis& analysis) {
  std::string facts;
  for (const auto& [name, value] : analysis.workload.facts) {
    facts += fmt::format("{}{} {}", facts.empty() ? "" : ", ", value, name);
  }
  const double bits = analysis.precision.activation_bits;
  return fmt::format(
      "{}: {}; {} parameters\n"
      "{} at {:g} MHz (assumed), {}: {:.3f} T MAC/s, {:.1f} GB/s of {}; both take the same time at "
      "{:.1f} MAC/byte\n\n{}\n"
      "G MAC and MB are counted, times modelled: bounds from below, stages one after the other, "
      "{}.\n"
      "\"of DSPs\": what a mapping that runs all stages side by side should give each.\n"
      "The most activations needed at once: {:.2f} MB.\n\n"
      "At least, in milliseconds a request (modelled)\n{}",
      analysis.workload.model, facts, analysis.workload.parameters, analysis.board.name,
      analysis.clock_mhz, analysis.precision.name, analysis.roof.macs_per_second / 1e12,
      analysis.roof.bytes_per_second / 1e9, analysis.roof.memory, analysis.roof.ridge(),
      stages_table(analysis),
      analysis.fusion == Fusion::kStages ? "activations on chip within a stage"
                                         : "every operator reading and writing its activations",
      static_cast<double>(analysis.peak_activations) * bits / 8e6, sweep_table(analysis));
}

}  // namespace

void add_analyze(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand(
      "analyze", "What a model's work takes at the least on a board, from its config.json alone");
  verb->add_option("CONFIG", options->config, "A config.json, or the folder that holds it")
      ->required();
  verb->add_option("--board", options->board, "A name from `heddle board list`, or a file")
      ->required();
  verb->add_option("--clock", options->clock_mhz, "MHz; the board's own unless given");
  verb->add_option("--precision", options->precision, "f32, bf16, w8a8 or w4a8")
      ->capture_default_str();
  verb->add_option("--batch", options->batch, "Requests that share each reading of the weights")
      ->capture_default_str();
  verb->add_option("--cameras", options->workload.cameras, "Pictures of a request");
  verb->add_option("--steps", options->workload.steps, "Denoising steps");
  verb->add_option("--tokens", options->workload.tokens, "Text tokens of a request");
  verb->add_option("--context", options->workload.context,
                   "Tokens that a decoded one sees, itself included");
  verb->add_flag("--dead-code", options->workload.dead_code,
                 "Also what the reference computes though no answer depends on it");
  verb->add_flag("--unfused", options->unfused,
                 "Every operator reads its activations from memory and writes them there");
  verb->add_flag("--json", options->json, "Print one JSON object (docs/analysis.md)");
  verb->callback([options] {
    const Analysis analysis = analyse(*options);
    print_out(options->json ? to_json(analysis).dump(2) + '\n' : to_text(analysis));
  });
}

}  // namespace heddle
