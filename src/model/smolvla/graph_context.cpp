#include "model/smolvla/graph_context.h"

#include <cmath>

namespace heddle::smolvla {
namespace {

/// The base of rotary position embedding, for text model and expert alike. LeRobot has a function
/// of its own for it and does not read the backbone's "rope_theta".
constexpr double kRopeTheta = 10'000;

}  // namespace

GraphContext::GraphContext(const Config& of_config, const PolicyShape& of_shape,
                           const WeightTable& weights)
    : Layers{GraphBuilder("smolvla"),
             [&weights](const std::string& name) {
               const WeightSpec* spec = weights.find(name);
               return spec == nullptr ? nullptr : &spec->shape;
             }},
      config(of_config),
      shape(of_shape) {}

ValueId GraphContext::rope(const std::string& name, ValueId x, std::int64_t first_position) {
  const std::int64_t size = config.backbone.text.head_size;
  return builder.add(name, Rope{size, size, kRopeTheta, first_position}, {x});
}

ValueId GraphContext::attention(const std::string& name, ValueId query, KeyValue keys,
                                std::int64_t visible_prefix,
                                std::optional<std::int64_t> causal_offset) {
  const TextConfig& text = config.backbone.text;
  const double scale = 1 / std::sqrt(static_cast<double>(text.head_size));
  const Attention attention{text.heads, text.kv_heads,  text.head_size,
                            scale,      visible_prefix, causal_offset};
  return builder.add(name, attention, {query, keys.key, keys.value});
}

ValueId GraphContext::after_attention(const std::string& name, ValueId x, ValueId attended,
                                      const std::string& prefix) {
  const TextConfig& text = config.backbone.text;
  const ValueId projected = linear(name + "o", attended, prefix + "self_attn.o_proj");
  const ValueId middle = add(name + "attention_residual", projected, x);
  const ValueId norm = rms_norm(name + "post_attention_norm", middle,
                                prefix + "post_attention_layernorm", text.epsilon);
  const ValueId gate = linear(name + "gate", norm, prefix + "mlp.gate_proj");
  const ValueId up = linear(name + "up", norm, prefix + "mlp.up_proj");
  const ValueId gated = builder.add(name + "gated", Gate{text.activation}, {gate, up});
  const ValueId down = linear(name + "down", gated, prefix + "mlp.down_proj");
  return add(name + "output", down, middle);
}

}  // namespace heddle::smolvla
