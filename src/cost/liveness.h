// Which activations are needed at each moment of a Graph's run.
#pragma once

#include <string>
#include <vector>

#include "cost/precision.h"
#include "model/graph.h"

namespace heddle::cost {

/// An operator while it runs: its operands and its result are all there.
struct Moment {
  std::string name;  ///< of its result
  std::size_t stage = 0;
  ActivationCount live;
};

enum class Keeping {
  kUntilRead,  ///< from when a value is made, or given, until its last reader has run
  kInStage,    ///< in each stage only from its first use there to its last
};

/// Nodes run in their order. Of a loop three trips stand for all: first, middle and last. Values
/// inside chains (inner_values) never exist; views stand for their source; nothing is overwritten
/// in place.
std::vector<Moment> live_activations(const Graph& graph, Keeping keeping);

/// The greatest need among the moments (of a stage, if one is given), in bytes.
double peak_bytes(const std::vector<Moment>& moments, const Precision& precision);
double peak_bytes(const std::vector<Moment>& moments, const Precision& precision,
                  std::size_t stage);
/// The same in elements.
std::int64_t peak_elements(const std::vector<Moment>& moments);

}  // namespace heddle::cost
