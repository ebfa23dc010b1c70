#include "cost/analysis.h"

#include <algorithm>
#include <array>

#include "base/error.h"

namespace heddle::cost {
namespace {

double on_chip_need(const PhaseWork& phase, std::size_t stage, const Setting& setting) {
  return static_cast<double>(setting.batch) *
         peak_bytes(phase.graph.on_chip, setting.precision, stage);
}

/// The work at other circumstances; no seconds without a rule for the precision.
Variant variant(const ModelWork& work, const Board& board, const std::string& name,
                double clock_mhz, Setting setting) {
  Variant result;
  result.name = name;
  result.batch = setting.batch;
  result.clock_mhz = clock_mhz;
  try {
    setting.roof = roof_of(board, setting.precision, clock_mhz);
  } catch (const UserError&) {
    return result;
  }
  const ModelBound bound = bound_of(work, setting);
  result.weight_bytes = bound.load.weight_bytes;
  result.seconds_per_request = bound.seconds / static_cast<double>(setting.batch);
  result.fits =
      memory_need(work, setting.precision, setting.batch).total() <= setting.roof.memory_bytes;
  return result;
}

ArrayPlan plan_array(const ModelWork& work, const Board& board, const Setting& setting,
                     const ArrayShape& shape) {
  const double macs_per_dsp =
      setting.roof.linear_rate / (setting.roof.dsps * setting.roof.clock_mhz * 1e6);
  ArrayPlan plan;
  plan.shape = shape;
  plan.dsps = static_cast<double>(shape.multipliers()) / macs_per_dsp;
  for (std::size_t p = 0; p < work.phases.size(); ++p) {
    const PhaseWork& phase = work.phases[p];
    for (std::size_t s = 0; s < phase.graph.stages.size(); ++s) {
      std::vector<Product> products = phase.graph.stages[s].all.products;
      if (products.empty()) continue;
      for (Product& one : products) {
        one.times = product(one.times, phase.runs);
        // Requests are rows more under the same weights, and products more of activations.
        std::int64_t& grows = one.is_of_weights ? one.rows : one.times;
        grows = product(grows, setting.batch);
      }
      plan.stages.push_back({p, s, run_on(shape, products, setting.precision)});
      plan.all += plan.stages.back().run;
    }
  }
  plan.tile = tile_buffer(shape, plan.all.inner, setting.precision.operand_bits);
  const auto memory = std::ranges::find(board.memories, setting.roof.memory, &BoardMemory::name);
  plan.channels = channels_for(shape, setting.precision, *memory, setting.roof.clock_mhz);
  return plan;
}

std::vector<Variant> precision_variants(const ModelWork& work, const Board& board,
                                        Setting setting) {
  constexpr std::array<std::int64_t, 4> kBatches = {1, 4, 16, 64};
  std::vector<Variant> all;
  for (const Precision& precision : precisions()) {
    for (const std::int64_t batch : kBatches) {
      setting.precision = precision;
      setting.batch = batch;
      all.push_back(variant(work, board, precision.name, setting.roof.clock_mhz, setting));
    }
  }
  return all;
}

std::vector<Variant> fusion_variants(const ModelWork& work, const Board& board, Setting setting) {
  std::vector<Variant> all;
  for (const Fusion fusion : {Fusion::kOperators, Fusion::kChains, Fusion::kStages}) {
    setting.fusion = fusion;
    all.push_back(variant(work, board, name_of(fusion), setting.roof.clock_mhz, setting));
  }
  return all;
}

std::vector<Variant> board_variants(const ModelWork& work, const Setting& setting) {
  std::vector<Variant> all;
  for (const std::string& name : known_boards()) {
    const Board board = find_board(name);
    all.push_back(variant(work, board, name, board.clock_mhz, setting));
  }
  return all;
}

}  // namespace

ModelWork count(const Workload& workload) {
  ModelWork work;
  std::vector<const Graph*> graphs;
  for (const Phase& phase : workload.phases) {
    work.phases.push_back({phase.name, phase.runs, count(phase.graph), caches(phase.graph)});
    graphs.push_back(&phase.graph);
  }
  work.stored = stored_weights(graphs);
  return work;
}

ModelBound bound_of(const ModelWork& work, const Setting& setting) {
  ModelBound model;
  for (std::size_t p = 0; p < work.phases.size(); ++p) {
    const PhaseWork& phase = work.phases[p];
    for (std::size_t s = 0; s < phase.graph.stages.size(); ++s) {
      const StageWork& stage = phase.graph.stages[s];
      StageBound result{p, s, on_chip_need(phase, s, setting), setting.fusion, {}};
      const bool fits = result.on_chip_bytes <= setting.roof.on_chip_bytes;
      if (setting.fusion == Fusion::kStages && !fits) result.fusion = Fusion::kChains;
      result.bound = bound_of(load_of(stage.all, stage.crossing(result.fusion), setting.precision,
                                      setting.batch, phase.runs),
                              setting.roof);
      model.load += result.bound.load;
      model.seconds += result.bound.seconds();
      model.stages.push_back(result);
    }
  }
  return model;
}

std::vector<PartBound> bounds_of_parts(const ModelWork& work, const Setting& setting,
                                       std::string (*key)(const std::string& name)) {
  std::vector<PartBound> bounds;
  for (std::size_t p = 0; p < work.phases.size(); ++p) {
    const PhaseWork& phase = work.phases[p];
    for (PartWork& part : grouped(phase.graph.operators, key)) {
      ActivationCount crossing = part.read;
      crossing += part.written;
      const Load load = load_of(part, crossing, setting.precision, setting.batch, phase.runs);
      bounds.push_back({p, std::move(part), bound_of(load, setting.roof)});
    }
  }
  return bounds;
}

MemoryNeed memory_need(const ModelWork& work, const Precision& precision, std::int64_t batch) {
  MemoryNeed need;
  need.weights = precision.bytes(work.stored);
  for (const PhaseWork& phase : work.phases) {
    ActivationCount cached;
    for (const Cache& cache : phase.caches) cached[ActivationRole::kCache] += cache.elements();
    need.cache = std::max(need.cache, precision.bytes(cached));
    need.activations = std::max(need.activations, peak_bytes(phase.graph.live, precision));
  }
  need.cache *= static_cast<double>(batch);
  need.activations *= static_cast<double>(batch);
  return need;
}

BoardAnalysis analyse(const ModelWork& work, const Board& board, const Precision& precision,
                      double clock_mhz, std::int64_t batch, Fusion fusion,
                      const ArrayShape& array) {
  BoardAnalysis analysis;
  analysis.board = board;
  analysis.setting = {precision, roof_of(board, precision, clock_mhz), batch, fusion};
  const Setting& setting = analysis.setting;
  analysis.bound = bound_of(work, setting);
  analysis.operators = bounds_of_parts(work, setting, any_layer_of);
  analysis.layers = bounds_of_parts(work, setting, layer_of);
  analysis.memory = memory_need(work, precision, batch);
  std::vector<Bound> stages;
  stages.reserve(analysis.bound.stages.size());
  for (const StageBound& stage : analysis.bound.stages) stages.push_back(stage.bound);
  analysis.pipeline = balanced(stages, setting.roof);
  analysis.array = plan_array(work, board, setting, array);
  analysis.precisions = precision_variants(work, board, setting);
  analysis.fusions = fusion_variants(work, board, setting);
  analysis.boards = board_variants(work, setting);
  return analysis;
}

}  // namespace heddle::cost
