// Binding: one fused node of a Graph becomes a function without arguments, its memory, weights and
// sizes fixed.
#pragma once

#include "engine/float/float_weights.h"
#include "engine/float/kernels.h"
#include "engine/plan/runner.h"

namespace heddle {

/// What binding needs to know; everything outlives the bound functions.
struct BindContext {
  Program& program;
  FloatWeights& weights;
  ThreadPool& pool;

  [[nodiscard]] RowOut place(ValueId id) const {
    return {program.place(id), program.plan.placements[id.index].narrow};
  }
};

/// Throws UserError if a weight is absent or not finite.
BoundStep bind(const FusedNode& node, const BindContext& context);

}  // namespace heddle
