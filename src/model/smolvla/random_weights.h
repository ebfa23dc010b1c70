// Random values for the tensors of a table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

#include "base/threads.h"
#include "model/smolvla/weights.h"

namespace heddle::smolvla {

struct RandomRecipe {
  std::uint64_t seed = 0;
  /// Plants 1 to 4 channels in each residual stream that are 40 to 80 times the rest: rows of the
  /// weights that write them are that much larger. Trained models have such channels in the same
  /// places throughout their layers: Dettmers et al., "LLM.int8()", 2022; Xiao et al.,
  /// "SmoothQuant", 2023; Sun et al., "Massive Activations in Large Language Models", 2024.
  bool outliers = false;
};

/// Writes all tensors of `table` to a safetensors file at `path`. A value depends on the recipe,
/// the tensor's name and the element's index alone, and is computed without any rounding that
/// platforms do differently. Weights are scaled so that activations keep their size through the
/// layers. Throws UserError if the file cannot be written and Interrupted on Ctrl-C.
void write_random_weights(const std::filesystem::path& path, const WeightTable& table,
                          const RandomRecipe& recipe, ThreadPool& pool);

/// The elements of one tensor, in spec.dtype (F32 or BF16), row-major.
std::vector<std::byte> random_weight(const WeightSpec& spec, const RandomRecipe& recipe,
                                     ThreadPool& pool);

}  // namespace heddle::smolvla
