#include "engine/quant/statistics.h"

#include <algorithm>
#include <cmath>

#include "engine/float/engine.h"

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
  FloatEngine engine(std::move(tapped), weights, pool);
  engine.run(inputs, [&](const std::string& name, const Tensor& content) { add(name, content); });
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

}  // namespace heddle
