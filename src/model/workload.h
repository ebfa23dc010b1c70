// What a model is asked to do, for those who count work and run nothing: Graphs from a bare
// config.json.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "model/graph.h"

namespace heddle {

/// What is absent is the model's own default.
struct WorkloadOptions {
  std::optional<std::int64_t> cameras;  ///< pictures of a request
  std::optional<std::int64_t> steps;    ///< denoising steps
  std::optional<std::int64_t> tokens;   ///< text tokens of a request
};

/// A Graph, and how often one answer runs it.
struct Phase {
  std::string name;
  Graph graph;
  std::int64_t runs = 1;
};

struct Workload {
  std::string model;  ///< "smolvla"
  /// What the Graphs hold for: "cameras" -> "1".
  std::vector<std::pair<std::string, std::string>> facts;
  std::vector<Phase> phases;
  std::int64_t parameters = 0;  ///< of the whole checkpoint, those included that no answer needs
};

}  // namespace heddle
