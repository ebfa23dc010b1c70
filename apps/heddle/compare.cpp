// heddle compare: how far one checkpoint's values are from another's, stage by stage.
#include <cmath>

#include "apps/heddle/arguments.h"
#include "apps/heddle/output.h"
#include "apps/heddle/policy_engine.h"
#include "apps/heddle/request_options.h"
#include "apps/heddle/verbs.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/table.h"
#include "report/svg.h"

namespace heddle {
namespace {

struct CompareOptions {
  std::string first;
  std::string second;
  RequestOptions request;
  int threads = default_threads();
  std::string svg;
  bool json = false;
};

/// How far `found` is from `expected`.
struct Difference {
  std::string name;
  double signal_to_noise = 0;  ///< dB; infinite if equal
  double cosine = 1;
  double greatest_error = 0;
};

Difference difference(const std::string& name, const Tensor& expected, const Tensor& found) {
  const std::span<const float> a = expected.floats();
  const std::span<const float> b = found.floats();
  double aa = 0;
  double bb = 0;
  double ab = 0;
  double noise = 0;
  Difference result{.name = name};
  for (std::size_t i = 0; i < a.size(); ++i) {
    aa += double{a[i]} * a[i];
    bb += double{b[i]} * b[i];
    ab += double{a[i]} * b[i];
    const double error = double{b[i]} - a[i];
    noise += error * error;
    result.greatest_error = std::max(result.greatest_error, std::abs(error));
  }
  result.signal_to_noise = 10 * std::log10(aa / noise);
  if (aa > 0 && bb > 0) result.cosine = ab / std::sqrt(aa * bb);
  return result;
}

/// What one checkpoint makes of the request.
struct Run {
  std::string title;
  std::vector<std::pair<std::string, Tensor>> taps;  ///< in the order of computation
  Tensor actions;
};

Run run_one(const std::string& directory, const CompareOptions& options, ThreadPool& pool) {
  PolicyFolder folder(directory, options.request.policy_options(), {}, pool);
  const PolicyRequest request = options.request.read();
  const Policy& policy = folder.policy();
  const RunGraph engine = folder.engine(policy.graph(policy.shape(request)));
  Run run;
  run.title = fmt::format("{} ({})", directory, folder.precision());
  const RunResult result = engine(
      policy.inputs(request),
      [&](const std::string& name, const Tensor& value) { run.taps.emplace_back(name, value); });
  run.actions = policy.actions(result.outputs.begin()->second, request);
  return run;
}

std::vector<Difference> differences(const Run& first, const Run& second) {
  std::map<std::string, const Tensor*> found;
  for (const auto& [name, value] : second.taps) found[name] = &value;
  found["actions"] = &second.actions;
  std::vector<Difference> rows;
  const auto add = [&](const std::string& name, const Tensor& value) {
    const auto other = found.find(name);
    if (other == found.end() || other->second->shape != value.shape) {
      throw UserError(
          fmt::format("{} has no {} of shape {}", second.title, name, to_string(value.shape)),
          "compare a checkpoint with what was made from it");
    }
    rows.push_back(difference(name, value, *other->second));
  };
  for (const auto& [name, value] : first.taps) add(name, value);
  add("actions", first.actions);
  return rows;
}

std::string decibels(double value) {
  return std::isinf(value) ? "equal" : fmt::format("{:.1f}", value);
}

std::string as_tables(const Run& first, const Run& second, const std::vector<Difference>& rows) {
  Table stages({{"stage", Align::kLeft},
                {"SNR dB", Align::kRight},
                {"cosine", Align::kRight},
                {"max error", Align::kRight}});
  for (const Difference& row : rows) {
    stages.add_row({row.name, decibels(row.signal_to_noise), fmt::format("{:.6f}", row.cosine),
                    fmt::format("{:.3g}", row.greatest_error)});
  }
  Table actions({{"step", Align::kRight}, {"first", Align::kLeft}, {"second", Align::kLeft}});
  const auto width = static_cast<std::size_t>(first.actions.shape.back());
  const auto line = [&](const Tensor& tensor, std::size_t row) {
    std::string text;
    for (const float x : tensor.floats().subspan(row * width, width)) {
      text += fmt::format("{:9.4f}", x);
    }
    return text;
  };
  for (std::size_t row = 0; row < first.actions.floats().size() / width; ++row) {
    actions.add_row({std::to_string(row), line(first.actions, row), line(second.actions, row)});
  }
  return fmt::format("{}\n{}\nfirst: {}\nsecond: {}\n", stages.to_string(), actions.to_string(),
                     first.title, second.title);
}

Json as_json(const Run& first, const Run& second, const std::vector<Difference>& rows) {
  Json json = {{"first", first.title}, {"second", second.title}, {"stages", Json::array()}};
  for (const Difference& row : rows) {
    Json stage = {{"name", row.name},
                  {"signal_to_noise_db", nullptr},
                  {"cosine", row.cosine},
                  {"max_error", row.greatest_error}};
    if (!std::isinf(row.signal_to_noise)) stage["signal_to_noise_db"] = row.signal_to_noise;
    json["stages"].push_back(std::move(stage));
  }
  for (const auto& [key, run] : {std::pair{"first_actions", &first}, {"second_actions", &second}}) {
    const std::span<const float> all = run->actions.floats();
    json[key] = Json::array();
    const auto width = static_cast<std::size_t>(run->actions.shape.back());
    for (std::size_t at = 0; at < all.size(); at += width) {
      const auto row = all.subspan(at, width);
      json[key].push_back(std::vector<float>(row.begin(), row.end()));
    }
  }
  return json;
}

/// Stages that are equal have no ratio, and no bar.
report::Figure stages_figure(const Run& first, const Run& second,
                             const std::vector<Difference>& rows) {
  report::BarChart chart{.axis = {"signal to noise [dB]"}, .series = {"stages"}, .bars = {}};
  for (const Difference& row : rows) {
    if (!std::isinf(row.signal_to_noise)) {
      chart.bars.push_back({row.name, {{0, row.signal_to_noise}}});
    }
  }
  return {"stages", fmt::format("{} against {}", second.title, first.title),
          "Stages that differ, by their ratio of signal to noise.", std::move(chart)};
}

void run(const CompareOptions& options) {
  ThreadPool pool(options.threads);
  const Run first = run_one(options.first, options, pool);
  const Run second = run_one(options.second, options, pool);
  const std::vector<Difference> rows = differences(first, second);
  if (!options.svg.empty()) {
    write_file(options.svg, report::svg(stages_figure(first, second, rows)));
  }
  print_out(options.json ? as_json(first, second, rows).dump() + '\n'
                         : as_tables(first, second, rows));
}

}  // namespace

void add_compare(CLI::App& app) {
  auto options = std::make_shared<CompareOptions>();
  CLI::App* verb =
      app.add_subcommand("compare", "Run two checkpoints on one request and compare their values");
  verb->footer(
      "For each stage that has a name: the ratio of the first's values to the difference, the\n"
      "cosine between both, and the greatest difference; then the actions side by side.\n\n"
      "Example:\n"
      "  heddle quantize policy -o policy-w8a8\n"
      "  heddle compare policy policy-w8a8 --image camera1=examples/table/camera1.png \\\n"
      "    --state 0,0,0,0,0,0 --task \"put the red cube in the blue bowl\" --svg stages.svg\n\n"
      "--json prints one object: first, second, stages (name, signal_to_noise_db, null if equal,\n"
      "cosine, max_error), first_actions, second_actions (a row of numbers per action).");
  verb->add_option("first", options->first, "Checkpoint folder, the measure")->required();
  verb->add_option("second", options->second, "Checkpoint folder, compared with it")->required();
  options->request.add_to(*verb);
  add_threads_option(*verb, options->threads);
  verb->add_option("--svg", options->svg, "Write a plot of the stages to this file");
  verb->add_flag("--json", options->json, "Print one JSON object instead of tables");
  verb->callback([options] { run(*options); });
}

}  // namespace heddle
