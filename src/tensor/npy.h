// NumPy's .npy files, for looking at tensors with other tools.
// Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
#pragma once

#include <filesystem>
#include <span>

#include "tensor/tensor.h"

namespace heddle {

/// Writes `values` (as many as `shape` says, row-major) as a little-endian float32 array in format
/// version 1.0. The file appears whole or not at all. Throws UserError if it cannot be written.
void write_npy(const std::filesystem::path& path, const Shape& shape,
               std::span<const float> values);

}  // namespace heddle
