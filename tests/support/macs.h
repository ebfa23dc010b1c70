// Multiply-accumulates of a Graph's stages, counted by the operators' definitions.
#pragma once

#include <map>
#include <string>

#include "model/graph.h"

namespace heddle {

struct Macs {
  double linear = 0;   ///< products with weights
  double dense = 0;    ///< of attention, all pairs of a query and a key
  double visible = 0;  ///< of attention, the pairs that the mask shows
};

inline Macs macs_of(const Graph& graph, const Node& node) {
  const auto& op = std::get<Operator>(node.what);
  const auto shape = [&](std::size_t i) -> const Shape& { return graph[node.inputs[i]].shape; };
  const auto count = [&](std::size_t i) { return static_cast<double>(element_count(shape(i))); };
  Macs macs;
  if (std::holds_alternative<Linear>(op)) {
    macs.linear = count(0) * static_cast<double>(shape(1)[0]);
  } else if (std::holds_alternative<Experts>(op)) {  // The router and one expert.
    macs.linear = count(0) * static_cast<double>(shape(1)[0] + 2 * shape(2)[0]);
  } else if (const auto* attention = std::get_if<Attention>(&op)) {
    const std::int64_t queries = shape(0)[shape(0).size() - 2];
    const std::int64_t keys = shape(1)[shape(1).size() - 2];
    std::int64_t pairs = 0;
    for (std::int64_t i = 0; i < queries; ++i) pairs += attention->visible(i);
    macs.dense = 2 * count(0) * static_cast<double>(keys);
    macs.visible = 2 * count(0) / static_cast<double>(queries) * static_cast<double>(pairs);
  }
  return macs;
}

/// By stage, all trips of loops.
inline std::map<std::string, Macs> macs_by_stage(const Graph& graph) {
  std::map<std::string, Macs> stages;
  const auto add = [&](const Node& node, std::int64_t trips) {
    const Macs macs = macs_of(graph, node);
    Macs& sum = stages[graph.stages[node.stage]];
    sum.linear += macs.linear * static_cast<double>(trips);
    sum.dense += macs.dense * static_cast<double>(trips);
    sum.visible += macs.visible * static_cast<double>(trips);
  };
  for (const Node& node : graph.nodes) {
    const auto* loop = std::get_if<Loop>(&node.what);
    if (loop == nullptr) {
      add(node, 1);
      continue;
    }
    for (const Node& inner : loop->body) add(inner, loop->trips);
  }
  return stages;
}

}  // namespace heddle
