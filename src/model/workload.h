// What a model is asked to do, for those who count work and run nothing: Graphs from a bare
// config.json.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/graph.h"

namespace heddle {

/// What is absent is the model's own default. Given to a model that has no use for it, an option is
/// a mistake.
struct WorkloadOptions {
  std::optional<std::int64_t> cameras;  ///< pictures of a request
  std::optional<std::int64_t> steps;    ///< denoising steps
  std::optional<std::int64_t> tokens;   ///< text tokens of a request
  std::optional<std::int64_t> context;  ///< tokens seen when one is decoded, itself included
  /// Also what no answer depends on, as the reference implementation computes it: nodes whose
  /// results nothing reads.
  bool dead_code = false;
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
  /// Of the whole checkpoint, those included that no answer needs; tied tensors once.
  std::int64_t parameters = 0;
};

/// The option, or `fallback`. Throws UserError, with `what` as in "7 cameras", unless it lies
/// within [1, most].
std::int64_t chosen(const std::optional<std::int64_t>& option, std::int64_t fallback,
                    std::int64_t most, std::string_view what);

/// Throws UserError if an option is given that `model` has no use for.
void refuse(const std::optional<std::int64_t>& option, std::string_view what,
            std::string_view model);

}  // namespace heddle
