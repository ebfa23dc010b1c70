#include "model/smolvla/expert.h"

#include <fmt/format.h>

#include "model/smolvla/time_embedding.h"

namespace heddle::smolvla {
namespace {

std::string layer_name(std::int64_t layer) {
  return fmt::format("expert.layer.{}.", layer);
}

/// What each expert layer attends to, by its own number. Layers of cross-attention project the text
/// model's keys and values once more; these do not depend on the step, so they are made before the
/// loop. (LeRobot makes them in every step.) The keys are rotated already and are not again.
std::vector<KeyValue> project_cache(GraphContext& context, const std::vector<KeyValue>& cache) {
  context.builder.stage("cross_kv");
  std::vector<KeyValue> keys;
  for (std::int64_t layer = 0; layer < std::ssize(cache); ++layer) {
    const auto expert = context.config.expert_layer(layer);
    if (!expert) continue;
    const KeyValue& cached = cache[static_cast<std::size_t>(layer)];
    if (context.config.self_attention(layer)) {
      keys.push_back(cached);
      continue;
    }
    const std::string name = layer_name(*expert) + "cross_";
    const std::string prefix = expert_layer(*expert) + "self_attn.";
    keys.push_back({context.linear(name + "k", cached.key, prefix + "k_proj"),
                    context.linear(name + "v", cached.value, prefix + "v_proj")});
  }
  return keys;
}

/// The actions see the prefix and, causally, each other; their positions go on after the prefix.
ValueId self_attention(GraphContext& context, const std::string& name, ValueId norm,
                       KeyValue prefix_keys, const std::string& prefix) {
  GraphBuilder& builder = context.builder;
  const std::int64_t length = builder.shape(prefix_keys.key).front();
  const ValueId query_raw = context.linear(name + "q_raw", norm, prefix + "self_attn.q_proj");
  const ValueId key_raw = context.linear(name + "k_raw", norm, prefix + "self_attn.k_proj");
  const ValueId own_value = context.linear(name + "v", norm, prefix + "self_attn.v_proj");
  const ValueId query = context.rope(name + "q", query_raw, length);
  const ValueId own_key = context.rope(name + "k", key_raw, length);
  const KeyValue keys{builder.add(name + "all_k", Concat{0}, {prefix_keys.key, own_key}),
                      builder.add(name + "all_v", Concat{0}, {prefix_keys.value, own_value})};
  return context.attention(name + "attention", query, keys, length, length);
}

/// The actions see the whole prefix and not each other; their positions start at zero.
ValueId cross_attention(GraphContext& context, const std::string& name, ValueId norm, KeyValue keys,
                        const std::string& prefix) {
  const ValueId raw = context.linear(name + "q_raw", norm, prefix + "self_attn.q_proj");
  const ValueId query = context.rope(name + "q", raw, 0);
  const std::int64_t length = context.builder.shape(keys.key).front();
  return context.attention(name + "attention", query, keys, length, std::nullopt);
}

ValueId add_layer(GraphContext& context, std::int64_t layer, std::int64_t expert, ValueId x,
                  KeyValue keys) {
  const std::string name = layer_name(expert);
  const std::string prefix = expert_layer(expert);
  const ValueId norm = context.rms_norm(name + "input_norm", x, prefix + "input_layernorm",
                                        context.config.backbone.text.epsilon);
  const ValueId attended = context.config.self_attention(layer)
                               ? self_attention(context, name, norm, keys, prefix)
                               : cross_attention(context, name, norm, keys, prefix);
  return context.after_attention(name, x, attended, prefix);
}

/// One row per action, of where it is and what time it is: [chunk,hidden].
ValueId add_suffix(GraphContext& context, ValueId x, ValueId time) {
  GraphBuilder& builder = context.builder;
  const ValueId actions = context.linear("expert.action_in", x, in_model("action_in_proj"));
  const ValueId times = builder.add("expert.times", Repeat{context.config.chunk}, {time});
  const ValueId joined = builder.add("expert.action_time", Concat{1}, {actions, times});
  const ValueId wide =
      context.linear("expert.action_time_mlp_in", joined, in_model("action_time_mlp_in"));
  const ValueId active = builder.add("expert.action_time_silu", Map{Function::kSilu}, {wide});
  return context.linear("expert.embed", active, in_model("action_time_mlp_out"));
}

ValueId add_velocity(GraphContext& context, ValueId x, ValueId time,
                     const std::vector<KeyValue>& keys) {
  ValueId hidden = add_suffix(context, x, time);
  for (std::int64_t layer = 0; layer < context.config.vlm_layers; ++layer) {
    const auto expert = context.config.expert_layer(layer);
    if (!expert) continue;
    hidden = add_layer(context, layer, *expert, hidden, keys[static_cast<std::size_t>(*expert)]);
  }
  const ValueId norm = context.rms_norm("expert.norm", hidden, in_expert("norm"),
                                        context.config.backbone.text.epsilon);
  return context.linear("expert.velocity", norm, in_model("action_out_proj"));
}

}  // namespace

ValueId add_expert(GraphContext& context, const std::vector<KeyValue>& cache) {
  GraphBuilder& builder = context.builder;
  const std::int64_t steps = context.shape.steps;
  const std::vector<KeyValue> keys = project_cache(context, cache);

  builder.stage("denoise");
  const ValueId noise =
      builder.input("noise", DType::kF32, {context.config.chunk, context.config.max_action_size});
  const ValueId times = builder.constant("denoise.times", time_embedding(context.config, steps));
  builder.begin_loop(steps);
  const ValueId x = builder.carry("denoise.x", noise);
  const ValueId time = builder.scan("denoise.time", times);
  const ValueId velocity = add_velocity(context, x, time, keys);
  builder.tap("expert.step.{}.velocity", velocity);
  const ValueId move =
      builder.add("denoise.move", Scale{-1.0 / static_cast<double>(steps)}, {velocity});
  builder.carry_next(x, context.add("denoise.next", x, move));
  const ValueId actions = builder.end_loop().front();
  builder.tap("actions.raw", actions);
  return actions;
}

}  // namespace heddle::smolvla
