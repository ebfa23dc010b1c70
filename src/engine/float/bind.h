// Binding: one fused node of a Graph becomes a function without arguments, its memory, weights and
// sizes fixed.
#pragma once

#include <functional>

#include "engine/float/float_weights.h"
#include "engine/float/fusion.h"
#include "engine/float/memory_plan.h"

namespace heddle {

/// Memory that only the step at hand uses. Steps take offsets while they are bound; the memory
/// itself exists once all are.
struct Scratch {
  std::size_t size = 0;
  std::byte* memory = nullptr;
};

/// What binding needs to know; everything outlives the bound functions.
struct BindContext {
  const Graph& graph;
  const MemoryPlan& plan;
  std::byte* arena;
  Scratch& scratch;
  FloatWeights& weights;
  ThreadPool& pool;

  [[nodiscard]] RowOut place(ValueId id) const {
    const Placement& placement = plan.placements[id.index];
    return {arena + placement.offset, placement.bf16};
  }
};

using BoundStep = std::function<void()>;

/// Throws UserError if a weight is absent or not finite.
BoundStep bind(const FusedNode& node, const BindContext& context);

}  // namespace heddle
