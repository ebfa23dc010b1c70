#include "model/smolvla/config.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "model/config_values.h"
#include "model/smolvla/embedded.h"

namespace heddle::smolvla {
namespace {

constexpr std::string_view kImagePrefix = "observation.images.";
constexpr std::int64_t kMaxChunk = 4096;
constexpr std::size_t kMaxCameras = 32;

/// The keys of the object `name` of a file in the order in which they stand there; the strict
/// parser sorts them.
std::vector<std::string> keys_in_order(const std::string& text, const std::string& name) {
  std::vector<std::string> keys;
  const auto ordered = nlohmann::ordered_json::parse(text);
  if (const auto found = ordered.find(name); found != ordered.end() && found->is_object()) {
    for (const auto& [key, value] : found->items()) keys.push_back(key);
  }
  return keys;
}

/// `file` with LeRobot's values for keys that it leaves out; a null stays an absence.
Json with_defaults(const Json& file) {
  Json json = parse_json(defaults_json(), "the built-in defaults").at("policy");
  // A mapping is taken as a whole: types it does not list are not normalised.
  if (file.is_object() && file.contains("normalization_mapping")) {
    json.erase("normalization_mapping");
  }
  json.merge_patch(file);
  return json;
}

std::string short_name(const std::string& key) {
  if (key.starts_with(kImagePrefix)) return key.substr(kImagePrefix.size());
  const std::size_t dot = key.rfind('.');
  return dot == std::string::npos ? key : key.substr(dot + 1);
}

PolicyCamera read_camera(const JsonObject& feature, const std::string& key) {
  const std::vector<std::int64_t> shape = feature.integers("shape");
  const bool fits = shape.size() == 3 && shape[0] == 3 && shape[1] > 0 && shape[2] > 0 &&
                    shape[1] <= kMaxImageSide && shape[2] <= kMaxImageSide;
  if (!fits) {
    throw UserError(fmt::format("{}: \"shape\" is {}, not that of a colour image", feature.where(),
                                shorten(to_string(shape))),
                    "set it to [3, height, width]");
  }
  return {short_name(key), key, static_cast<int>(shape[1]), static_cast<int>(shape[2])};
}

std::vector<PolicyCamera> read_cameras(const JsonObject& object,
                                       const std::vector<std::string>& keys) {
  const JsonObject features = object.object("input_features");
  std::vector<PolicyCamera> cameras;
  std::set<std::string> names;
  for (const std::string& key : keys) {
    const JsonObject feature = features.object(key);
    if (feature.string("type") != "VISUAL") continue;
    cameras.push_back(read_camera(feature, key));
    if (!names.insert(cameras.back().name).second) {
      throw UserError(fmt::format("{}: two cameras are called {}", features.where(),
                                  quote(cameras.back().name)),
                      "rename one of them");
    }
  }
  if (cameras.empty() || cameras.size() > kMaxCameras) {
    throw UserError(fmt::format("{}: {} features of type VISUAL, but a policy has 1 to {} cameras",
                                features.where(), cameras.size(), kMaxCameras),
                    R"(add each camera as "observation.images.NAME": {"type": "VISUAL", "shape": )"
                    "[3, height, width]}");
  }
  return cameras;
}

/// LeRobot declares these cameras itself where the file does not.
void read_empty_cameras(const JsonObject& object, Config& config) {
  config.empty_cameras =
      read_within(object, "empty_cameras", 0, static_cast<std::int64_t>(kMaxCameras));
  config.declared_cameras = std::ssize(config.cameras);
  for (std::int64_t i = 0; i < config.empty_cameras; ++i) {
    const std::string key = fmt::format("{}empty_camera_{}", kImagePrefix, i);
    const bool listed = std::any_of(config.cameras.begin(), config.cameras.end(),
                                    [&](const PolicyCamera& camera) { return camera.key == key; });
    if (!listed) ++config.declared_cameras;
  }
}

/// The extent of a feature that must be a vector: `where` lists features by name.
std::int64_t read_vector_size(const JsonObject& object, std::string_view list,
                              const std::string& key, std::string_view type, std::int64_t limit,
                              std::string_view limit_key) {
  const JsonObject feature = object.object(list).object(key);
  const std::vector<std::int64_t> shape = feature.integers("shape");
  if (feature.string("type") != type || shape.size() != 1 || shape[0] < 1 || shape[0] > limit) {
    throw UserError(fmt::format("{}: should be of type {} and shape [n], n at most \"{}\" = {}; "
                                "found {} {}",
                                feature.where(), type, limit_key, limit,
                                shorten(feature.string("type")), shorten(to_string(shape))),
                    "set it to what the checkpoint was trained with");
  }
  return shape[0];
}

/// Names of an action's numbers, where a file has them.
std::vector<std::string> read_action_names(const JsonObject& object, std::int64_t count) {
  const Json* list = nullptr;
  const Json& action = object.raw().at("output_features").at("action");
  if (object.has("action_feature_names")) list = &object.raw().at("action_feature_names");
  if (list == nullptr && action.contains("names")) list = &action.at("names");
  if (list == nullptr || !list->is_array() || std::ssize(*list) != count) return {};
  std::vector<std::string> names;
  for (const Json& name : *list) {
    if (!name.is_string()) return {};
    names.push_back(name.get<std::string>());
  }
  return names;
}

[[noreturn]] void unsupported(const JsonObject& object, std::string_view key,
                              std::string_view value, std::string_view remedy) {
  throw UserError(
      fmt::format("{}: \"{}\": {} is not supported", object.where(), key, shorten(value)),
      std::string(remedy));
}

void reject_unsupported(const JsonObject& object) {
  const std::string mode = object.string("attention_mode");
  if (mode != "cross_attn") {
    unsupported(object, "attention_mode", mode,
                "use a checkpoint trained with \"cross_attn\", as all published ones are");
  }
  if (object.boolean("adapt_to_pi_aloha", false)) {
    unsupported(object, "adapt_to_pi_aloha", "true",
                "use a checkpoint for another robot than Aloha, or convert state and actions "
                "yourself and set it to false");
  }
  if (!object.boolean("use_cache", true)) {
    unsupported(object, "use_cache", "false", "set it to true; LeRobot cannot run without it");
  }
  const std::int64_t every = object.integer("self_attn_every_n_layers");
  if (every > kMaxLayers) {
    unsupported(object, "self_attn_every_n_layers", std::to_string(every),
                "set it to the value the checkpoint was trained with, usually 2");
  }
}

/// The vision tower's position table fits one image size, and that is the one to resize to.
void check_resize(const JsonObject& object, const Backbone& backbone) {
  const std::int64_t side = backbone.vision.image;
  // The defaults are merged in, so an absent key was null in the file: no resizing.
  const bool resizes = object.has("resize_imgs_with_padding");
  const auto size = resizes ? object.integers("resize_imgs_with_padding") : Shape{};
  if (size == Shape{side, side}) return;
  throw UserError(fmt::format("{}: \"resize_imgs_with_padding\" is {}, but the vision tower takes "
                              "images of {}x{} pixels ({}, \"image_size\")",
                              object.where(), resizes ? shorten(to_string(size)) : "null", side,
                              side, backbone.where),
                  fmt::format("set it to [{}, {}]", side, side));
}

ExpertConfig read_expert(const JsonObject& object, const Config& config) {
  const double width = read_positive(object, "expert_width_multiplier");
  ExpertConfig expert;
  const double hidden = static_cast<double>(config.backbone.text.hidden) * width;
  if (hidden < 2 || hidden > static_cast<double>(kMaxExtent) ||
      static_cast<std::int64_t>(hidden) % 2 != 0) {
    throw UserError(fmt::format("{}: \"expert_width_multiplier\" {} makes the expert {} wide; an "
                                "even width from 2 to {} is needed",
                                object.where(), width, std::trunc(hidden), kMaxExtent),
                    "set it to the value the checkpoint was trained with, usually 0.75");
  }
  expert.hidden = static_cast<std::int64_t>(hidden);
  expert.intermediate = expert_intermediate(expert.hidden);
  const std::int64_t layers = object.integer("num_expert_layers");
  expert.layers = layers > 0 ? layers : config.vlm_layers;
  if (expert.layers > config.vlm_layers || config.vlm_layers % expert.layers != 0) {
    throw UserError(fmt::format("{}: {} text layers are not a multiple of \"num_expert_layers\" {}",
                                object.where(), config.vlm_layers, layers),
                    "set it to the value the checkpoint was trained with, or to -1 for as many as "
                    "text layers");
  }
  return expert;
}

/// LeRobot shapes an expert layer by its own number but runs it by the number of the text layer
/// beside it; where the two disagree LeRobot itself fails.
void check_expert_layers(const Config& config) {
  for (std::int64_t layer = 0; layer < config.vlm_layers; ++layer) {
    const auto expert = config.expert_layer(layer);
    const bool fits = expert ? config.self_attention(layer) == config.self_attention(*expert)
                             : !config.self_attention(layer);
    if (fits) continue;
    throw UserError(
        fmt::format("{}: with {} text layers, \"num_expert_layers\" {} and "
                    "\"self_attn_every_n_layers\" {}, text layer {} has no expert layer that fits",
                    config.where, config.vlm_layers, config.expert.layers,
                    config.self_attention_every, layer),
        "set \"num_expert_layers\" to -1; LeRobot cannot run this combination either");
  }
}

std::int64_t read_vlm_layers(const JsonObject& object, const Backbone& backbone) {
  const std::int64_t layers = object.integer("num_vlm_layers");
  if (layers <= 0) return backbone.text.layers;
  if (layers <= backbone.text.layers) return layers;
  throw UserError(fmt::format("{}: \"num_vlm_layers\" is {}, but the backbone has {} (\"num_hidden_"
                              "layers\" in {})",
                              object.where(), layers, backbone.text.layers, backbone.where),
                  fmt::format("set it to at most {}", backbone.text.layers));
}

Normalisation read_normalisation(const JsonObject& object, std::string_view type) {
  const JsonObject mapping = object.object("normalization_mapping");
  return normalisation_from_name(mapping.string(type, "IDENTITY"),
                                 fmt::format("{}: \"{}\"", mapping.where(), type));
}

void read_vectors(const JsonObject& object, Config& config) {
  config.max_state_size = read_extent(object, "max_state_dim");
  config.max_action_size = read_extent(object, "max_action_dim");
  config.state_size = read_vector_size(object, "input_features", "observation.state", "STATE",
                                       config.max_state_size, "max_state_dim");
  config.action_size = read_vector_size(object, "output_features", "action", "ACTION",
                                        config.max_action_size, "max_action_dim");
  config.action_names = read_action_names(object, config.action_size);
  config.state_normalisation = read_normalisation(object, "STATE");
  config.action_normalisation = read_normalisation(object, "ACTION");
}

void read_flow(const JsonObject& object, Config& config) {
  config.chunk = read_within(object, "chunk_size", 1, kMaxChunk);
  config.steps = read_within(object, "num_steps", 1, kMaxSteps);
  config.max_tokens = read_within(object, "tokenizer_max_length", 1, kMaxTokens);
  config.min_period = read_positive(object, "min_period");
  config.max_period = read_positive(object, "max_period");
}

}  // namespace

std::int64_t Config::stand_ins(std::int64_t present) const {
  return std::min(empty_cameras, declared_cameras - present);
}

std::optional<std::int64_t> Config::expert_layer(std::int64_t layer) const {
  const std::int64_t multiple = vlm_layers / expert.layers;
  if (layer % multiple != 0) return std::nullopt;
  return layer / multiple;
}

bool Config::self_attention(std::int64_t layer) const {
  return self_attention_every > 0 && layer % self_attention_every == 0;
}

std::int64_t Config::last_read_layer() const {
  return vlm_layers / expert.layers * (expert.layers - 1);
}

std::int64_t expert_intermediate(std::int64_t hidden) {
  constexpr std::int64_t kMultiple = 256;
  const std::int64_t wide = 4 * (2 * hidden / 3);
  return (wide + kMultiple - 1) / kMultiple * kMultiple;
}

Normalisation normalisation_from_name(const std::string& name, const std::string& where) {
  if (name == "IDENTITY") return Normalisation::kIdentity;
  if (name == "MEAN_STD") return Normalisation::kMeanStd;
  if (name == "MIN_MAX") return Normalisation::kMinMax;
  if (name == "QUANTILES") return Normalisation::kQuantiles;
  if (name == "QUANTILE10") return Normalisation::kQuantile10;
  throw UserError(fmt::format("{}: unknown normalisation {}", where, quote(name)),
                  "known: IDENTITY, MEAN_STD, MIN_MAX, QUANTILES, QUANTILE10");
}

Config read_config(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "config.json";
  const std::string text = read_file(path, 16ULL << 20);
  const Json json = with_defaults(parse_json(text, path.string()));
  const JsonObject object(json, path.string());
  reject_unsupported(object);
  Config config;
  config.where = path.string();
  config.backbone_name = object.string("vlm_model_name");
  config.backbone = read_backbone(folder, config.backbone_name);
  check_resize(object, config.backbone);
  config.vlm_layers = read_vlm_layers(object, config.backbone);
  config.expert = read_expert(object, config);
  config.self_attention_every =
      std::max<std::int64_t>(0, object.integer("self_attn_every_n_layers"));
  check_expert_layers(config);
  config.cameras = read_cameras(object, keys_in_order(text, "input_features"));
  read_empty_cameras(object, config);
  config.image_special_tokens = object.boolean("add_image_special_tokens", false);
  read_vectors(object, config);
  read_flow(object, config);
  return config;
}

}  // namespace heddle::smolvla
