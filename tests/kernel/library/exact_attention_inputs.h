// Attention layers on one array, and random inputs for them.
#pragma once

#include "kernel/library/exact_attention_array.h"
#include "kernel/library/exact_checks.h"

namespace heddle::kernel {

inline AttentionArrayShape attention_shape(std::int64_t tokens, std::int64_t hidden,
                                           std::int64_t heads, std::int64_t tile_rows,
                                           std::int64_t lanes) {
  return {.layer = {.tokens = tokens,
                    .hidden = hidden,
                    .heads = heads,
                    .head_dim = 64,
                    .x_fraction = 18,
                    .q_fraction = 19,
                    .k_fraction = 20,
                    .v_fraction = 18,
                    .context_fraction = 17,
                    .y_fraction = 16,
                    .scale = 0.125,
                    .block = tokens},
          .tile_rows = tile_rows,
          .lanes = lanes};
}

/// The inputs of attention_exact.
inline void prepare(Operands& operands, const ExactAttentionShape& layer, std::uint64_t seed) {
  const std::int64_t width = layer.heads * layer.head_dim;
  quantised(fixed_rows(layer.tokens, layer.hidden, seed), layer.hidden).put_into(operands, "x");
  for (const auto& [name, fraction] :
       {std::pair("q_", layer.q_fraction), std::pair("k_", layer.k_fraction),
        std::pair("v_", layer.v_fraction)}) {
    RandomLinear(width, layer.hidden, layer.x_fraction - fraction, ++seed).put_into(operands, name);
  }
  RandomLinear(layer.hidden, width, layer.context_fraction - layer.y_fraction, ++seed)
      .put_into(operands, "out_");
}

}  // namespace heddle::kernel
