// Binding: one node of a Graph becomes a function without arguments that computes it by the integer
// arithmetic.
#pragma once

#include "engine/integer/integer_weights.h"
#include "engine/plan/runner.h"

namespace heddle {

/// What binding needs to know; everything outlives the bound functions.
struct IntegerContext {
  Program& program;
  IntegerWeights& weights;
  const StepMaker& values;
  ThreadPool& pool;
};

/// Throws UserError for what is wrong with the weights that the node reads.
BoundStep bind(const FusedNode& node, const IntegerContext& context);

}  // namespace heddle
