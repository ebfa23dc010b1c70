#include "model/smolvla/pipeline.h"

#include "base/error.h"
#include "base/text.h"
#include "model/config_values.h"

namespace heddle::smolvla {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kState = "observation.state";

/// A file next to the pipeline's: a name with a folder in it could reach any file of the machine.
fs::path sibling(const fs::path& folder, const JsonObject& step, std::string_view key) {
  const std::string name = step.string(key);
  if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos) {
    throw UserError(
        fmt::format("{}: \"{}\" {} is not a plain file name", step.where(), key, quote(name)),
        "put the file next to this one and name it without a folder");
  }
  return folder / name;
}

Normalisation mode_of(const JsonObject& map, std::string_view type) {
  return normalisation_from_name(map.string(type, "IDENTITY"),
                                 fmt::format("{}: \"{}\"", map.where(), type));
}

/// LeRobot normalises the features that the step lists, and of these only some if told so.
bool normalises_state(const JsonObject& options) {
  if (options.has("features") && !options.object("features").has(kState)) return false;
  if (!options.has("normalize_observation_keys")) return true;
  const Json& keys = options.raw().at("normalize_observation_keys");
  return keys.is_array() && std::find(keys.begin(), keys.end(), std::string(kState)) != keys.end();
}

void read_normaliser(const fs::path& folder, const JsonObject& step, const JsonObject& options,
                     NormaliserStep& normaliser) {
  if (step.has("state_file")) normaliser.state_file = sibling(folder, step, "state_file");
  if (options.has("eps")) normaliser.epsilon = read_positive(options, "eps");
  if (!options.has("norm_map")) return;
  const JsonObject map = options.object("norm_map");
  if (mode_of(map, "VISUAL") != Normalisation::kIdentity) {
    throw UserError(fmt::format("{}: \"VISUAL\" is {}; SmolVLA takes images as they are",
                                map.where(), quote(map.string("VISUAL"))),
                    "set it to IDENTITY if the checkpoint was trained so");
  }
  normaliser.action = mode_of(map, "ACTION");
  normaliser.state = normalises_state(options) ? mode_of(map, "STATE") : Normalisation::kIdentity;
}

void read_renamed(const JsonObject& options, std::map<std::string, std::string>& renamed) {
  if (!options.has("rename_map")) return;
  const JsonObject map = options.object("rename_map");
  for (const auto& [from, to] : map.raw().items()) renamed[from] = map.string(from);
}

void read_tokenizer_step(const JsonObject& options, Pipelines& pipelines) {
  if (options.has("max_length")) {
    pipelines.max_tokens = read_within(options, "max_length", 1, kMaxTokens);
  }
  pipelines.tokenizer_name = options.string("tokenizer_name", pipelines.tokenizer_name);
}

[[noreturn]] void unknown_step(const std::string& where, const std::string& name) {
  throw UserError(
      fmt::format("{}: step {} is not one this program knows", where, quote(name)),
      "known: rename_observations_processor, to_batch_processor, smolvla_new_line_processor, "
      "tokenizer_processor, device_processor, normalizer_processor, unnormalizer_processor; remove "
      "the step if the policy does not need it");
}

/// Takes one step of a pipeline into account.
void read_step(const fs::path& folder, const JsonObject& step, Pipelines& pipelines) {
  const std::string name =
      step.has("registry_name") ? step.string("registry_name") : step.string("class");
  const Json none = Json::object();
  const JsonObject options =
      step.has("config") ? step.object("config") : JsonObject(none, step.where());
  if (name == "rename_observations_processor") return read_renamed(options, pipelines.renamed);
  if (name == "tokenizer_processor") return read_tokenizer_step(options, pipelines);
  if (name == "normalizer_processor") {
    return read_normaliser(folder, step, options, pipelines.input);
  }
  if (name == "unnormalizer_processor") {
    return read_normaliser(folder, step, options, pipelines.output);
  }
  if (name == "smolvla_new_line_processor") {
    pipelines.append_newline = true;
    return;
  }
  if (name == "to_batch_processor" || name == "device_processor") return;
  unknown_step(step.where(), name);
}

/// Whether the file was there.
bool read_pipeline(const fs::path& path, Pipelines& pipelines) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return false;
  const Json json = read_json(path, 16ULL << 20);
  const JsonObject object(json, path.string());
  const auto steps = json.find("steps");
  if (steps == json.end() || !steps->is_array()) {
    throw UserError(fmt::format("{}: \"steps\" is not a list", path.string()),
                    "compare with a file that LeRobot wrote, or fetch it again");
  }
  for (std::size_t i = 0; i < steps->size(); ++i) {
    const JsonObject step((*steps)[i], fmt::format("{}: step {}", path.string(), i));
    read_step(path.parent_path(), step, pipelines);
  }
  return true;
}

}  // namespace

Pipelines read_pipelines(const fs::path& folder, const Config& config) {
  Pipelines pipelines;
  pipelines.max_tokens = config.max_tokens;
  pipelines.tokenizer_name = config.backbone_name;
  pipelines.backbone_name = config.backbone_name;
  pipelines.input = {{}, config.state_normalisation, config.action_normalisation, 1e-8};
  pipelines.output = pipelines.input;
  // A pipeline that is there appends a line break only if it has the step for it.
  pipelines.append_newline = false;
  pipelines.has_preprocessor = read_pipeline(folder / "policy_preprocessor.json", pipelines);
  if (!pipelines.has_preprocessor) pipelines.append_newline = true;
  pipelines.has_postprocessor = read_pipeline(folder / "policy_postprocessor.json", pipelines);
  return pipelines;
}

}  // namespace heddle::smolvla
