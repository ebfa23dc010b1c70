// A TinyLLaVA model's config.json, checked: a SigLIP tower, a connector and a Phi language model.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "model/vision_tower.h"

namespace heddle::tinyllava {

/// The language model: a Phi, whose layers run attention and MLP side by side on one norm.
struct TextConfig {
  std::int64_t hidden = 0;
  std::int64_t intermediate = 0;
  std::int64_t layers = 0;
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t rotary_size = 0;  ///< elements of a head that turn with the position
  std::int64_t vocabulary = 0;
  double rope_theta = 0;
  Function activation{};
  double epsilon = 0;

  [[nodiscard]] std::int64_t head_size() const { return hidden / heads; }
  [[nodiscard]] std::int64_t kv_size() const { return kv_heads * head_size(); }
};

struct Config {
  std::string where;  ///< the file, for messages
  VisionConfig vision;
  std::int64_t vision_layers = 0;    ///< the first of the tower's, after which its rows are taken
  bool drops_first_patch = false;    ///< "patch": as if it were a class token
  std::int64_t connector_depth = 0;  ///< linear maps, a GELU between each two
  TextConfig text;
  std::int64_t max_tokens = 0;  ///< rows of a prompt, pictures included

  /// Rows that one picture becomes.
  [[nodiscard]] std::int64_t picture_rows() const {
    return vision.patches() - (drops_first_patch ? 1 : 0);
  }
};

/// Reads and checks folder/config.json. Keys that it leaves out have the values of the classes of
/// transformers' Phi and SigLIP and of the model's own. Throws UserError for values that are
/// broken, contradict each other, or ask for what is not supported.
Config read_config(const std::filesystem::path& folder);

}  // namespace heddle::tinyllava
