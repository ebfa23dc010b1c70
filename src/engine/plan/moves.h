// The operators that only move elements, as copies of runs of neighbours.
#pragma once

#include <functional>
#include <vector>

#include "engine/plan/fusion.h"

namespace heddle {

/// For i in [0,count): `run` elements from input[source(i)] on go to output[target(i)] on, both
/// counted from the first element.
struct Move {
  std::size_t input = 0;
  std::int64_t run = 0;
  std::int64_t count = 0;
  std::function<std::int64_t(std::int64_t)> source;
  std::function<std::int64_t(std::int64_t)> target;
};

/// Together they fill the output. Empty for an operator that computes something.
std::vector<Move> moves_of(const FusedNode& node, const Graph& graph);

}  // namespace heddle
