#include "engine/quant/statistics.h"

#include <algorithm>
#include <cmath>

#include "engine/float/engine.h"
#include "engine/quant/roles.h"

namespace heddle {

void ValueStatistics::observe(const Graph& graph, FloatWeights& weights, ThreadPool& pool,
                              const std::map<std::string, Tensor>& inputs) {
  // With a tap on every value nothing is fused away.
  Graph tapped = graph;
  tapped.taps.clear();
  for (std::size_t i = 0; i < graph.values.size(); ++i) {
    const Value& value = graph.values[i];
    if (value.dtype != DType::kF32) continue;
    if (value.kind == ValueKind::kConstant) add(value.name, value.constant);
    if (value.kind == ValueKind::kInput || value.kind == ValueKind::kComputed) {
      tapped.taps.push_back({value.name, {i}, {}});
    }
  }
  const auto moments = moments_by_value(graph);
  FloatEngine engine(std::move(tapped), weights, pool);
  engine.run(inputs, [&](const std::string& name, const Tensor& content) {
    add(name, content);
    const auto found = moments.find(name);
    if (found != moments.end()) found->second->add(content.floats(), pool);
  });
}

ValueStatistics::MomentsByValue ValueStatistics::moments_by_value(const Graph& graph) {
  MomentsByValue moments;
  for_each_operator(graph.nodes, [&](const Node& node) {
    if (!std::holds_alternative<Linear>(std::get<Operator>(node.what))) return;
    const Value& input = graph[node.inputs[0]];
    std::shared_ptr<SecondMoments>& of_matrix = moments_[graph[node.inputs[1]].name];
    std::shared_ptr<SecondMoments>& of_input = moments[input.name];
    if (of_input == nullptr) {
      const auto width = static_cast<std::size_t>(input.shape.back());
      of_input = of_matrix == nullptr ? std::make_shared<SecondMoments>(width) : of_matrix;
    }
    if (of_matrix == nullptr) of_matrix = of_input;
  });
  return moments;
}

void ValueStatistics::add(const std::string& value, const Tensor& content) {
  const std::size_t width =
      content.shape.empty() ? 1 : static_cast<std::size_t>(content.shape.back());
  std::vector<float>& channels = channels_[value];
  channels.resize(width);
  const std::span<const float> numbers = content.floats();
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    channels[i % width] = std::max(channels[i % width], std::abs(numbers[i]));
  }
}

const std::vector<float>& ValueStatistics::channels(const std::string& value) const {
  static const std::vector<float> none;
  const auto found = channels_.find(value);
  return found == channels_.end() ? none : found->second;
}

const SecondMoments* ValueStatistics::moments(const std::string& matrix) const {
  const auto found = moments_.find(matrix);
  return found == moments_.end() ? nullptr : found->second.get();
}

}  // namespace heddle
