#include "model/switch/config.h"

#include "base/error.h"
#include "base/text.h"
#include "model/config_values.h"

namespace heddle::switch_transformer {
namespace {

constexpr std::int64_t kMaxExperts = 1 << 12;
constexpr std::int64_t kMaxExpertsInAll = 1 << 16;
constexpr std::int64_t kMaxBuckets = 1 << 12;
constexpr std::int64_t kMaxDistance = 1 << 20;
constexpr std::string_view kDefaults = R"({
  "relative_attention_num_buckets": 32,
  "relative_attention_max_distance": 128,
  "layer_norm_epsilon": 1e-06,
  "dense_act_fn": "relu",
  "tie_word_embeddings": true
})";

StackConfig read_stack(const JsonObject& object, std::string name, std::string_view layers_key,
                       std::string_view sparse_key) {
  StackConfig stack;
  stack.name = std::move(name);
  stack.layers = read_within(object, layers_key, 1, kMaxLayers);
  const std::int64_t sparse = read_within(object, sparse_key, 1, stack.layers);
  require_multiple(object, layers_key, stack.layers, sparse_key, sparse);
  stack.sparse_step = stack.layers / sparse;
  return stack;
}

void check_experts(const JsonObject& object, const Config& config) {
  const std::int64_t sparse = config.encoder.layers / config.encoder.sparse_step +
                              config.decoder.layers / config.decoder.sparse_step;
  if (sparse * config.experts <= kMaxExpertsInAll) return;
  throw UserError(fmt::format("{}: {} sparse layers of \"num_experts\" {} have {} experts, more "
                              "than {}",
                              object.where(), sparse, config.experts, sparse * config.experts,
                              kMaxExpertsInAll),
                  "set them to the values the checkpoint was trained with");
}

void read_buckets(const JsonObject& object, Config& config) {
  config.buckets = read_within(object, "relative_attention_num_buckets", 4, kMaxBuckets);
  if (config.buckets % 4 != 0) {
    throw UserError(fmt::format("{}: \"relative_attention_num_buckets\" is {}, not a multiple of 4",
                                object.where(), config.buckets),
                    "set it to the value the checkpoint was trained with, usually 32");
  }
  config.max_distance =
      read_within(object, "relative_attention_max_distance", config.buckets / 2 + 1, kMaxDistance);
}

}  // namespace

Config read_config(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "config.json";
  Json json = parse_json(kDefaults, "the built-in defaults");
  json.merge_patch(read_json(path, 16ULL << 20));
  const JsonObject object(json, path.string());
  for (const char* key : {"router_bias", "is_gated_act"}) require_off(object, key);
  Config config;
  config.where = path.string();
  config.encoder = read_stack(object, "encoder", "num_layers", "num_sparse_encoder_layers");
  config.decoder = read_stack(
      object, "decoder", object.has("num_decoder_layers") ? "num_decoder_layers" : "num_layers",
      "num_sparse_decoder_layers");
  config.decoder.reads_encoder = true;
  config.hidden = read_extent(object, "d_model");
  config.intermediate = read_extent(object, "d_ff");
  config.heads = read_extent(object, "num_heads");
  config.head_size = read_within(object, "d_kv", 1, kMaxExtent / config.heads);
  config.experts = read_within(object, "num_experts", 1, kMaxExperts);
  check_experts(object, config);
  config.vocabulary = read_within(object, "vocab_size", 1, kMaxVocabulary);
  read_buckets(object, config);
  config.activation = read_activation(object, "dense_act_fn");
  config.epsilon = read_positive(object, "layer_norm_epsilon");
  config.tied = object.boolean("tie_word_embeddings", true);
  return config;
}

}  // namespace heddle::switch_transformer
