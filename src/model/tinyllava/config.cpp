#include "model/tinyllava/config.h"

#include <charconv>
#include <cmath>

#include "base/error.h"
#include "base/text.h"
#include "model/config_values.h"

namespace heddle::tinyllava {
namespace {

constexpr std::int64_t kMaxConnectorDepth = 16;
constexpr std::string_view kBuiltOn = "TinyLLaVA is supported on";
constexpr std::string_view kDefaults = R"({
  "vision_feature_layer": -2,
  "vision_feature_select_strategy": "patch",
  "vision_config": {
    "num_channels": 3,
    "hidden_act": "gelu_pytorch_tanh",
    "layer_norm_eps": 1e-06
  },
  "text_config": {
    "num_attention_heads": 32,
    "hidden_act": "gelu_new",
    "layer_norm_eps": 1e-05,
    "rope_theta": 10000.0
  }
})";

/// "mlp2x_gelu" -> 2.
std::int64_t read_connector_depth(const JsonObject& object) {
  constexpr std::string_view kBefore = "mlp", kAfter = "x_gelu";
  const std::string type = object.string("connector_type");
  std::int64_t depth = 0;
  if (type.size() > kBefore.size() + kAfter.size() && type.starts_with(kBefore) &&
      type.ends_with(kAfter)) {
    const char* end = type.data() + type.size() - kAfter.size();
    const auto [stop, error] = std::from_chars(type.data() + kBefore.size(), end, depth);
    if (stop != end || error != std::errc()) depth = 0;
  }
  if (depth >= 1 && depth <= kMaxConnectorDepth) return depth;
  throw UserError(
      fmt::format("{}: \"connector_type\" {} is not supported", object.where(), quote(type)),
      fmt::format("supported: mlp1x_gelu to mlp{}x_gelu", kMaxConnectorDepth));
}

/// "vision_feature_layer" counts the tower's input as 0, and from the end if it is negative.
std::int64_t read_vision_layers(const JsonObject& object, const VisionConfig& vision) {
  const std::int64_t layer =
      read_within(object, "vision_feature_layer", -vision.layers, vision.layers);
  const std::int64_t count = layer < 0 ? vision.layers + 1 + layer : layer;
  if (count >= 1) return count;
  throw UserError(fmt::format("{}: \"vision_feature_layer\" is {}, the input of the vision tower",
                              object.where(), layer),
                  "set it to the value the checkpoint was trained with, usually -2");
}

bool read_drops_first_patch(const JsonObject& object) {
  const std::string strategy = object.string("vision_feature_select_strategy");
  if (strategy == "patch") return true;
  if (strategy == "cls_patch") return false;
  throw UserError(fmt::format("{}: \"vision_feature_select_strategy\" {} is not known",
                              object.where(), quote(strategy)),
                  "known: patch, cls_patch");
}

std::int64_t read_rotary_size(const JsonObject& object, std::int64_t head_size) {
  const double share = read_positive(object, "partial_rotary_factor");
  const double size = std::trunc(share * static_cast<double>(head_size));
  if (share <= 1 && size >= 2 && std::fmod(size, 2) == 0) return static_cast<std::int64_t>(size);
  throw UserError(fmt::format("{}: \"partial_rotary_factor\" {} of heads of {} elements turns {}, "
                              "but an even number from 2 to all of them must",
                              object.where(), share, head_size, size),
                  "set it to the value the checkpoint was trained with");
}

TextConfig read_text(const JsonObject& object) {
  require_string(object, "model_type", "phi", kBuiltOn);
  require_off(object, "qk_layernorm");
  require_off(object, "tie_word_embeddings");
  TextConfig text;
  text.hidden = read_extent(object, "hidden_size");
  text.intermediate = read_extent(object, "intermediate_size");
  text.layers = read_within(object, "num_hidden_layers", 1, kMaxLayers);
  text.heads = read_extent(object, "num_attention_heads");
  text.kv_heads =
      object.has("num_key_value_heads") ? read_extent(object, "num_key_value_heads") : text.heads;
  require_multiple(object, "hidden_size", text.hidden, "num_attention_heads", text.heads);
  require_multiple(object, "num_attention_heads", text.heads, "num_key_value_heads", text.kv_heads);
  text.rotary_size = read_rotary_size(object, text.head_size());
  text.vocabulary = read_within(object, "vocab_size", 1, kMaxVocabulary);
  text.rope_theta = read_positive(object, "rope_theta");
  text.activation = read_activation(object, "hidden_act");
  text.epsilon = read_positive(object, "layer_norm_eps");
  return text;
}

VisionConfig read_tower(const JsonObject& object) {
  require_string(object, "model_type", "siglip_vision_model", kBuiltOn);
  return read_vision(object);
}

void check_hidden(const JsonObject& object, const TextConfig& text) {
  if (!object.has("hidden_size") || object.integer("hidden_size") == text.hidden) return;
  throw UserError(fmt::format("{}: \"hidden_size\" is {}, but that of \"text_config\" is {}",
                              object.where(), object.integer("hidden_size"), text.hidden),
                  "set both to the value the checkpoint was trained with");
}

}  // namespace

Config read_config(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "config.json";
  Json json = parse_json(kDefaults, "the built-in defaults");
  json.merge_patch(read_json(path, 16ULL << 20));
  const JsonObject object(json, path.string());
  Config config;
  config.where = path.string();
  config.vision = read_tower(object.object("vision_config"));
  config.vision_layers = read_vision_layers(object, config.vision);
  config.drops_first_patch = read_drops_first_patch(object);
  config.connector_depth = read_connector_depth(object);
  config.text = read_text(object.object("text_config"));
  check_hidden(object, config.text);
  config.max_tokens = read_within(object, "tokenizer_model_max_length", 1, kMaxTokens);
  if (config.drops_first_patch && config.vision.patches() < 2) {
    throw UserError(fmt::format("{}: the vision tower makes one patch of a picture, and \"patch\" "
                                "drops the first",
                                config.where),
                    "set \"image_size\" and \"patch_size\" of \"vision_config\" to the values the "
                    "checkpoint was trained with");
  }
  return config;
}

}  // namespace heddle::tinyllava
