// The integer engine: runs a Graph by the arithmetic of docs/arithmetic.md.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/threads.h"
#include "engine/integer/integer_weights.h"
#include "engine/plan/runner.h"

namespace heddle {

class IntegerEngine {
 public:
  /// `weights` and `pool` must outlive the engine. Throws UserError for what is wrong with the
  /// weights that the Graph reads, and for operators larger than the arithmetic allows.
  IntegerEngine(Graph graph, IntegerWeights& weights, ThreadPool& pool);
  ~IntegerEngine();
  IntegerEngine(IntegerEngine&&) noexcept;
  IntegerEngine& operator=(IntegerEngine&&) = delete;

  /// Runs once, showing progress. `inputs` are the Graph's, by name, with exactly their dtypes and
  /// shapes. The result is the arithmetic's, to the bit. Throws UserError for inputs that are not
  /// finite and ids outside their table, Interrupted if the user asked to stop.
  RunResult run(const std::map<std::string, Tensor>& inputs, const TapObserver& observer = {});

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace heddle
