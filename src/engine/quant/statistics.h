// How large the values of a Graph get: what fractions and smoothing are chosen by.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/float/float_weights.h"
#include "model/graph.h"

namespace heddle {

class ValueStatistics {
 public:
  /// Runs the Graph in float and takes every value in. May be called for Graphs of several shapes
  /// of one model. Throws what FloatEngine does.
  void observe(const Graph& graph, FloatWeights& weights, ThreadPool& pool,
               const std::map<std::string, Tensor>& inputs);

  /// The greatest magnitude of each channel (the last extent) of a value, by the value's name;
  /// empty for one that was not seen.
  [[nodiscard]] const std::vector<float>& channels(const std::string& value) const;

 private:
  void add(const std::string& value, const Tensor& content);

  std::map<std::string, std::vector<float>> channels_;
};

}  // namespace heddle
