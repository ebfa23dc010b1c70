#include "model/tinyllava/graph.h"

#include <fmt/format.h>

#include <cmath>
#include <numeric>

#include "base/error.h"
#include "model/layers.h"
#include "model/tinyllava/tensors.h"

namespace heddle::tinyllava {
namespace {

Layers layers_of(const char* name, const TensorTable& tensors) {
  return {GraphBuilder(name),
          [&tensors](const std::string& tensor) { return tensors.find(tensor); }};
}

/// The tower's rows of every picture: [pictures,picture_rows,hidden].
ValueId add_vision(Layers& layers, const Config& config, ValueId images, bool dead_code) {
  const VisionConfig& vision = config.vision;
  layers.builder.stage("vision");
  ValueId x = add_patch_embedding(layers, vision, images, in_vision("embeddings."));
  ValueId taken = x;
  for (std::int64_t i = 0; i < (dead_code ? vision.layers : config.vision_layers); ++i) {
    x = add_vision_layer(layers, vision, fmt::format("vision.layer.{}.", i), x, vision_layer(i));
    if (i + 1 == config.vision_layers) taken = x;
  }
  if (dead_code) {
    layers.layer_norm("vision.post_norm", x, in_vision("post_layernorm"), vision.epsilon);
  }
  if (!config.drops_first_patch) return taken;
  return layers.builder.add("vision.output", Slice{1, 1, vision.patches()}, {taken});
}

ValueId add_connector(Layers& layers, const Config& config, ValueId x) {
  layers.builder.stage("connector");
  for (std::int64_t i = 0; i < config.connector_depth; ++i) {
    if (i > 0) {
      x = layers.builder.add(fmt::format("connector.{}.activation", i - 1), Map{Function::kGeluErf},
                             {x});
    }
    x = layers.linear(fmt::format("connector.{}", i), x, connector_layer(i));
  }
  return x;
}

ValueId add_words(Layers& layers, std::int64_t count) {
  const ValueId ids = layers.builder.input("token_ids", DType::kI32, {count});
  return layers.builder.add("language.words", Embedding{},
                            {layers.weight(in_text("model.embed_tokens.weight")), ids});
}

/// Text and pictures in the order of the prompt: [rows,hidden]. `pictures` is the connector's
/// result, if there are any.
ValueId add_prompt(Layers& layers, const Config& config, const PromptShape& shape,
                   std::optional<ValueId> pictures) {
  GraphBuilder& builder = layers.builder;
  const std::int64_t words = std::accumulate(shape.text.begin(), shape.text.end(), std::int64_t{0});
  const std::int64_t rows = config.picture_rows();
  std::optional<ValueId> text, seen;
  if (words > 0) text = add_words(layers, words);
  if (pictures) {
    seen = builder.add("language.pictures", Reshape{{shape.pictures() * rows, config.text.hidden}},
                       {*pictures});
  }
  std::vector<ValueId> parts;
  std::int64_t at = 0;
  for (std::int64_t i = 0; i <= shape.pictures(); ++i) {
    const std::int64_t count = shape.text[static_cast<std::size_t>(i)];
    if (text && count > 0) {
      parts.push_back(
          builder.add(fmt::format("language.text.{}", i), Slice{0, at, at + count}, {*text}));
    }
    at += count;
    if (seen && i < shape.pictures()) {
      parts.push_back(builder.add(fmt::format("language.picture.{}", i),
                                  Slice{0, i * rows, (i + 1) * rows}, {*seen}));
    }
  }
  return builder.add("language.embed", Concat{0}, std::move(parts));
}

/// What is there already of layer `name`, if anything.
std::optional<KeyValue> add_past(Layers& layers, const TextConfig& text, const std::string& name,
                                 std::int64_t rows) {
  if (rows == 0) return std::nullopt;
  const Shape shape = {rows, text.kv_size()};
  return KeyValue{layers.builder.input(name + "past_k", DType::kF32, shape),
                  layers.builder.input(name + "past_v", DType::kF32, shape)};
}

/// Causal attention of new rows that stand after `past` ones.
ValueId add_attention(Layers& layers, const TextConfig& text, const std::string& name,
                      const std::string& prefix, ValueId norm, std::int64_t past) {
  GraphBuilder& builder = layers.builder;
  const std::int64_t size = text.head_size();
  const Rope rope{size, text.rotary_size, text.rope_theta, past};
  const std::optional<KeyValue> before = add_past(layers, text, name, past);
  const ValueId query =
      builder.add(name + "q", rope, {layers.linear(name + "q_raw", norm, prefix + "q_proj")});
  const ValueId key =
      builder.add(name + "k", rope, {layers.linear(name + "k_raw", norm, prefix + "k_proj")});
  const ValueId value = layers.linear(name + "v", norm, prefix + "v_proj");
  builder.output(key);
  builder.output(value);
  KeyValue all{key, value};
  if (before) {
    all = {builder.add(name + "all_k", Concat{0}, {before->key, key}),
           builder.add(name + "all_v", Concat{0}, {before->value, value})};
  }
  const double scale = 1 / std::sqrt(static_cast<double>(size));
  const Attention attention{text.heads, text.kv_heads, size, scale, 0, past};
  return layers.linear(name + "dense",
                       builder.add(name + "attention", attention, {query, all.key, all.value}),
                       prefix + "dense");
}

ValueId add_layer(Layers& layers, const TextConfig& text, std::int64_t i, ValueId x,
                  std::int64_t past) {
  const std::string name = fmt::format("language.layer.{}.", i);
  const std::string prefix = text_layer(i);
  const ValueId norm =
      layers.layer_norm(name + "norm", x, prefix + "input_layernorm", text.epsilon);
  const ValueId attended = add_attention(layers, text, name, prefix + "self_attn.", norm, past);
  const ValueId wide = layers.linear(name + "fc1", norm, prefix + "mlp.fc1");
  const ValueId active = layers.builder.add(name + "activation", Map{text.activation}, {wide});
  const ValueId narrow = layers.linear(name + "fc2", active, prefix + "mlp.fc2");
  const ValueId middle = layers.add(name + "attention_residual", x, attended);
  return layers.add(name + "output", middle, narrow);
}

ValueId add_logits(Layers& layers, const TextConfig& text, const std::string& name, ValueId x) {
  const ValueId norm =
      layers.layer_norm(name + "norm", x, in_text("model.final_layernorm"), text.epsilon);
  return layers.linear(name + "logits", norm, in_text("lm_head"));
}

/// From the rows of the prompt or of one token on.
void add_language(Layers& layers, const TextConfig& text, ValueId x, std::int64_t past,
                  bool dead_code) {
  GraphBuilder& builder = layers.builder;
  for (std::int64_t i = 0; i < text.layers; ++i) x = add_layer(layers, text, i, x, past);
  builder.stage("head");
  const std::int64_t rows = builder.shape(x).front();
  if (dead_code && rows > 1) {
    const ValueId others = builder.add("head.others", Slice{0, 0, rows - 1}, {x});
    add_logits(layers, text, "head.others.", others);
  }
  if (rows > 1) x = builder.add("head.last", Slice{0, rows - 1, rows}, {x});
  builder.output(add_logits(layers, text, "head.", x));
}

}  // namespace

Graph make_prefill(const Config& config, const TensorTable& tensors, const PromptShape& shape,
                   bool dead_code) {
  ensure(!shape.text.empty(), "a prompt without text around its pictures");
  Layers layers = layers_of("tinyllava.prefill", tensors);
  std::optional<ValueId> pictures;
  if (shape.pictures() > 0) {
    const VisionConfig& vision = config.vision;
    const ValueId images = layers.builder.input(
        "images", DType::kF32, {shape.pictures(), vision.channels, vision.image, vision.image});
    pictures = add_connector(layers, config, add_vision(layers, config, images, dead_code));
  }
  layers.builder.stage("language");
  const ValueId prompt = add_prompt(layers, config, shape, pictures);
  add_language(layers, config.text, prompt, 0, dead_code);
  return layers.builder.finish();
}

Graph make_decode(const Config& config, const TensorTable& tensors, std::int64_t context) {
  Layers layers = layers_of("tinyllava.decode", tensors);
  layers.builder.stage("language");
  add_language(layers, config.text, add_words(layers, 1), context - 1, false);
  return layers.builder.finish();
}

}  // namespace heddle::tinyllava
