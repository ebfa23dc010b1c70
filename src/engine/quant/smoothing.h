// Moving outliers from activations into weights, exactly as far as real numbers go: what one weight
// divides a channel by, the weights that read the channel multiply it with.
// Xiao et al., "SmoothQuant: Accurate and Efficient Post-Training Quantization for Large Language
// Models", 2023.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/quant/statistics.h"
#include "model/graph.h"
#include "tensor/safetensors.h"

namespace heddle {

/// How to change the float weights before they are rounded.
struct Smoothing {
  /// By matrix: what each of its columns is multiplied with.
  std::map<std::string, std::vector<float>> columns;
  /// By weight (a norm's factors and offset): what each element is divided by.
  std::map<std::string, std::vector<float>> elements;
  /// By value: what each of its channels comes out divided by.
  std::map<std::string, std::vector<float>> values;
};

/// Channel j is divided by max|x_j|^strength / max|w_j|^(1-strength) wherever norms feed nothing
/// but linears. `strength` is in [0,1].
Smoothing plan_smoothing(const Graph& graph, const SafeTensors& weights,
                         const ValueStatistics& statistics, float strength);

}  // namespace heddle
