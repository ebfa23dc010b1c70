#include "engine/quant/smoothing.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "engine/quant/roles.h"

namespace heddle {
namespace {

/// Who reads what.
struct Readers {
  /// By value: the matrices that multiply it.
  std::map<std::size_t, std::set<std::string>> matrices;
  /// Values that somebody reads as they are, people (taps) included.
  std::set<std::size_t> as_they_are;
  /// By the name of a value: the places that read it.
  std::map<std::string, int> places;
};

Readers readers_of(const Graph& graph) {
  Readers readers;
  for_each_operator(graph.nodes, [&](const Node& node) {
    const bool linear = std::holds_alternative<Linear>(std::get<Operator>(node.what));
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      ++readers.places[graph[node.inputs[i]].name];
      if (linear && i == 0) {
        readers.matrices[node.inputs[0].index].insert(graph[node.inputs[1]].name);
      } else {
        readers.as_they_are.insert(node.inputs[i].index);
      }
    }
  });
  for (const Node& node : graph.nodes) {
    const auto* loop = std::get_if<Loop>(&node.what);
    if (loop == nullptr) continue;
    for (const auto& carried : loop->carried) {
      readers.as_they_are.insert({carried.initial.index, carried.next.index});
    }
    for (const auto& scanned : loop->scanned) readers.as_they_are.insert(scanned.source.index);
  }
  for (const ValueId id : graph.outputs) readers.as_they_are.insert(id.index);
  for (const Tap& tap : graph.taps) readers.as_they_are.insert(tap.value.index);
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
  const Readers readers = readers_of(graph);
  // A weight that is read elsewhere too would have to be changed there as well.
  const auto is_shared = [&](const std::string& weight) { return readers.places.at(weight) > 1; };
  for_each_operator(graph.nodes, [&](const Node& node) {
    const auto& op = std::get<Operator>(node.what);
    if (!std::holds_alternative<LayerNorm>(op) && !std::holds_alternative<RmsNorm>(op)) return;
    const auto found = readers.matrices.find(node.output.index);
    const bool only_linears =
        found != readers.matrices.end() && !readers.as_they_are.contains(node.output.index);
    if (!only_linears) return;
    const std::set<std::string>& matrices = found->second;
    std::vector<std::string> own;  // the norm's weights
    for (std::size_t i = 1; i < node.inputs.size(); ++i) own.push_back(graph[node.inputs[i]].name);
    if (std::any_of(matrices.begin(), matrices.end(), is_shared) ||
        std::any_of(own.begin(), own.end(), is_shared)) {
      return;
    }

    const Value& value = graph[node.output];
    const std::vector<float>& activations = statistics.channels(value.name);
    std::vector<float> columns(activations.size());
    for (const std::string& matrix : matrices) take_columns(weights.get(matrix), columns);
    std::vector<float> divisors(activations.size(), 1);
    for (std::size_t j = 0; j < divisors.size(); ++j) {
      if (activations[j] <= 0 || columns[j] <= 0) continue;
      divisors[j] = std::pow(activations[j], strength) / std::pow(columns[j], 1 - strength);
    }
    for (const std::string& matrix : matrices) smoothing.columns[matrix] = divisors;
    for (const std::string& weight : own) smoothing.elements[weight] = divisors;
    smoothing.values[value.name] = divisors;
  });
  return smoothing;
}

}  // namespace heddle
