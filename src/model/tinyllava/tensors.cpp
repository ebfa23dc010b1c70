#include "model/tinyllava/tensors.h"

#include <fmt/format.h>

namespace heddle::tinyllava {
namespace {

void add_vision_layer(TensorTable& table, const VisionConfig& vision, const std::string& layer) {
  table.layer_norm(layer + "layer_norm1", vision.hidden);
  for (const char* name : {"q_proj", "k_proj", "v_proj", "out_proj"}) {
    table.linear(layer + "self_attn." + name, vision.hidden, vision.hidden, true);
  }
  table.layer_norm(layer + "layer_norm2", vision.hidden);
  table.linear(layer + "mlp.fc1", vision.intermediate, vision.hidden, true);
  table.linear(layer + "mlp.fc2", vision.hidden, vision.intermediate, true);
}

/// Attention of one learnt query, whose packed q, k and v have names of their own.
void add_pooling_head(TensorTable& table, const VisionConfig& vision) {
  const std::string head = in_vision("head.");
  table.add(head + "probe", {1, 1, vision.hidden});
  table.add(head + "attention.in_proj_weight", {3 * vision.hidden, vision.hidden});
  table.add(head + "attention.in_proj_bias", {3 * vision.hidden});
  table.linear(head + "attention.out_proj", vision.hidden, vision.hidden, true);
  table.layer_norm(head + "layernorm", vision.hidden);
  table.linear(head + "mlp.fc1", vision.intermediate, vision.hidden, true);
  table.linear(head + "mlp.fc2", vision.hidden, vision.intermediate, true);
}

void add_vision(TensorTable& table, const VisionConfig& vision) {
  const std::string embeddings = in_vision("embeddings.");
  table.add(embeddings + "patch_embedding.weight",
            {vision.hidden, vision.channels, vision.patch, vision.patch});
  table.add(embeddings + "patch_embedding.bias", {vision.hidden});
  table.add(embeddings + "position_embedding.weight", {vision.patches(), vision.hidden});
  for (std::int64_t i = 0; i < vision.layers; ++i) {
    add_vision_layer(table, vision, vision_layer(i));
  }
  table.layer_norm(in_vision("post_layernorm"), vision.hidden);
  add_pooling_head(table, vision);
}

void add_text_layer(TensorTable& table, const TextConfig& text, const std::string& layer) {
  table.layer_norm(layer + "input_layernorm", text.hidden);
  table.linear(layer + "self_attn.q_proj", text.hidden, text.hidden, true);
  table.linear(layer + "self_attn.k_proj", text.kv_size(), text.hidden, true);
  table.linear(layer + "self_attn.v_proj", text.kv_size(), text.hidden, true);
  table.linear(layer + "self_attn.dense", text.hidden, text.hidden, true);
  table.linear(layer + "mlp.fc1", text.intermediate, text.hidden, true);
  table.linear(layer + "mlp.fc2", text.hidden, text.intermediate, true);
}

}  // namespace

TensorTable tensors_of(const Config& config) {
  TensorTable table;
  const TextConfig& text = config.text;
  table.add(in_text("model.embed_tokens.weight"), {text.vocabulary, text.hidden});
  for (std::int64_t i = 0; i < text.layers; ++i) add_text_layer(table, text, text_layer(i));
  table.layer_norm(in_text("model.final_layernorm"), text.hidden);
  table.linear(in_text("lm_head"), text.vocabulary, text.hidden, true);
  add_vision(table, config.vision);
  for (std::int64_t i = 0; i < config.connector_depth; ++i) {
    table.linear(connector_layer(i), text.hidden, i == 0 ? config.vision.hidden : text.hidden,
                 true);
  }
  return table;
}

std::string in_vision(std::string_view name) {
  return fmt::format("vision_tower._vision_tower.vision_model.{}", name);
}

std::string in_text(std::string_view name) {
  return fmt::format("language_model.{}", name);
}

std::string vision_layer(std::int64_t layer) {
  return in_vision(fmt::format("encoder.layers.{}.", layer));
}

std::string text_layer(std::int64_t layer) {
  return in_text(fmt::format("model.layers.{}.", layer));
}

std::string connector_layer(std::int64_t i) {
  return fmt::format("connector._connector.{}", 2 * i);  // The odd ones are the GELUs.
}

}  // namespace heddle::tinyllava
