// Checkpoints of SmolVLA with random weights, file by file like the published ones.
#pragma once

#include <string>
#include <vector>

#include "model/synthesis.h"

namespace heddle::smolvla {

/// See heddle::synthesise. "full" has the configuration of the public base checkpoint: its 500
/// tensors with their dtypes. "small" has its widths and few layers. "tiny" is for tests.
void synthesise(const SynthesisRequest& request);

/// "tiny", "small", "full".
std::vector<std::string> synthesis_sizes();

}  // namespace heddle::smolvla
