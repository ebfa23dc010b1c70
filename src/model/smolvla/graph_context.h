// What the parts of the SmolVLA Graph have in common: the builder, the weights, and the layers they
// are made of.
#pragma once

#include <optional>
#include <string>

#include "model/layers.h"
#include "model/policy.h"
#include "model/smolvla/config.h"
#include "model/smolvla/weights.h"

namespace heddle::smolvla {

/// Names of values are given as "vision.layer.3.attention", names of weights as in the checkpoint.
struct GraphContext : Layers {
  const Config& config;
  const PolicyShape& shape;

  GraphContext(const Config& of_config, const PolicyShape& of_shape, const WeightTable& weights);

  [[nodiscard]] std::int64_t camera_count() const { return std::ssize(shape.cameras); }

  // The Llama blocks that the text model and the expert share. `name` and `prefix` end in '.'.

  /// Rotary position embedding of whole heads, x[T, heads * head_size].
  ValueId rope(const std::string& name, ValueId x, std::int64_t first_position);
  /// Grouped-query attention with the text model's heads; what each query sees is said as in
  /// Attention.
  ValueId attention(const std::string& name, ValueId query, KeyValue keys,
                    std::int64_t visible_prefix, std::optional<std::int64_t> causal_offset);
  /// x + o_proj(attended), then that plus its gated MLP.
  ValueId after_attention(const std::string& name, ValueId x, ValueId attended,
                          const std::string& prefix);
};

}  // namespace heddle::smolvla
