// Inputs on which every library kernel has something to compute.
#pragma once

#include <string>

#include "kernel/library/library.h"
#include "kernel/support/workload.h"

namespace heddle::kernel {

/// Random arrays, and values for every scalar argument that library kernels have. Integers are of
/// all sizes that their types have, as far as most results neither saturate nor vanish: those that
/// scale others by the ends of their names.
inline Operands library_inputs(const KernelPtr& kernel, std::int64_t offset = 2) {
  Operands inputs(kernel, {{"scale", 0.05},
                           {"inverse_scale", 20},
                           {"router_scale", 0.01},
                           {"epsilon", 0.5},
                           {"offset", static_cast<double>(offset)},
                           {"multiplier", 1 << 30},
                           {"shift", 38},
                           {"multiplier_a", 1 << 29},
                           {"multiplier_b", 1 << 30},
                           {"score_multiplier", 1e9},
                           {"score_shift", 33},
                           {"context_multiplier", 1 << 30},
                           {"context_shift", 46},
                           {"product_multiplier", 1e9},
                           {"product_shift", 36},
                           // The projections of attention_array's default shape.
                           {"step", 0},
                           {"row_words", 64},
                           {"row_scales", 64},
                           {"moving_words", 192},
                           {"octave_count", 1},
                           {"columns", 192},
                           {"values", 1},
                           {"code_words", 192},
                           {"code_scales", 192},
                           {"code_octave_count", 1}});
  std::uint64_t seed = 0;
  for (const Parameter& parameter : kernel->parameters) {
    const auto* array = std::get_if<ArrayParameter>(&parameter);
    if (array == nullptr || !array->array.element.is_integer()) continue;
    const std::string& name = array->array.name;
    Buffer& buffer = inputs.buffer(name);
    const auto fill = [&](double low, double high) { randomise(buffer, low, high, ++seed); };
    const Type& element = array->array.element;
    if (name.ends_with("multiplier")) {
      fill(1 << 29, 1 << 30);
    } else if (name.ends_with("shift")) {
      fill(36, 38);
    } else if (name.ends_with("mantissa") || name == "factor") {
      fill(1 << 15, (1 << 16) - 1);
    } else if (name.ends_with("weight_exponent")) {
      fill(-35, -27);
    } else if (name == "factor_exponent") {
      fill(-18, -13);
    } else if (name.ends_with("exponent")) {
      fill(-3, 3);
    } else if (element == int_type(32)) {
      fill(-(1 << 15), 1 << 15);
    } else if (element.bits() > 8) {
      fill(-(1 << 21), 1 << 21);
    } else {
      fill(static_cast<double>(lowest(element)), static_cast<double>(highest(element)));
    }
  }
  return inputs;
}

}  // namespace heddle::kernel
