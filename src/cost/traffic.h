// What crosses the border between a chip and its memory when a Graph runs, stage by stage.
#pragma once

#include <string>
#include <vector>

#include "cost/liveness.h"
#include "cost/work.h"

namespace heddle::cost {

/// How much of the activations stays on chip.
enum class Fusion : std::uint8_t {
  kOperators,  ///< nothing: each operator reads and writes its own
  kChains,     ///< what lives only inside linear, map, add chains (inner_values)
  kStages,     ///< all but what stages and the caller hand to each other
};
/// "operators", "chains", "stages".
const char* name_of(Fusion fusion);
/// Throws UserError that lists them.
Fusion find_fusion(const std::string& name);

struct StageWork {
  std::string name;
  PartWork all;              ///< of its operators; read and written are those of kOperators
  WeightCount distinct;      ///< weights, each once however often it is read
  ActivationCount chains;    ///< that cross at kChains
  ActivationCount received;  ///< from other stages and the caller, each value once
  ActivationCount sent;      ///< to them

  /// All that crosses. Weights cross once for each run of their operator (all.weights).
  [[nodiscard]] ActivationCount crossing(Fusion fusion) const;
};

/// A Graph, counted.
struct GraphWork {
  std::vector<PartWork> operators;
  std::vector<StageWork> stages;  ///< in the order of Graph::stages
  std::vector<Moment> live;       ///< Keeping::kUntilRead
  std::vector<Moment> on_chip;    ///< Keeping::kInStage: what kStages needs room for
};
GraphWork count(const Graph& graph);

/// The weights that Graphs have together, each name once.
WeightCount stored_weights(const std::vector<const Graph*>& graphs);

}  // namespace heddle::cost
