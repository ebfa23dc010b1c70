// Memory planning: where each value of a Graph lives while an engine runs it.
#pragma once

#include <cstddef>
#include <vector>

#include "engine/plan/fusion.h"
#include "model/graph.h"

namespace heddle {

struct Placement {
  bool used = false;    ///< false for weights, constants and values that fusion removed
  bool narrow = false;  ///< elements of 2 bytes instead of 4
  std::size_t offset = 0;
  std::size_t bytes = 0;
};

struct MemoryPlan {
  std::vector<Placement> placements;  ///< by value
  std::size_t arena_bytes = 0;
};

/// Gives every input and computed value a place in one arena such that values alive at the same
/// time do not overlap. With `narrow_operands` a value is held in 16 bits if matrix products are
/// all it is for. Places are found greedily, the largest value first (Pisarchyk & Lee, "Efficient
/// Memory Management for Deep Neural Net Inference", 2020, greedy by size).
MemoryPlan plan_memory(const Graph& graph, const std::vector<FusedStep>& steps,
                       bool narrow_operands);

}  // namespace heddle
