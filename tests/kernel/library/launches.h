// Inputs that every library kernel runs on without a fault.
#pragma once

#include <string>

#include "kernel/library/checks.h"

namespace heddle::kernel {

/// Values for every scalar argument that library kernels have.
inline const Scalars kLibraryScalars = {{"scale", 0.05},
                                        {"inverse_scale", 20},
                                        {"router_scale", 0.01},
                                        {"epsilon", 0.5},
                                        {"offset", 2},
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
                                        {"code_octave_count", 1}};

/// Random inputs; multipliers and shifts that go together.
inline Operands library_inputs(const KernelPtr& kernel) {
  Operands inputs(kernel, kLibraryScalars);
  for (const Parameter& parameter : kernel->parameters) {
    if (!std::holds_alternative<ArrayParameter>(parameter)) continue;
    const std::string& array = name_of(parameter);
    if (array.ends_with("multiplier")) randomise(inputs.buffer(array), 1 << 29, 1 << 30, 1);
    if (array.ends_with("shift")) randomise(inputs.buffer(array), 36, 38, 2);
  }
  return inputs;
}

}  // namespace heddle::kernel
