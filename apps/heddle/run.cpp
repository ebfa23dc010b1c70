// heddle run: camera pictures, a state and an instruction in, actions and stage times out.
#include <algorithm>
#include <cmath>

#include "apps/heddle/arguments.h"
#include "apps/heddle/clock.h"
#include "apps/heddle/output.h"
#include "apps/heddle/policy_engine.h"
#include "apps/heddle/request_options.h"
#include "apps/heddle/verbs.h"
#include "base/error.h"
#include "base/json.h"
#include "base/table.h"
#include "tensor/safetensors.h"

namespace heddle {
namespace {

struct RunOptions {
  std::string directory;
  RequestOptions request;
  std::string precision;
  int threads = default_threads();
  int repeat = 1;
  std::string dump_stages;
  std::string output;
  bool json = false;
};

/// What one inference gives.
struct Answer {
  Tensor actions;
  std::vector<StageTime> stages;  ///< the last is the total
};

Answer infer(const Policy& policy, const RunGraph& engine, const PolicyRequest& request,
             const TapObserver& observer) {
  const Clock::time_point start = Clock::now();
  const std::map<std::string, Tensor> inputs = policy.inputs(request);
  Answer answer;
  answer.stages.push_back({"inputs", milliseconds_since(start)});
  const RunResult result = engine(inputs, observer);
  answer.stages.insert(answer.stages.end(), result.stages.begin(), result.stages.end());
  const Clock::time_point engine_done = Clock::now();
  answer.actions = policy.actions(result.outputs.begin()->second, request);
  answer.stages.push_back({"actions", milliseconds_since(engine_done)});
  answer.stages.push_back({"total", milliseconds_since(start)});
  return answer;
}

/// One warm-up, which is observed, and `repeat` timed inferences; the answer with the median time
/// of each stage.
Answer infer_repeatedly(const Policy& policy, const RunGraph& engine, const PolicyRequest& request,
                        int repeat, const TapObserver& observer) {
  Answer answer = infer(policy, engine, request, observer);
  std::vector<std::vector<double>> times(answer.stages.size());
  for (int i = 0; i < repeat; ++i) {
    const Answer next = infer(policy, engine, request, {});
    for (std::size_t s = 0; s < times.size(); ++s) times[s].push_back(next.stages[s].milliseconds);
  }
  for (std::size_t s = 0; s < times.size(); ++s) {
    std::sort(times[s].begin(), times[s].end());
    const std::size_t middle = times[s].size() / 2;
    answer.stages[s].milliseconds =
        times[s].size() % 2 == 1 ? times[s][middle] : (times[s][middle - 1] + times[s][middle]) / 2;
  }
  return answer;
}

void check_finite(const Tensor& actions) {
  for (const float value : actions.floats()) {
    if (!std::isfinite(value)) {
      throw UserError("the policy's actions are not finite",
                      "look at its stages with --dump-stages; check state, noise and statistics");
    }
  }
}

std::string actions_table(const Tensor& actions, const std::vector<std::string>& names) {
  std::vector<Column> columns = {{"step", Align::kRight}};
  for (const std::string& name : names) columns.push_back({name, Align::kRight});
  Table table(columns);
  const std::span<const float> values = actions.floats();
  const std::size_t width = names.size();
  for (std::size_t row = 0; row < values.size() / width; ++row) {
    std::vector<std::string> cells = {std::to_string(row)};
    for (std::size_t i = 0; i < width; ++i) {
      cells.push_back(fmt::format("{:.4f}", values[row * width + i]));
    }
    table.add_row(std::move(cells));
  }
  return table.to_string();
}

std::string stages_table(const std::vector<StageTime>& stages) {
  Table table({{"stage", Align::kLeft}, {"ms", Align::kRight}});
  for (const StageTime& stage : stages) {
    table.add_row({stage.stage, fmt::format("{:.1f}", stage.milliseconds)});
  }
  return table.to_string();
}

std::string as_json(const Answer& answer, const PolicyFolder& folder,
                    const std::vector<std::string>& names, double load_milliseconds, int threads) {
  Json json = {{"model", folder.policy().info().model},  {"engine", folder.engine_name()},
               {"precision", folder.precision()},        {"threads", threads},
               {"load_milliseconds", load_milliseconds}, {"action_names", names}};
  const std::span<const float> values = answer.actions.floats();
  json["actions"] = Json::array();
  for (std::size_t row = 0; row < values.size(); row += names.size()) {
    const auto begin = values.begin() + static_cast<std::ptrdiff_t>(row);
    json["actions"].push_back(
        std::vector<float>(begin, begin + static_cast<std::ptrdiff_t>(names.size())));
  }
  json["stages"] = Json::array();
  for (const StageTime& stage : answer.stages) {
    json["stages"].push_back({{"name", stage.stage}, {"milliseconds", stage.milliseconds}});
  }
  return json.dump() + '\n';
}

/// The config's names of the joints, or numbers if it has none.
std::vector<std::string> column_names(const PolicyInfo& info) {
  std::vector<std::string> names = info.action_names;
  for (std::int64_t i = std::ssize(names); i < info.action_size; ++i) {
    names.push_back(fmt::format("action{}", i));
  }
  return names;
}

void run(const RunOptions& options) {
  if (!options.output.empty()) check_actions_path(options.output);
  const Clock::time_point start = Clock::now();
  ThreadPool pool(options.threads);
  std::optional<std::string> precision;
  if (!options.precision.empty()) precision = options.precision;
  PolicyFolder folder(options.directory, options.request.policy_options(), precision, pool);
  const Policy& policy = folder.policy();
  const PolicyRequest request = options.request.read();
  Graph graph = policy.graph(policy.shape(request));
  (void)policy.inputs(request);  // The user hears of mistakes before the weights are loaded.
  const RunGraph engine = folder.engine(std::move(graph));
  const double load_milliseconds = milliseconds_since(start);

  std::map<std::string, Tensor> taps;
  TapObserver observer;
  if (!options.dump_stages.empty()) {
    observer = [&](const std::string& name, const Tensor& value) { taps.emplace(name, value); };
  }
  const Answer answer = options.repeat > 1
                            ? infer_repeatedly(policy, engine, request, options.repeat, observer)
                            : infer(policy, engine, request, observer);

  const std::vector<std::string> names = column_names(policy.info());
  if (!options.dump_stages.empty()) {
    taps.emplace("actions", answer.actions);
    std::map<std::string, TensorView> views;
    for (const auto& [name, value] : taps) views.emplace(name, value.view());
    write_safetensors(options.dump_stages, views);
  }
  // After the stages are written: they are where one looks for the reason.
  check_finite(answer.actions);
  if (!options.output.empty()) write_actions(options.output, answer.actions, names);
  if (options.json) {
    print_out(as_json(answer, folder, names, load_milliseconds, pool.size()));
    return;
  }
  print_out(fmt::format("{}\n{}\nloaded in {:.1f} s; {} in {}, {} thread{}, {}\n",
                        actions_table(answer.actions, names), stages_table(answer.stages),
                        load_milliseconds / 1000, policy.info().model, folder.precision(),
                        pool.size(), pool.size() == 1 ? "" : "s", folder.instructions()));
}

}  // namespace

void add_run(CLI::App& app) {
  auto options = std::make_shared<RunOptions>();
  CLI::App* verb = app.add_subcommand("run", "Run a checkpoint on pictures and an instruction");
  verb->footer(
      "Example:\n"
      "  heddle synth smolvla --size small -o policy\n"
      "  heddle run policy --image camera1=examples/table/camera1.png \\\n"
      "    --state 0,0,0,0,0,0 --task \"put the red cube in the blue bowl\"\n\n"
      "--json prints one object: model, engine, precision, threads, load_milliseconds,\n"
      "action_names, actions (a row of numbers per action), stages (name, milliseconds).");
  verb->add_option("directory", options->directory, "Checkpoint folder")->required();
  options->request.add_to(*verb);
  verb->add_option("--precision", options->precision,
                   "Of a float checkpoint: f32 (default) or bf16")
      ->check(CLI::IsMember({"f32", "bf16"}));
  add_threads_option(*verb, options->threads);
  verb->add_option("--repeat", options->repeat,
                   "Run once to warm up, then this often, and report the median times")
      ->check(CLI::Range(1, 1000000));
  verb->add_option("--dump-stages", options->dump_stages,
                   "Write every stage's output to this safetensors file");
  verb->add_option("-o,--output", options->output,
                   "Write the actions to .safetensors, .npy or .csv");
  verb->add_flag("--json", options->json, "Print one JSON object instead of tables");
  verb->callback([options] { run(*options); });
}

}  // namespace heddle
