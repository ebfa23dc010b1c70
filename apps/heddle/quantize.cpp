// heddle quantize: a float checkpoint folder becomes a quantised one.
#include "apps/heddle/arguments.h"
#include "apps/heddle/calibration.h"
#include "apps/heddle/output.h"
#include "apps/heddle/verbs.h"
#include "base/error.h"
#include "base/json.h"
#include "base/staged_folder.h"
#include "base/table.h"
#include "engine/quant/quantise.h"
#include "model/registry.h"

namespace heddle {
namespace {

namespace fs = std::filesystem;

struct QuantizeOptions {
  std::string directory;
  QuantisationOptions quantisation;
  std::string calibrate;
  std::string output;
  std::string tokenizer;
  int threads = default_threads();
  bool force = false;
  bool json = false;
};

/// Everything in the folder but its weights; a policy's configuration, tokenizer and statistics.
/// Throws fs::filesystem_error.
void copy_rest(const fs::path& from, const fs::path& to, const SafeTensors& weights) {
  std::vector<fs::path> left_out = {weights.path()};
  for (const std::string& name : weights.names()) {
    if (weights.file_of(name) != left_out.back()) left_out.push_back(weights.file_of(name));
  }
  for (const auto& entry : fs::recursive_directory_iterator(from)) {
    if (!entry.is_regular_file()) continue;
    const bool is_weights =
        std::any_of(left_out.begin(), left_out.end(), [&](const fs::path& path) {
          std::error_code ignored;
          return fs::equivalent(path, entry.path(), ignored);
        });
    const std::string name = entry.path().filename().string();
    if (is_weights || name.ends_with(".safetensors.index.json")) continue;
    const fs::path target = to / entry.path().lexically_relative(from);
    fs::create_directories(target.parent_path());
    fs::copy_file(entry.path(), target);
  }
}

std::string report_table(const QuantisationReport& report) {
  Table table({{"weight", Align::kLeft},
               {"bits", Align::kRight},
               {"least scale", Align::kRight},
               {"greatest", Align::kRight},
               {"clipped", Align::kRight},
               {"SNR dB", Align::kRight}});
  for (const WeightReport& weight : report.weights) {
    table.add_row({weight.name, std::to_string(weight.bits),
                   fmt::format("{:.3g}", weight.least_scale),
                   fmt::format("{:.3g}", weight.greatest_scale),
                   fmt::format("{:.2f} %", 100 * weight.clipped),
                   fmt::format("{:.1f}", weight.signal_to_noise)});
  }
  return table.to_string();
}

std::string as_json(const QuantisationReport& report, const std::string& folder) {
  Json json = {{"folder", folder}, {"weights", Json::array()}};
  for (const WeightReport& weight : report.weights) {
    json["weights"].push_back({{"name", weight.name},
                               {"bits", weight.bits},
                               {"least_scale", weight.least_scale},
                               {"greatest_scale", weight.greatest_scale},
                               {"clipped", weight.clipped},
                               {"signal_to_noise_db", weight.signal_to_noise}});
  }
  return json.dump() + '\n';
}

/// Throws UserError for folders that must not be read or written.
void check_folders(const QuantizeOptions& options) {
  if (is_quantised(options.directory)) {
    throw UserError(fmt::format("{} is quantised already", options.directory),
                    "quantise the float checkpoint that it was made from");
  }
  std::error_code ignored;
  const fs::path inside = fs::weakly_canonical(fs::absolute(options.output), ignored)
                              .lexically_relative(fs::weakly_canonical(options.directory, ignored));
  if (!inside.empty() && *inside.begin() != "..") {
    throw UserError(
        fmt::format("{} lies in {}, which is copied into it", options.output, options.directory),
        "choose a folder outside of the checkpoint");
  }
  const bool is_occupied =
      fs::is_directory(options.output, ignored) && !fs::is_empty(options.output, ignored);
  if (options.force && is_occupied && !is_quantised(options.output)) {
    throw UserError(fmt::format("{} is not a quantised checkpoint", options.output),
                    "--force replaces nothing else: choose another folder, or remove that one "
                    "yourself");
  }
}

void run(const QuantizeOptions& options) {
  check_folders(options);
  ThreadPool pool(options.threads);
  PolicyOptions policy_options;
  if (!options.tokenizer.empty()) policy_options.tokenizer = options.tokenizer;
  const std::unique_ptr<Policy> policy = open_policy(options.directory, policy_options);
  std::optional<fs::path> pictures;
  if (!options.calibrate.empty()) pictures = options.calibrate;
  const std::vector<PolicyRequest> requests = calibration_requests(policy->info(), pictures);
  StagedFolder folder(options.output, options.force);

  ValueStatistics statistics;
  Graph graph;
  {
    FloatWeights weights(policy->weights(), FloatPrecision::kF32, pool);
    for (const PolicyRequest& request : requests) {
      graph = policy->graph(policy->shape(request));
      statistics.observe(graph, weights, pool, policy->inputs(request));
    }
  }
  const QuantisationReport report =
      quantise(graph, policy->weights(), statistics, options.quantisation, pool, folder.path());
  try {
    copy_rest(options.directory, folder.path(), policy->weights());
  } catch (const fs::filesystem_error& error) {
    throw UserError(fmt::format("cannot copy {} to {}: {}", error.path1().string(), options.output,
                                error.code().message()),
                    "check that you may read it and that the disk is not full");
  }
  folder.commit();
  print_out(options.json ? as_json(report, options.output)
                         : fmt::format("{}\nwrote {}\n", report_table(report), options.output));
}

}  // namespace

void add_quantize(CLI::App& app) {
  auto options = std::make_shared<QuantizeOptions>();
  CLI::App* verb =
      app.add_subcommand("quantize", "Round a float checkpoint's weights to 8 or 4 bits");
  verb->footer(
      "The folder that it makes is run and inspected like the one it was made from; its "
      "arithmetic\n"
      "is exact and the same everywhere (docs/arithmetic.md). Without --calibrate the sizes of\n"
      "values are measured on made-up pictures, states and instructions.\n\n"
      "Example:\n"
      "  heddle quantize policy -o policy-w8a8\n"
      "  heddle quantize policy --weights 4 --calibrate pictures -o policy-w4a8\n\n"
      "--json prints one object: folder, weights (name, bits, least_scale, greatest_scale, "
      "clipped,\n"
      "signal_to_noise_db).");
  verb->add_option("directory", options->directory, "Folder of a float checkpoint")->required();
  verb->add_option("--weights", options->quantisation.weight_bits, "Bits of a weight: 8 or 4")
      ->check(CLI::IsMember({8, 4}))
      ->capture_default_str();
  verb->add_option("--group", options->quantisation.group,
                   "Neighbouring 4-bit weights that share a step")
      ->check(CLI::IsMember({32, 64, 128}))
      ->capture_default_str();
  verb->add_option("--smoothing", options->quantisation.smoothing,
                   "How far outliers move from activations into weights: 0 not at all, 1 wholly")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  verb->add_option("--calibrate", options->calibrate,
                   "Folder of pictures, and of .txt files with instructions");
  verb->add_option("--tokenizer", options->tokenizer, "A tokenizer.json to use");
  add_threads_option(*verb, options->threads);
  verb->add_option("-o,--output", options->output, "The folder to make")->required();
  verb->add_flag("--force", options->force,
                 "Replace the folder if it holds a quantised checkpoint");
  verb->add_flag("--json", options->json, "Print one JSON object instead of a table");
  verb->callback([options] { run(*options); });
}

}  // namespace heddle
