// A checkpoint held against the tensors its config leads one to expect.
#pragma once

#include <string>
#include <vector>

#include "model/smolvla/weights.h"
#include "tensor/safetensors.h"

namespace heddle::smolvla {

/// How a checkpoint differs from the table. Names are sorted as the table is, unknown ones by name.
struct WeightComparison {
  std::vector<std::string> missing;         ///< expected and read
  std::vector<std::string> missing_unread;  ///< expected, but no action depends on them
  std::vector<std::string> unknown;         ///< in the checkpoint, not expected
  /// One sentence per tensor of wrong shape or type.
  std::vector<std::string> wrong;
};

WeightComparison compare_weights(const WeightTable& table, const SafeTensors& tensors);

/// Throws UserError unless every tensor that is read is there in its shape, as floating-point
/// numbers. The message names the first that is not, both shapes, and the config keys behind it.
void check_weights(const WeightTable& table, const SafeTensors& tensors, const Config& config);

/// Whether a tensor holds normalisation statistics, which old LeRobot kept among the weights.
bool is_statistics_buffer(std::string_view name);

}  // namespace heddle::smolvla
