// The float engine: runs a Graph on this machine's processor, in float32 or bfloat16.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "engine/float/float_weights.h"
#include "engine/plan/runner.h"
#include "model/graph.h"

namespace heddle {

class FloatEngine {
 public:
  /// Converts the weights that the Graph reads, showing progress, and plans its memory. `weights`
  /// and `pool` must outlive the engine. Throws UserError if a weight is absent, has another shape
  /// than the Graph's, or is not finite; or if the processor lacks what the precision needs.
  FloatEngine(Graph graph, FloatWeights& weights, ThreadPool& pool);
  ~FloatEngine();
  FloatEngine(FloatEngine&&) noexcept;
  FloatEngine& operator=(FloatEngine&&) = delete;

  /// Runs once, showing progress. `inputs` are the Graph's, by name, with exactly their dtypes and
  /// shapes. The result does not depend on the number of threads. Throws UserError for ids outside
  /// their table, Interrupted if the user asked to stop.
  RunResult run(const std::map<std::string, Tensor>& inputs, const TapObserver& observer = {});

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace heddle
