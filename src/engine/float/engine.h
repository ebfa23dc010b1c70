// The float engine: runs a Graph on this machine's processor, in float32 or bfloat16.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/float/float_weights.h"
#include "model/graph.h"

namespace heddle {

struct StageTime {
  std::string stage;
  double milliseconds = 0;
};

struct RunResult {
  std::map<std::string, Tensor> outputs;  ///< float32, by the value's name
  std::vector<StageTime> stages;          ///< in the Graph's order
};

class FloatEngine {
 public:
  /// Called with the name and float32 content of each tap, in the order of computation.
  using Observer = std::function<void(const std::string& name, const Tensor& value)>;

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
  RunResult run(const std::map<std::string, Tensor>& inputs, const Observer& observer = {});

 private:
  struct Program;
  std::unique_ptr<Program> program_;
};

}  // namespace heddle
