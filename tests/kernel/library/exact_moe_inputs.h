// Mixtures of experts on two arrays, and random inputs for them.
#pragma once

#include "kernel/library/exact_checks.h"
#include "kernel/library/exact_moe_dataflow.h"

namespace heddle::kernel {

inline MoeDataflowShape moe_shape(std::int64_t tokens, std::int64_t hidden, std::int64_t inner,
                                  std::int64_t experts) {
  return {.layer = {.tokens = tokens,
                    .hidden = hidden,
                    .inner = inner,
                    .experts = experts,
                    .x_fraction = 18,
                    .logit_fraction = 21,
                    .up_fraction = 19,
                    .relu_fraction = 20,
                    .down_fraction = 22,
                    .y_fraction = 18},
          .tile_rows = 4,
          .width = 8,
          .quantised = 2};
}

/// The inputs of moe_exact.
inline void prepare(Operands& operands, const ExactMoeShape& layer, std::uint64_t seed) {
  const auto weight = [&](const std::string& name, std::int64_t columns, std::int64_t inner,
                          int change) {
    random_codes(columns, inner, change - 31, ++seed).put_into(operands, name + "_weight");
  };
  quantised(fixed_rows(layer.tokens, layer.hidden, seed), layer.hidden).put_into(operands, "x");
  weight("router", layer.experts, layer.hidden, layer.x_fraction - layer.logit_fraction);
  weight("up", layer.experts * layer.inner, layer.hidden, layer.x_fraction - layer.up_fraction);
  weight("down", layer.experts * layer.hidden, layer.inner,
         layer.relu_fraction - layer.down_fraction);
}

}  // namespace heddle::kernel
