#include "model/smolvla/backbone.h"

#include <vector>

#include "base/error.h"
#include "base/text.h"
#include "model/config_values.h"
#include "model/smolvla/embedded.h"

namespace heddle::smolvla {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kBuiltOn = "SmolVLA is built on";

TextConfig read_text(const JsonObject& object) {
  require_string(object, "model_type", "llama", kBuiltOn);
  require_off(object, "attention_bias");
  require_off(object, "mlp_bias");
  TextConfig text;
  text.hidden = read_extent(object, "hidden_size");
  text.intermediate = read_extent(object, "intermediate_size");
  text.layers = read_within(object, "num_hidden_layers", 1, kMaxLayers);
  text.heads = read_extent(object, "num_attention_heads");
  text.kv_heads =
      object.has("num_key_value_heads") ? read_extent(object, "num_key_value_heads") : text.heads;
  require_multiple(object, "num_attention_heads", text.heads, "num_key_value_heads", text.kv_heads);
  require_multiple(object, "hidden_size", text.hidden, "num_attention_heads", text.heads);
  text.head_size =
      object.has("head_dim") ? read_extent(object, "head_dim") : text.hidden / text.heads;
  if (text.head_size % 2 != 0) {
    throw UserError(fmt::format("{}: a head has {} elements, an odd number, which rotary position "
                                "embedding cannot pair",
                                object.where(), text.head_size),
                    "set \"head_dim\" to the value the checkpoint was trained with");
  }
  text.vocabulary = read_within(object, "vocab_size", 1, kMaxVocabulary);
  text.activation = read_activation(object, "hidden_act");
  text.epsilon = read_positive(object, "rms_norm_eps");
  return text;
}

/// The folder `name` inside `folder`, if it is a plain relative path to one with a config.json.
bool is_backbone_folder(const fs::path& folder, const std::string& name) {
  const fs::path relative(name);
  if (name.empty() || relative.is_absolute()) return false;
  for (const fs::path& part : relative) {
    if (part == "..") return false;
  }
  std::error_code ignored;
  return fs::is_regular_file(folder / relative / "config.json", ignored);
}

}  // namespace

Backbone parse_backbone(const Json& json, const std::string& where) {
  Json merged = parse_json(defaults_json(), "the built-in defaults").at("backbone");
  merged.merge_patch(json);
  const JsonObject object(merged, where);
  Backbone backbone;
  backbone.where = where;
  const JsonObject vision = object.object("vision_config");
  require_string(vision, "model_type", "smolvlm_vision", kBuiltOn);
  backbone.vision = read_vision(vision);
  require_multiple(vision, "image_size", backbone.vision.image, "patch_size",
                   backbone.vision.patch);
  backbone.text = read_text(object.object("text_config"));
  backbone.scale_factor = read_extent(object, "scale_factor");
  require_multiple(object, "image_size / patch_size", backbone.vision.grid(), "scale_factor",
                   backbone.scale_factor);
  return backbone;
}

Backbone read_backbone(const fs::path& folder, const std::string& name) {
  for (const std::string& candidate : {name, std::string("vlm")}) {
    if (!is_backbone_folder(folder, candidate)) continue;
    const fs::path path = folder / candidate / "config.json";
    return parse_backbone(read_json(path), path.string());
  }
  const Json published = parse_json(backbones_json(), "the built-in backbones");
  if (const auto found = published.find(name); found != published.end()) {
    return parse_backbone(*found, fmt::format("the built-in values of {}", name));
  }
  std::vector<std::string> known;
  for (const auto& [key, value] : published.items()) known.push_back(key);
  throw UserError(
      fmt::format("{}: \"vlm_model_name\" is {}, whose configuration this program does not hold",
                  (folder / "config.json").string(), quote(name)),
      fmt::format("put the config.json of that model at {}; built in: {}",
                  (folder / "vlm" / "config.json").string(), fmt::join(known, ", ")));
}

}  // namespace heddle::smolvla
