// A policy's folder, float or quantised, and the engine that runs it.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/threads.h"
#include "engine/float/float_weights.h"
#include "engine/integer/integer_weights.h"
#include "engine/plan/runner.h"
#include "model/policy.h"

namespace heddle {

/// An engine's run(), whichever it is.
using RunGraph =
    std::function<RunResult(const std::map<std::string, Tensor>& inputs, const TapObserver&)>;

class PolicyFolder {
 public:
  /// `precision` is "f32" or "bf16" for float checkpoints (default f32) and absent for quantised
  /// ones. Throws UserError.
  PolicyFolder(const std::filesystem::path& folder, PolicyOptions options,
               const std::optional<std::string>& precision, ThreadPool& pool);

  [[nodiscard]] const Policy& policy() const { return *policy_; }
  /// "f32", "bf16", "w8a8" or "w4a8".
  [[nodiscard]] const std::string& precision() const { return precision_; }
  /// "float" or "integer".
  [[nodiscard]] std::string engine_name() const { return integer_ ? "integer" : "float"; }
  /// Which instructions the engine uses.
  [[nodiscard]] std::string instructions() const;

  /// Converts the weights that the Graph needs. Throws UserError. This folder must outlive it.
  RunGraph engine(Graph graph);

 private:
  ThreadPool& pool_;
  std::unique_ptr<Policy> policy_;
  std::string precision_;
  std::optional<FloatWeights> float_;
  std::optional<IntegerWeights> integer_;
};

}  // namespace heddle
