// The work in a Graph, counted from its shapes: multiply-accumulates, and the elements of weights
// and activations that operators touch.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/graph.h"

namespace heddle {

struct Work {
  /// Multiply-accumulates of matrix products and of attention, whose scores are those of all pairs
  /// of a query and a key.
  std::int64_t macs = 0;
  /// The same without the pairs that a mask hides.
  std::int64_t visible_macs = 0;
  /// Elements of weights that are read; of an embedding's table only the rows that are asked for.
  std::int64_t weights = 0;
  /// Elements of activations that operators read and write, were each one to do so by itself.
  std::int64_t read = 0;
  std::int64_t written = 0;

  Work& operator+=(const Work& other);
};

/// What a node does in one run of the Graph: in all trips, if it stands in a loop.
struct NodeWork {
  std::string name;  ///< of its result
  std::string op;
  std::size_t stage = 0;
  std::int64_t trips = 1;
  Work work;
};
std::vector<NodeWork> work_of_nodes(const Graph& graph);

struct StageWork {
  std::string name;
  Work work;
  /// Elements that come in from and go out to other stages and the caller, each once: what must
  /// cross a stage's borders if it keeps all else to itself.
  std::int64_t received = 0;
  std::int64_t sent = 0;
};
/// In the order of Graph::stages.
std::vector<StageWork> work_of_stages(const Graph& graph);

/// The most elements of activations that are needed at one moment, nodes running in their order.
/// Reshaped values and slices share their source's elements.
std::int64_t peak_activations(const Graph& graph);

}  // namespace heddle
