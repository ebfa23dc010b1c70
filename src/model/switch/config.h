// A Switch Transformer's config.json, checked: a T5 whose every n-th feed-forward has experts.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "model/operators.h"

namespace heddle::switch_transformer {

/// The encoder or the decoder.
struct StackConfig {
  std::string name;  ///< "encoder", as in the checkpoint
  std::int64_t layers = 0;
  bool reads_encoder = false;    ///< has cross-attention: the decoder
  std::int64_t sparse_step = 0;  ///< layers 1, 1 + step, ... have experts; all if it is 1
  [[nodiscard]] bool is_sparse(std::int64_t layer) const {
    return layer % sparse_step == 1 || sparse_step == 1;
  }
};

struct Config {
  std::string where;  ///< the file, for messages
  StackConfig encoder;
  StackConfig decoder;
  std::int64_t hidden = 0;
  std::int64_t intermediate = 0;
  std::int64_t heads = 0;
  std::int64_t head_size = 0;
  std::int64_t experts = 0;
  std::int64_t vocabulary = 0;
  std::int64_t buckets = 0;  ///< of the relative position bias
  std::int64_t max_distance = 0;
  Function activation{};
  double epsilon = 0;
  bool tied = true;  ///< the language head is the embedding, and what it reads is scaled

  [[nodiscard]] std::int64_t attention_size() const { return heads * head_size; }
};

/// Reads and checks folder/config.json. Throws UserError for values that are missing, broken,
/// contradict each other, or ask for what is not supported. "expert_capacity" is not read: what
/// happens to tokens beyond it differs between versions of transformers, and since version 5
/// nothing does.
Config read_config(const std::filesystem::path& folder);

}  // namespace heddle::switch_transformer
