#include "model/registry.h"

#include <array>
#include <string_view>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "model/smolvla/smolvla.h"
#include "model/smolvla/synth.h"
#include "model/switch/switch.h"
#include "model/tinyllava/tinyllava.h"

namespace heddle {
namespace {

/// One kind of model; what it cannot do is nullptr.
struct Kind {
  std::string_view name;  ///< as in config.json
  std::unique_ptr<Policy> (*open_policy)(const std::filesystem::path&, const PolicyOptions&);
  ModelDescription (*describe)(const std::filesystem::path&, bool check_weights);
  Workload (*workload)(const std::filesystem::path&, const WorkloadOptions&);
  void (*synthesise)(const SynthesisRequest&);
  std::vector<std::string> (*sizes)();
};

constexpr std::array kKinds = {
    Kind{"smolvla", smolvla::open_smolvla, smolvla::describe_smolvla, smolvla::workload_of_smolvla,
         smolvla::synthesise, smolvla::synthesis_sizes},
    Kind{"tinyllava", nullptr, nullptr, tinyllava::workload_of_tinyllava, nullptr, nullptr},
    Kind{"switch_transformers", nullptr, nullptr, switch_transformer::workload_of_switch, nullptr,
         nullptr},
};

std::string known_names() {
  std::vector<std::string_view> names;
  names.reserve(kKinds.size());
  for (const Kind& kind : kKinds) names.push_back(kind.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

const Kind* find_kind(std::string_view name) {
  for (const Kind& kind : kKinds) {
    if (kind.name == name) return &kind;
  }
  return nullptr;
}

const Kind& kind_of(const std::filesystem::path& folder) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(folder, ignored)) {
    throw UserError(fmt::format("{} is not a folder", folder.string()),
                    "give the folder of a checkpoint, the one with config.json in it");
  }
  const std::filesystem::path path = folder / "config.json";
  const Json json = read_json(path, 16ULL << 20);
  const JsonObject object(json, path.string());
  const std::string_view key = object.has("type") ? "type" : "model_type";
  const std::string name = object.string(key);
  if (const Kind* kind = find_kind(name)) return *kind;
  throw UserError(fmt::format("{}: \"{}\" is {}, a model this program does not know", path.string(),
                              key, quote(name)),
                  fmt::format("known: {}", known_names()));
}

/// What the kind of model in `folder` has in the place of `ability`; `what` for the message if it
/// has nothing there.
template <typename Function>
Function able(const std::filesystem::path& folder, Function Kind::* ability,
              std::string_view what) {
  const Kind& kind = kind_of(folder);
  if (kind.*ability != nullptr) return kind.*ability;
  std::vector<std::string_view> names;
  for (const Kind& other : kKinds) {
    if (other.*ability != nullptr) names.push_back(other.name);
  }
  throw UserError(fmt::format("{} holds a {}, which {}", folder.string(), kind.name, what),
                  fmt::format("use a checkpoint of {}; heddle analyze says what a {} costs",
                              fmt::join(names, ", "), kind.name));
}

const Kind& kind_to_synthesise(const std::string& name) {
  const Kind* kind = find_kind(name);
  if (kind != nullptr && kind->synthesise != nullptr) return *kind;
  throw UserError(fmt::format("there is no model {} to make", quote(name)),
                  fmt::format("choose one of: {}", fmt::join(synthesis_kinds(), ", ")));
}

}  // namespace

std::unique_ptr<Policy> open_policy(const std::filesystem::path& folder,
                                    const PolicyOptions& options) {
  return able(folder, &Kind::open_policy, "is no robot policy")(folder, options);
}

ModelDescription describe(const std::filesystem::path& folder, bool check_weights) {
  return able(folder, &Kind::describe, "cannot be described yet")(folder, check_weights);
}

Workload workload(const std::filesystem::path& config, const WorkloadOptions& options) {
  const bool is_file = config.filename() == "config.json";
  const std::filesystem::path folder = is_file ? config.parent_path() : config;
  const std::filesystem::path here = folder.empty() ? std::filesystem::path(".") : folder;
  return kind_of(here).workload(here, options);
}

void synthesise(const SynthesisRequest& request) {
  kind_to_synthesise(request.kind).synthesise(request);
}

std::vector<std::string> synthesis_kinds() {
  std::vector<std::string> names;
  for (const Kind& kind : kKinds) {
    if (kind.synthesise != nullptr) names.emplace_back(kind.name);
  }
  return names;
}

std::vector<std::string> synthesis_sizes(const std::string& kind) {
  return kind_to_synthesise(kind).sizes();
}

}  // namespace heddle
