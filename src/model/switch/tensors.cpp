#include "model/switch/tensors.h"

#include <fmt/format.h>

namespace heddle::switch_transformer {
namespace {

void add_attention(TensorTable& table, const Config& config, const std::string& prefix,
                   const std::string& kind) {
  for (const char* name : {"q", "k", "v"}) {
    table.linear(prefix + kind + "." + name, config.attention_size(), config.hidden, false);
  }
  table.linear(prefix + kind + ".o", config.hidden, config.attention_size(), false);
  table.add(prefix + "layer_norm.weight", {config.hidden});
}

void add_mlp(TensorTable& table, const Config& config, const std::string& prefix) {
  table.linear(prefix + "wi", config.intermediate, config.hidden, false);
  table.linear(prefix + "wo", config.hidden, config.intermediate, false);
}

void add_feed_forward(TensorTable& table, const Config& config, const std::string& prefix,
                      bool is_sparse) {
  if (is_sparse) {
    table.linear(prefix + "mlp.router.classifier", config.experts, config.hidden, false);
    for (std::int64_t e = 0; e < config.experts; ++e) add_mlp(table, config, expert(prefix, e));
  } else {
    add_mlp(table, config, prefix + "mlp.");
  }
  table.add(prefix + "layer_norm.weight", {config.hidden});
}

void add_stack(TensorTable& table, const Config& config, const StackConfig& stack) {
  const Shape embedding = {config.vocabulary, config.hidden};
  table.add(stack.name + ".embed_tokens.weight", embedding, true);
  for (std::int64_t i = 0; i < stack.layers; ++i) {
    add_attention(table, config, branch(stack, i, 0), "SelfAttention");
    if (i == 0) table.add(bias_table(stack), {config.buckets, config.heads});
    if (stack.reads_encoder) add_attention(table, config, branch(stack, i, 1), "EncDecAttention");
    add_feed_forward(table, config, branch(stack, i, feed_forward_part(stack)), stack.is_sparse(i));
  }
  table.add(stack.name + ".final_layer_norm.weight", {config.hidden});
}

}  // namespace

TensorTable tensors_of(const Config& config) {
  TensorTable table;
  const Shape embedding = {config.vocabulary, config.hidden};
  table.add("shared.weight", embedding);
  add_stack(table, config, config.encoder);
  add_stack(table, config, config.decoder);
  table.add("lm_head.weight", embedding, config.tied);
  return table;
}

std::string branch(const StackConfig& stack, std::int64_t layer, std::int64_t part) {
  return fmt::format("{}.block.{}.layer.{}.", stack.name, layer, part);
}

std::int64_t feed_forward_part(const StackConfig& stack) {
  return stack.reads_encoder ? 2 : 1;
}

std::string expert(const std::string& prefix, std::int64_t number) {
  return fmt::format("{}mlp.experts.expert_{}.", prefix, number);
}

std::string bias_table(const StackConfig& stack) {
  return branch(stack, 0, 0) + "SelfAttention.relative_attention_bias.weight";
}

}  // namespace heddle::switch_transformer
