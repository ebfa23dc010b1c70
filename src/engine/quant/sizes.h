// The operators and sizes for which docs/arithmetic.md proves that nothing overflows.
#pragma once

#include "model/graph.h"

namespace heddle {

/// Throws UserError for the first operator that the integer arithmetic does not define, or that is
/// larger than it allows.
void check_sizes(const Graph& graph);

}  // namespace heddle
