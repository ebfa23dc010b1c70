// The sizes for which docs/arithmetic.md proves that nothing overflows.
#pragma once

#include "model/graph.h"

namespace heddle {

/// Throws UserError for the first operator that is larger than the integer arithmetic allows.
void check_sizes(const Graph& graph);

}  // namespace heddle
