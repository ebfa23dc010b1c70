#include "engine/quant/smoothing.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "engine/quant/roles.h"

namespace heddle {
namespace {

/// The linears that read a value; nothing if somebody else does too.
struct Readers {
  std::set<std::string> matrices;
  bool only_linears = true;
};

std::map<std::size_t, Readers> readers_of(const Graph& graph) {
  std::map<std::size_t, Readers> readers;
  for_each_operator(graph.nodes, [&](const Node& node) {
    const bool linear = std::holds_alternative<Linear>(std::get<Operator>(node.what));
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      Readers& of = readers[node.inputs[i].index];
      if (linear && i == 0) {
        of.matrices.insert(graph[node.inputs[1]].name);
      } else {
        of.only_linears = false;
      }
    }
  });
  for (const Node& node : graph.nodes) {
    const auto* loop = std::get_if<Loop>(&node.what);
    if (loop == nullptr) continue;
    for (const auto& carried : loop->carried) readers[carried.next.index].only_linears = false;
  }
  for (const ValueId id : graph.outputs) readers[id.index].only_linears = false;
  return readers;
}

/// The greatest magnitude in each column of a matrix, and of those before.
void take_columns(const TensorView& matrix, std::vector<float>& greatest) {
  const std::vector<float> numbers = to_floats(matrix);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    float& most = greatest[i % greatest.size()];
    most = std::max(most, std::abs(numbers[i]));
  }
}

}  // namespace

Smoothing plan_smoothing(const Graph& graph, const SafeTensors& weights,
                         const ValueStatistics& statistics, float strength) {
  Smoothing smoothing;
  const std::map<std::size_t, Readers> readers = readers_of(graph);
  for_each_operator(graph.nodes, [&](const Node& node) {
    const auto& op = std::get<Operator>(node.what);
    if (!std::holds_alternative<LayerNorm>(op) && !std::holds_alternative<RmsNorm>(op)) return;
    const auto found = readers.find(node.output.index);
    if (found == readers.end() || !found->second.only_linears) return;
    // A weight that two norms share is left alone: its channels may differ between them.
    if (smoothing.elements.contains(graph[node.inputs[1]].name)) return;

    const Value& value = graph[node.output];
    const std::vector<float>& activations = statistics.channels(value.name);
    std::vector<float> columns(activations.size());
    for (const std::string& matrix : found->second.matrices) {
      take_columns(weights.get(matrix), columns);
    }
    std::vector<float> divisors(activations.size(), 1);
    for (std::size_t j = 0; j < divisors.size(); ++j) {
      if (activations[j] <= 0 || columns[j] <= 0) continue;
      divisors[j] = std::pow(activations[j], strength) / std::pow(columns[j], 1 - strength);
    }
    for (const std::string& matrix : found->second.matrices) smoothing.columns[matrix] = divisors;
    for (std::size_t i = 1; i < node.inputs.size(); ++i) {
      smoothing.elements[graph[node.inputs[i]].name] = divisors;
    }
    smoothing.values[value.name] = divisors;
  });
  return smoothing;
}

}  // namespace heddle
