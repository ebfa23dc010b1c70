// Binding: one node of a Graph becomes a function without arguments that computes it by the integer
// arithmetic.
#pragma once

#include "engine/integer/integer_weights.h"
#include "engine/integer/kernels.h"
#include "engine/plan/runner.h"

namespace heddle {

/// What binding needs to know; everything outlives the bound functions.
struct IntegerContext {
  Program& program;
  IntegerWeights& weights;
  const StepMaker& values;
  const IntegerKernels& kernels;
  ThreadPool& pool;

  /// The numbers of a Fixed value, wherever they are held, and its fraction.
  [[nodiscard]] arith::Operand operand(ValueId id) const;
  /// The place of a computed value.
  [[nodiscard]] arith::Result result(ValueId id) const;
};

/// Throws UserError for what is wrong with the weights that the node reads.
BoundStep bind(const FusedNode& node, const IntegerContext& context);

}  // namespace heddle
