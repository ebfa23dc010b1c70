// All that is known of a model's work, and of what a board makes of it, as plain values.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "board/board.h"
#include "cost/activations.h"
#include "cost/array.h"
#include "cost/pipeline.h"
#include "cost/roofline.h"
#include "cost/traffic.h"
#include "model/workload.h"

namespace heddle::cost {

struct PhaseWork {
  std::string name;
  std::int64_t runs = 1;  ///< of the Graph for one answer
  GraphWork graph;        ///< of one run
  std::vector<Cache> caches;
};

struct ModelWork {
  std::vector<PhaseWork> phases;
  WeightCount stored;  ///< weights that any phase reads, each once
};
/// Throws UserError for work that is too much to be counted.
ModelWork count(const Workload& workload);

/// The circumstances of a bound.
struct Setting {
  Precision precision;
  Roof roof;
  std::int64_t batch = 1;  ///< requests that share each reading of the weights
  Fusion fusion = Fusion::kStages;
};

/// A stage, in all runs of its phase.
struct StageBound {
  std::size_t phase = 0;
  std::size_t stage = 0;
  double on_chip_bytes = 0;  ///< of activations at once, were only its borders crossed
  /// As asked for; kChains for a stage that asked for kStages and does not fit on the chip.
  Fusion fusion{};
  Bound bound;
};

/// Stages one after the other.
struct ModelBound {
  std::vector<StageBound> stages;
  Load load;  ///< of all
  double seconds = 0;
};
ModelBound bound_of(const ModelWork& work, const Setting& setting);

/// A group of operators that reads its activations from memory and writes them there.
struct PartBound {
  std::size_t phase = 0;
  PartWork part;  ///< in one run
  Bound bound;    ///< in all
};
/// `key` as in grouped().
std::vector<PartBound> bounds_of_parts(const ModelWork& work, const Setting& setting,
                                       std::string (*key)(const std::string& name));

/// Bytes of what must be somewhere while a batch is worked on.
struct MemoryNeed {
  double weights = 0;      ///< that any phase reads
  double cache = 0;        ///< keys and values, of the phase with the most
  double activations = 0;  ///< at the worst moment, the cache included
  [[nodiscard]] double total() const { return weights + activations; }
};
MemoryNeed memory_need(const ModelWork& work, const Precision& precision, std::int64_t batch);

/// The same work under other circumstances.
struct Variant {
  std::string name;  ///< of the precision, fusion or board
  std::int64_t batch = 1;
  double clock_mhz = 0;
  double weight_bytes = 0;  ///< that cross; 0 where there is no bound
  /// None where the board has no rule for the precision.
  std::optional<double> seconds_per_request;
  bool fits = true;  ///< whether the memory holds all
};

/// A stage's products on an array of multipliers.
struct ArrayUse {
  std::size_t phase = 0;
  std::size_t stage = 0;
  ArrayRun run;
};

struct ArrayPlan {
  ArrayShape shape;
  double dsps = 0;               ///< that its multipliers take
  std::vector<ArrayUse> stages;  ///< those with products
  ArrayRun all;
  TileBuffer tile;            ///< for the deepest product
  std::int64_t channels = 0;  ///< of the memory, that bring a word of weights a cycle
};

struct BoardAnalysis {
  Board board;
  Setting setting;
  ModelBound bound;
  std::vector<PartBound> operators;  ///< the same of all layers as one
  std::vector<PartBound> layers;
  MemoryNeed memory;
  std::optional<Pipeline> pipeline;  ///< over bound.stages
  ArrayPlan array;
  std::vector<Variant> precisions;  ///< each at several batches
  std::vector<Variant> fusions;
  std::vector<Variant> boards;  ///< those that the program knows, each at its own clock
};
/// Throws UserError if the board has no rule for the precision, or for a clock that it cannot have.
BoardAnalysis analyse(const ModelWork& work, const Board& board, const Precision& precision,
                      double clock_mhz, std::int64_t batch, Fusion fusion, const ArrayShape& array);

}  // namespace heddle::cost
