// From a float Graph and its checkpoint to the weights and fractions of the integer Graph.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/threads.h"
#include "engine/quant/format.h"
#include "engine/quant/smoothing.h"
#include "engine/quant/statistics.h"
#include "model/graph.h"
#include "tensor/safetensors.h"

namespace heddle {

struct QuantisationOptions {
  int weight_bits = 8;  ///< of matrices: 8 or 4
  int group = 64;       ///< of 4-bit codes; a matrix whose depth it does not divide has 8 bits
  float smoothing =
      0.5F;  ///< 0 leaves all outliers in the activations, 1 moves them to the weights
};

/// What rounding did to one weight.
struct WeightReport {
  std::string name;
  int bits = 8;
  double least_scale = 0;  ///< of code 1, over the channels
  double greatest_scale = 0;
  double clipped = 0;          ///< share of the elements that were beyond the greatest code
  double signal_to_noise = 0;  ///< dB
};

struct QuantisationReport {
  std::vector<WeightReport> weights;  ///< matrices and tables
};

/// Writes model.safetensors and quantization.json into `folder`, which exists. `weights` is the
/// float checkpoint; what it holds besides the Graph's weights in tensors of at most 64 KiB
/// (statistics) is copied. Throws UserError for weights that are not finite and for a full disk.
QuantisationReport quantise(const Graph& graph, const SafeTensors& weights,
                            const ValueStatistics& statistics, const QuantisationOptions& options,
                            ThreadPool& pool, const std::filesystem::path& folder);

}  // namespace heddle
