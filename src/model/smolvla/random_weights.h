// Random values for the tensors of a table.
#pragma once

#include <cstdint>
#include <filesystem>

#include "base/threads.h"
#include "model/smolvla/weights.h"

namespace heddle::smolvla {

/// Writes all tensors of `table` to a safetensors file at `path`. A value depends on the seed, the
/// tensor's name and the element's index alone, and is computed without any rounding that platforms
/// do differently. Weights are scaled so that activations keep their size through the layers.
/// Throws UserError if the file cannot be written and Interrupted on Ctrl-C.
void write_random_weights(const std::filesystem::path& path, const WeightTable& table,
                          std::uint64_t seed, ThreadPool& pool);

/// The elements of one tensor, in spec.dtype (F32 or BF16), row-major.
std::vector<std::byte> random_weight(const WeightSpec& spec, std::uint64_t seed, ThreadPool& pool);

}  // namespace heddle::smolvla
