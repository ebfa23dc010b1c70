// How large the values of a Graph get and how the inputs of its linears go together: what
// fractions, smoothing and codes are chosen by.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/float/float_weights.h"
#include "engine/quant/second_moments.h"
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

  /// Of a matrix's inputs, by its name; nullptr for one that was not seen.
  [[nodiscard]] const SecondMoments* moments(const std::string& matrix) const;

 private:
  using MomentsByValue = std::map<std::string, std::shared_ptr<SecondMoments>>;

  void add(const std::string& value, const Tensor& content);
  /// Of the inputs of linears. A matrix that multiplies several values takes them all in.
  MomentsByValue moments_by_value(const Graph& graph);

  std::map<std::string, std::vector<float>> channels_;
  std::map<std::string, std::shared_ptr<SecondMoments>>
      moments_;  ///< shared by one value's readers
};

}  // namespace heddle
