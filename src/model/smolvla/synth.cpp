#include "model/smolvla/synth.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/file.h"
#include "base/random.h"
#include "base/staged_folder.h"
#include "base/text.h"
#include "base/threads.h"
#include "model/smolvla/embedded.h"
#include "model/smolvla/random_weights.h"
#include "tensor/safetensors.h"

namespace heddle::smolvla {
namespace {

namespace fs = std::filesystem;

Json recipe() {
  return parse_json(synth_json(), "the built-in sizes");
}

void write_json(const fs::path& path, const Json& json) {
  write_file(path, json.dump(2) + "\n");
}

/// Every file that a folder made here may hold.
constexpr std::array<std::string_view, 9> kFiles = {
    "config.json",
    "model.safetensors",
    "policy_preprocessor.json",
    "policy_postprocessor.json",
    "policy_preprocessor_step_5_normalizer_processor.safetensors",
    "policy_postprocessor_step_0_unnormalizer_processor.safetensors",
    "tokenizer/tokenizer.json",
    "tokenizer/tokenizer_config.json",
    "vlm/config.json",
};

/// A folder may be replaced only if nothing of anybody else's is in it.
void check_replaceable(const fs::path& folder) {
  std::error_code error;
  for (fs::recursive_directory_iterator it(folder, error), last; !error && it != last;
       it.increment(error)) {
    const std::string name = it->path().lexically_relative(folder).generic_string();
    const bool known = it->is_directory(error)
                           ? name == "tokenizer" || name == "vlm"
                           : std::find(kFiles.begin(), kFiles.end(), name) != kFiles.end();
    if (known) continue;
    throw UserError(fmt::format("{} holds {}, which is not part of a checkpoint made here",
                                folder.string(), quote(name)),
                    "choose another folder, or remove that one yourself");
  }
}

/// The seeded statistics of one vector. Tenths, so that a division is the only rounding.
void add_statistics(std::map<std::string, Tensor>& tensors, const std::string& feature,
                    std::int64_t size, std::uint64_t seed) {
  const RandomStream stream(seed, "statistics of " + feature);
  const std::vector<std::pair<std::string, int>> ends = {{"mean", 0}, {"min", -3}, {"max", 3}};
  const auto tenths = [](std::int64_t value) { return static_cast<float>(value) / 10; };
  const auto mean = [&](std::int64_t i) {
    return static_cast<std::int64_t>(stream.word(2 * static_cast<std::uint64_t>(i)) % 1600) - 600;
  };
  const auto deviation = [&](std::int64_t i) {
    return static_cast<std::int64_t>(stream.word(2 * static_cast<std::uint64_t>(i) + 1) % 400) +
           100;
  };
  Tensor spread(DType::kF32, {size});
  for (std::int64_t i = 0; i < size; ++i) {
    spread.floats()[static_cast<std::size_t>(i)] = tenths(deviation(i));
  }
  for (const auto& [name, steps] : ends) {
    Tensor tensor(DType::kF32, {size});
    for (std::int64_t i = 0; i < size; ++i) {
      tensor.floats()[static_cast<std::size_t>(i)] = tenths(mean(i) + steps * deviation(i));
    }
    tensors.insert_or_assign(fmt::format("{}.{}", feature, name), std::move(tensor));
  }
  tensors.insert_or_assign(feature + ".std", std::move(spread));
}

/// One pipeline file with the statistics it names.
void write_pipeline(const fs::path& folder, const std::string& name, Json pipeline,
                    const Json& policy, const std::map<std::string, TensorView>& statistics) {
  for (Json& step : pipeline.at("steps")) {
    if (!step.contains("state_file")) continue;
    Json features = policy.at("input_features");
    features.update(policy.at("output_features"));
    step["config"]["features"] = std::move(features);
    step["config"]["norm_map"] = policy.at("normalization_mapping");
    write_safetensors(folder / step.at("state_file").get<std::string>(), statistics);
  }
  write_json(folder / name, pipeline);
}

void write_pipelines(const fs::path& folder, const Json& all, const Json& policy,
                     const Config& config, std::uint64_t seed) {
  std::map<std::string, Tensor> tensors;
  add_statistics(tensors, "observation.state", config.state_size, seed);
  add_statistics(tensors, "action", config.action_size, seed);
  std::map<std::string, TensorView> views;
  for (const auto& [name, tensor] : tensors) views.emplace(name, tensor.view());
  write_pipeline(folder, "policy_preprocessor.json", all.at("preprocessor"), policy, views);
  write_pipeline(folder, "policy_postprocessor.json", all.at("postprocessor"), policy, views);
}

void make_folder(const fs::path& path) {
  std::error_code error;
  if (fs::create_directory(path, error)) return;
  throw UserError(fmt::format("cannot make {}: {}", path.string(), error.message()),
                  "check that the disk is not full and that you may write there");
}

void write_tokenizer(const fs::path& folder, const Json& all) {
  make_folder(folder);
  write_file(folder / "tokenizer.json", tokenizer_json());
  write_json(folder / "tokenizer_config.json", all.at("tokenizer_config"));
}

const Json& size_of_name(const Json& all, const std::string& size) {
  const Json& sizes = all.at("sizes");
  if (const auto found = sizes.find(size); found != sizes.end()) return *found;
  throw UserError(fmt::format("there is no size {}", quote(size)),
                  fmt::format("choose one of: {}", fmt::join(synthesis_sizes(), ", ")));
}

}  // namespace

std::vector<std::string> synthesis_sizes() {
  return {"tiny", "small", "full"};
}

void synthesise(const SynthesisRequest& request) {
  const Json all = recipe();
  const Json& size = size_of_name(all, request.size);
  std::error_code ignored;
  if (request.force && fs::is_directory(request.folder, ignored)) {
    check_replaceable(request.folder);
  }
  StagedFolder staged(request.folder, request.force);
  const fs::path& folder = staged.path();

  Json policy = all.at("policy");
  policy.merge_patch(size.at("policy"));
  write_json(folder / "config.json", policy);
  if (size.contains("backbone")) {
    make_folder(folder / "vlm");
    write_json(folder / "vlm" / "config.json", size.at("backbone"));
  }
  // From here on the checkpoint is made from its own files, as anybody else reads them.
  const Config config = read_config(folder);
  write_tokenizer(folder / "tokenizer", all);
  write_pipelines(folder, all, policy, config, request.seed);
  ThreadPool pool(request.threads);
  write_random_weights(folder / "model.safetensors", WeightTable(config),
                       {request.seed, request.outliers}, pool);
  staged.commit();
}

}  // namespace heddle::smolvla
