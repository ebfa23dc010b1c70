#include "cost/walk.h"

namespace heddle::cost {
namespace {

/// How often each value is read, be it by nodes, loops or the caller.
std::vector<int> count_readers(const Graph& graph) {
  std::vector<int> readers(graph.values.size(), 0);
  for (const Node& node : graph.nodes) {
    for (const ValueId read : reads_of(node)) ++readers[read.index];
    const auto* loop = std::get_if<Loop>(&node.what);
    if (loop == nullptr) continue;
    for (const Loop::Carried& carried : loop->carried) ++readers[carried.next.index];
  }
  for (const ValueId output : graph.outputs) ++readers[output.index];
  return readers;
}

}  // namespace

std::vector<bool> inner_values(const Graph& graph) {
  const std::vector<int> readers = count_readers(graph);
  std::vector<bool> is_inner(graph.values.size(), false);
  // What a chain of a linear, or of a linear and a map, ends in so far.
  std::vector<bool> ends_in_linear(graph.values.size(), false);
  std::vector<bool> ends_in_map(graph.values.size(), false);
  for_each_operator(graph, [&](const Node& node, const Operator& op, const Loop*) {
    if (std::holds_alternative<Linear>(op)) ends_in_linear[node.output.index] = true;
    const bool is_map = std::holds_alternative<Map>(op);
    if (!is_map && !std::holds_alternative<Add>(op)) return;
    for (const ValueId input : node.inputs) {
      const bool is_open = ends_in_linear[input.index] || (!is_map && ends_in_map[input.index]);
      const bool fits = graph[input].shape == graph[node.output].shape;
      if (!is_open || !fits || readers[input.index] != 1) continue;
      is_inner[input.index] = true;
      ends_in_map[node.output.index] = is_map;
      return;
    }
  });
  return is_inner;
}

}  // namespace heddle::cost
