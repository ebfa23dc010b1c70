#include "model/switch/graph.h"

#include <fmt/format.h>

#include <cmath>

#include "model/layers.h"
#include "model/switch/tensors.h"

namespace heddle::switch_transformer {
namespace {

/// Adds the layers of one stack to a Graph.
class Stack {
 public:
  Stack(const Config& config, const StackConfig& stack, Layers& layers)
      : config_(config), stack_(stack), layers_(layers), builder_(layers.builder) {}

  ValueId add_words(std::int64_t count) {
    const ValueId ids = builder_.input("token_ids", DType::kI32, {count});
    return builder_.add(stack_.name + ".words", Embedding{},
                        {layers_.weight("shared.weight"), ids});
  }

  /// What all layers add to the scores of `queries` rows from `first` on: [heads,queries,keys].
  ValueId add_bias(std::int64_t queries, std::int64_t keys, std::int64_t first) {
    const RelativeBias bias{queries, keys, first, config_.max_distance, !stack_.reads_encoder};
    return builder_.add(stack_.name + ".bias", bias, {layers_.weight(bias_table(stack_))});
  }

  ValueId add_encoder_layer(std::int64_t i, ValueId x, ValueId bias) {
    const std::string name = layer_name(i);
    const std::string prefix = branch(stack_, i, 0) + "SelfAttention.";
    const ValueId norm = add_norm(name + "attention_norm", x, branch(stack_, i, 0));
    const ValueId query = layers_.linear(name + "q", norm, prefix + "q");
    const KeyValue keys = add_keys(name, norm, prefix);
    x = add_attention(name + "attention", x, {query, keys.key, keys.value, bias}, prefix + "o");
    return add_feed_forward(i, x);
  }

  /// Of one row that follows `past` others, before a text of `tokens`.
  ValueId add_decoder_layer(std::int64_t i, ValueId x, ValueId bias, std::int64_t past,
                            std::int64_t tokens) {
    const std::string name = layer_name(i);
    const std::string prefix = branch(stack_, i, 0) + "SelfAttention.";
    const ValueId norm = add_norm(name + "attention_norm", x, branch(stack_, i, 0));
    const ValueId query = layers_.linear(name + "q", norm, prefix + "q");
    const KeyValue keys = with_past(name, add_keys(name, norm, prefix), past);
    x = add_attention(name + "attention", x, {query, keys.key, keys.value, bias}, prefix + "o");
    x = add_cross_attention(i, x, tokens);
    return add_feed_forward(i, x);
  }

  /// The keys and values of layer i for a text, from the encoder's rows.
  KeyValue add_cross_keys(std::int64_t i, ValueId rows) {
    return add_keys(layer_name(i) + "cross_", rows, branch(stack_, i, 1) + "EncDecAttention.");
  }

  ValueId add_final_norm(ValueId x) {
    return layers_.rms_norm(stack_.name + ".norm", x, stack_.name + ".final_layer_norm",
                            config_.epsilon);
  }

 private:
  [[nodiscard]] std::string layer_name(std::int64_t i) const {
    return fmt::format("{}.layer.{}.", stack_.name, i);
  }

  ValueId add_norm(const std::string& name, ValueId x, const std::string& prefix) {
    return layers_.rms_norm(name, x, prefix + "layer_norm", config_.epsilon);
  }

  KeyValue add_keys(const std::string& name, ValueId rows, const std::string& prefix) {
    const ValueId key = layers_.linear(name + "k", rows, prefix + "k");
    return {key, layers_.linear(name + "v", rows, prefix + "v")};
  }

  /// New keys and values, which are outputs, after those that are there.
  KeyValue with_past(const std::string& name, KeyValue own, std::int64_t past) {
    builder_.output(own.key);
    builder_.output(own.value);
    if (past == 0) return own;
    const Shape shape = {past, config_.attention_size()};
    const ValueId key = builder_.input(name + "past_k", DType::kF32, shape);
    const ValueId value = builder_.input(name + "past_v", DType::kF32, shape);
    return {builder_.add(name + "all_k", Concat{0}, {key, own.key}),
            builder_.add(name + "all_v", Concat{0}, {value, own.value})};
  }

  /// x + output(attention of query, key, value and perhaps a bias): every query sees all keys.
  /// Scores are not scaled.
  ValueId add_attention(const std::string& name, ValueId x, std::vector<ValueId> operands,
                        const std::string& output) {
    const std::int64_t keys = builder_.shape(operands[1]).front();
    const Attention attention{config_.heads, config_.heads, config_.head_size, 1,
                              keys,          std::nullopt};
    const ValueId attended = builder_.add(name, attention, std::move(operands));
    return layers_.add(name + "_residual", x, layers_.linear(name + "_o", attended, output));
  }

  ValueId add_cross_attention(std::int64_t i, ValueId x, std::int64_t tokens) {
    const std::string name = layer_name(i) + "cross_";
    const std::string prefix = branch(stack_, i, 1);
    const Shape shape = {tokens, config_.attention_size()};
    const ValueId key = builder_.input(name + "k", DType::kF32, shape);
    const ValueId value = builder_.input(name + "v", DType::kF32, shape);
    const ValueId norm = add_norm(name + "norm", x, prefix);
    const ValueId query = layers_.linear(name + "q", norm, prefix + "EncDecAttention.q");
    return add_attention(name + "attention", x, {query, key, value}, prefix + "EncDecAttention.o");
  }

  ValueId add_feed_forward(std::int64_t i, ValueId x) {
    const std::string name = layer_name(i);
    const std::string prefix = branch(stack_, i, feed_forward_part(stack_));
    const ValueId norm = add_norm(name + "feed_forward_norm", x, prefix);
    const ValueId made = stack_.is_sparse(i) ? add_experts(name, norm, prefix)
                                             : add_mlp(name, norm, prefix + "mlp.");
    return layers_.add(name + "output", x, made);
  }

  ValueId add_mlp(const std::string& name, ValueId x, const std::string& prefix) {
    const ValueId wide = layers_.linear(name + "wi", x, prefix + "wi");
    const ValueId active = builder_.add(name + "activation", Map{config_.activation}, {wide});
    return layers_.linear(name + "wo", active, prefix + "wo");
  }

  ValueId add_experts(const std::string& name, ValueId x, const std::string& prefix) {
    std::vector<ValueId> inputs{x, layers_.weight(prefix + "mlp.router.classifier.weight")};
    for (std::int64_t e = 0; e < config_.experts; ++e) {
      inputs.push_back(layers_.weight(expert(prefix, e) + "wi.weight"));
      inputs.push_back(layers_.weight(expert(prefix, e) + "wo.weight"));
    }
    return builder_.add(name + "experts", Experts{config_.activation}, std::move(inputs));
  }

  const Config& config_;
  const StackConfig& stack_;
  Layers& layers_;
  GraphBuilder& builder_;
};

Layers layers_of(const char* name, const TensorTable& tensors) {
  return {GraphBuilder(name),
          [&tensors](const std::string& tensor) { return tensors.find(tensor); }};
}

}  // namespace

Graph make_encode(const Config& config, const TensorTable& tensors, std::int64_t tokens) {
  Layers layers = layers_of("switch.encode", tensors);
  Stack encoder(config, config.encoder, layers);
  layers.builder.stage("encoder");
  ValueId x = encoder.add_words(tokens);
  const ValueId bias = encoder.add_bias(tokens, tokens, 0);
  for (std::int64_t i = 0; i < config.encoder.layers; ++i)
    x = encoder.add_encoder_layer(i, x, bias);
  x = encoder.add_final_norm(x);
  layers.builder.stage("cross_kv");
  Stack decoder(config, config.decoder, layers);
  for (std::int64_t i = 0; i < config.decoder.layers; ++i) {
    const KeyValue keys = decoder.add_cross_keys(i, x);
    layers.builder.output(keys.key);
    layers.builder.output(keys.value);
  }
  return layers.builder.finish();
}

Graph make_decode(const Config& config, const TensorTable& tensors, std::int64_t tokens,
                  std::int64_t context) {
  Layers layers = layers_of("switch.decode", tensors);
  GraphBuilder& builder = layers.builder;
  Stack decoder(config, config.decoder, layers);
  builder.stage("decoder");
  ValueId x = decoder.add_words(1);
  const ValueId bias = decoder.add_bias(1, context, context - 1);
  for (std::int64_t i = 0; i < config.decoder.layers; ++i) {
    x = decoder.add_decoder_layer(i, x, bias, context - 1, tokens);
  }
  x = decoder.add_final_norm(x);
  builder.stage("head");
  if (config.tied) {
    const Scale scale{1 / std::sqrt(static_cast<double>(config.hidden))};
    x = builder.add("head.scaled", scale, {x});
  }
  builder.output(layers.linear("head.logits", x, "lm_head"));
  return builder.finish();
}

}  // namespace heddle::switch_transformer
