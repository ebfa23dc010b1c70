// The vision-language model under a SmolVLA policy: what its own config.json says.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/json.h"
#include "model/operators.h"
#include "model/vision_tower.h"

namespace heddle::smolvla {

/// The language model: a Llama with grouped keys and values and no biases.
struct TextConfig {
  std::int64_t hidden = 0;
  std::int64_t intermediate = 0;
  std::int64_t layers = 0;
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_size = 0;
  std::int64_t vocabulary = 0;
  Function activation{};
  double epsilon = 0;

  [[nodiscard]] std::int64_t query_size() const { return heads * head_size; }
  [[nodiscard]] std::int64_t kv_size() const { return kv_heads * head_size; }
};

struct Backbone {
  std::string where;  ///< the file the values are from, for messages
  VisionConfig vision;
  TextConfig text;
  std::int64_t scale_factor = 0;  ///< patches per side that the connector joins into one token

  /// Tokens that one image becomes.
  [[nodiscard]] std::int64_t image_tokens() const {
    return vision.patches() / (scale_factor * scale_factor);
  }
};

/// Finds and reads the backbone of the policy in `folder` whose config.json names it `name`:
/// folder/name/config.json if `name` is a folder inside it, else folder/vlm/config.json, else the
/// built-in values of a public model of that name. Keys that a file leaves out have the defaults of
/// the transformers library. Throws UserError.
Backbone read_backbone(const std::filesystem::path& folder, const std::string& name);

/// Checks and converts the content of a backbone's config.json. Throws UserError.
Backbone parse_backbone(const Json& json, const std::string& where);

}  // namespace heddle::smolvla
