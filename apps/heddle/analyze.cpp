// heddle analyze: what a model's work is, and takes at the least on a board, from its config.json.
#include "apps/heddle/analyze.h"

#include <fmt/core.h>

#include <charconv>

#include "apps/heddle/output.h"
#include "apps/heddle/verbs.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "model/registry.h"
#include "report/files.h"
#include "report/html.h"

namespace heddle {
namespace {

struct Options {
  std::string config;
  WorkloadOptions workload;
  std::optional<std::string> board;
  std::string precision = "w8a8";
  std::optional<double> clock_mhz;
  std::int64_t batch = 1;
  std::string fusion = "stages";
  std::string array = "64x64";
  bool json = false;
  std::string csv;
  std::string svg;
  std::string page;
};

/// "64x32": rows and width.
cost::ArrayShape read_array(const std::string& text) {
  constexpr std::int64_t kMost = 1 << 16;
  cost::ArrayShape shape;
  const char* end = text.data() + text.size();
  const auto rows = std::from_chars(text.data(), end, shape.rows);
  if (rows.ec == std::errc() && rows.ptr != end && *rows.ptr == 'x') {
    const auto width = std::from_chars(rows.ptr + 1, end, shape.width);
    const bool is_read = width.ec == std::errc() && width.ptr == end;
    const auto fits = [](std::int64_t extent) { return extent >= 1 && extent <= kMost; };
    if (is_read && fits(shape.rows) && fits(shape.width)) return shape;
  }
  throw UserError(fmt::format("--array {}: not an array of multipliers", quote(text)),
                  fmt::format("give rows and width, each from 1 to {}, such as 64x64", kMost));
}

void check_batch(std::int64_t batch) {
  constexpr std::int64_t kMost = 1 << 20;
  if (batch >= 1 && batch <= kMost) return;
  throw UserError(fmt::format("a batch of {} requests", batch),
                  fmt::format("give a number from 1 to {}", kMost));
}

/// Throws UserError unless the folder is there.
void check_folder(const char* option, const std::string& folder) {
  std::error_code ignored;
  if (folder.empty() || std::filesystem::is_directory(folder, ignored)) return;
  throw UserError(fmt::format("{} {}: there is no such folder", option, quote(folder)),
                  "make it first, or name one that is there");
}

AnalysedModel analyse(const Options& options) {
  check_batch(options.batch);
  check_folder("--csv", options.csv);
  check_folder("--svg", options.svg);
  AnalysedModel model;
  model.precision = cost::find_precision(options.precision);
  model.batch = options.batch;
  const cost::Fusion fusion = cost::find_fusion(options.fusion);
  const cost::ArrayShape array = read_array(options.array);
  std::optional<Board> board;
  if (options.board) board = find_board(*options.board);
  model.workload = workload(options.config, options.workload);
  model.work = cost::count(model.workload);
  if (board) {
    model.board =
        cost::analyse(model.work, *board, model.precision,
                      options.clock_mhz.value_or(board->clock_mhz), options.batch, fusion, array);
  }
  return model;
}

std::string text_of(const report::Report& report) {
  std::string text = report.title + "\n";
  for (const report::Fact& fact : report.facts) {
    text += fmt::format("{}: {}\n", fact.name, fact.value);
  }
  for (const report::Section& section : report.sections) {
    text += fmt::format("\n== {}\n", section.heading);
    for (const report::Block& block : section.blocks) {
      if (const auto* words = std::get_if<report::Paragraph>(&block)) text += "\n" + *words + "\n";
      const auto* table = std::get_if<report::ReportTable>(&block);
      if (table != nullptr) {
        text += fmt::format("\n{}\n{}", table->caption, table->table.to_string());
      }
    }
  }
  return text;
}

void write(const AnalysedModel& model, const Options& options) {
  if (options.csv.empty() && options.svg.empty() && options.page.empty()) return;
  const report::Report report = report_of(model, Detail::kFull);
  if (!options.csv.empty()) report::write_tables(report, options.csv);
  if (!options.svg.empty()) report::write_charts(report, options.svg);
  if (!options.page.empty()) write_file(options.page, report::html(report));
}

void add_request_options(CLI::App& verb, WorkloadOptions& workload) {
  verb.add_option("--cameras", workload.cameras, "Pictures of a request");
  verb.add_option("--steps", workload.steps, "Denoising steps");
  verb.add_option("--tokens", workload.tokens, "Text tokens of a request");
  verb.add_option("--context", workload.context, "Tokens that a decoded one sees, itself included");
  verb.add_flag("--dead-code", workload.dead_code,
                "Also what the reference computes though no answer depends on it");
}

}  // namespace

void add_analyze(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand(
      "analyze", "What a model's work is, and takes at the least on a board, from its config.json");
  verb->add_option("CONFIG", options->config, "A config.json, or the folder that holds it")
      ->required();
  add_request_options(*verb, options->workload);
  verb->add_option("--precision", options->precision, "f32, bf16, w8a8 or w4a8")
      ->capture_default_str();
  verb->add_option("--batch", options->batch, "Requests that share each reading of the weights")
      ->capture_default_str();
  CLI::Option* board =
      verb->add_option("--board", options->board, "A name from `heddle board list`, or a file");
  verb->add_option("--clock", options->clock_mhz, "MHz; the board's own unless given")
      ->needs(board);
  verb->add_option("--fusion", options->fusion,
                   "Activations that cross the memory's border: those of operators, chains or "
                   "stages")
      ->capture_default_str()
      ->needs(board);
  verb->add_option("--array", options->array,
                   "Rows x width of an array of multipliers to look at the needs of")
      ->capture_default_str()
      ->needs(board);
  verb->add_flag("--json", options->json, "Print one JSON object (docs/analysis.md)");
  verb->add_option("--csv", options->csv, "Write each table into this folder");
  verb->add_option("--svg", options->svg, "Write each chart into this folder");
  verb->add_option("--report", options->page, "Write an HTML page with all tables and charts");
  verb->callback([options] {
    const AnalysedModel model = analyse(*options);
    write(model, *options);
    print_out(options->json ? to_json(model).dump(2) + '\n'
                            : text_of(report_of(model, Detail::kShort)));
  });
}

}  // namespace heddle
