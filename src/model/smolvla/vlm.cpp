#include "model/smolvla/vlm.h"

#include <fmt/format.h>

namespace heddle::smolvla {
namespace {

KeyValue add_keys(GraphContext& context, const std::string& name, ValueId norm,
                  const std::string& prefix) {
  const ValueId raw = context.linear(name + "k_raw", norm, prefix + "self_attn.k_proj");
  const ValueId key = context.rope(name + "k", raw, 0);
  const ValueId value = context.linear(name + "v", norm, prefix + "self_attn.v_proj");
  context.builder.tap(name + "k", key);
  context.builder.tap(name + "v", value);
  return {key, value};
}

/// Images and language see each other, not the state; the state, the last row, sees everything.
ValueId add_attention(GraphContext& context, const std::string& name, ValueId norm, KeyValue keys,
                      const std::string& prefix) {
  const std::int64_t length = context.builder.shape(norm).front();
  const ValueId raw = context.linear(name + "q_raw", norm, prefix + "self_attn.q_proj");
  const ValueId query = context.rope(name + "q", raw, 0);
  return context.attention(name + "attention", query, keys, length - 1, 0);
}

}  // namespace

std::vector<KeyValue> add_vlm(GraphContext& context, ValueId prefix, bool dead_code) {
  context.builder.stage("vlm");
  const double epsilon = context.config.backbone.text.epsilon;
  const std::int64_t last = context.config.last_read_layer();
  std::vector<KeyValue> cache;
  ValueId x = prefix;
  for (std::int64_t i = 0; i < context.config.vlm_layers; ++i) {
    const std::string name = fmt::format("vlm.layer.{}.", i);
    const std::string weights = text_layer(i);
    const ValueId norm =
        context.rms_norm(name + "input_norm", x, weights + "input_layernorm", epsilon);
    const KeyValue keys = add_keys(context, name, norm, weights);
    if (i <= last) cache.push_back(keys);
    if (i == last && !dead_code) return cache;
    const ValueId attended = add_attention(context, name, norm, keys, weights);
    x = context.after_attention(name, x, attended, weights);
  }
  context.rms_norm("vlm.norm", x, in_text("norm"), epsilon);
  return cache;
}

}  // namespace heddle::smolvla
