#include "engine/float/engine.h"

#include <chrono>
#include <cstring>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/progress.h"
#include "engine/float/bind.h"
#include "engine/float/fusion.h"
#include "engine/float/memory_plan.h"

namespace heddle {
namespace {

using Clock = std::chrono::steady_clock;

struct Step {
  BoundStep run;
  ValueId output;
};

struct LoopSteps {
  Loop loop;
  std::vector<Step> body;
};

struct StageStep {
  std::variant<Step, LoopSteps> what;
  std::size_t stage;
};

}  // namespace

struct FloatEngine::Program {
  Graph graph;
  FloatWeights& weights;
  MemoryPlan plan;
  Slab memory;
  std::byte* arena = nullptr;
  Scratch scratch;
  std::vector<StageStep> steps;

  Program(Graph g, FloatWeights& w, ThreadPool& pool) : graph(std::move(g)), weights(w) {
    check_processor();
    check_weights();
    const std::vector<FusedStep> fused = fuse(graph);
    plan = plan_memory(graph, fused, weights.precision());
    arena = memory.allocate(plan.arena_bytes);
    bind_all(fused, {graph, plan, arena, scratch, weights, pool});
    scratch.memory = memory.allocate(scratch.size);
  }

  void check_processor() const {
    if (weights.precision() == Precision::kBF16 && !kernels().has_bf16) {
      throw UserError("this processor has no bfloat16 instructions (AVX512_BF16)",
                      "use --precision f32");
    }
  }

  void check_weights() const {
    for (const Value& value : graph.values) {
      if (value.kind != ValueKind::kWeight) continue;
      const Shape& found = weights.raw(value.name).shape;
      if (found == value.shape) continue;
      throw UserError(fmt::format("tensor {} has shape {}; the model needs {}", value.name,
                                  to_string(found), to_string(value.shape)),
                      "use the config.json that belongs to this checkpoint");
    }
  }

  void bind_all(const std::vector<FusedStep>& fused, const BindContext& context) {
    Progress progress("preparing weights", fused.size());
    const auto bind_one = [&](const FusedNode& node) {
      check_interrupt();
      return Step{bind(node, context), node.output};
    };
    for (const FusedStep& step : fused) {
      if (const auto* node = std::get_if<FusedNode>(&step)) {
        steps.push_back({bind_one(*node), node->stage});
      } else {
        const auto& loop = std::get<FusedLoop>(step);
        LoopSteps bound{loop.loop, {}};
        for (const FusedNode& inner : loop.body) bound.body.push_back(bind_one(inner));
        steps.push_back({std::move(bound), loop.stage});
      }
      progress.advance();
    }
  }

  [[nodiscard]] std::byte* address(ValueId id) const {
    return graph[id].kind == ValueKind::kConstant
               ? const_cast<std::byte*>(graph[id].constant.bytes.data())
               : arena + plan.placements[id.index].offset;
  }

  void store_inputs(const std::map<std::string, Tensor>& inputs, const Observer& observer) {
    for (std::size_t i = 0; i < graph.values.size(); ++i) {
      const Value& value = graph.values[i];
      if (value.kind != ValueKind::kInput) continue;
      const auto found = inputs.find(value.name);
      ensure(found != inputs.end(), "input {} is missing", value.name);
      const Tensor& input = found->second;
      ensure(input.dtype == value.dtype && input.shape == value.shape, "input {} is {}{}, not {}{}",
             value.name, name_of(input.dtype), to_string(input.shape), name_of(value.dtype),
             to_string(value.shape));
      std::memcpy(address({i}), input.bytes.data(), input.bytes.size());
      show({i}, {}, observer);
    }
  }

  /// The value as a float32 tensor.
  [[nodiscard]] Tensor read(ValueId id) const {
    const DType held = plan.placements[id.index].bf16 ? DType::kBF16 : DType::kF32;
    const auto count = static_cast<std::size_t>(element_count(graph[id].shape));
    const std::vector<float> values =
        to_floats({held, graph[id].shape, {address(id), count * size_of(held)}});
    return Tensor::from_floats(graph[id].shape, values);
  }

  void show(ValueId id, std::optional<std::int64_t> trip, const Observer& observer) const {
    if (!observer) return;
    for (const Tap& tap : graph.taps) {
      if (tap.value != id) continue;
      Tensor whole = read(id);
      if (tap.row) {
        const Shape rest(whole.shape.begin() + 1, whole.shape.end());
        const auto size = static_cast<std::size_t>(element_count(rest));
        whole = Tensor::from_floats(
            rest, whole.floats().subspan(static_cast<std::size_t>(*tap.row) * size, size));
      }
      std::string name = tap.name;
      const std::size_t mark = name.find("{}");
      if (trip && mark != std::string::npos) name.replace(mark, 2, std::to_string(*trip));
      observer(name, whole);
    }
  }

  void run(const Step& step, std::optional<std::int64_t> trip, const Observer& observer,
           Progress& progress) const {
    check_interrupt();
    step.run();
    show(step.output, trip, observer);
    progress.advance();
  }

  void run(const LoopSteps& steps_of_loop, const Observer& observer, Progress& progress) const {
    const Loop& loop = steps_of_loop.loop;
    for (const auto& carried : loop.carried) copy(carried.initial, 0, carried.current);
    for (std::int64_t trip = 0; trip < loop.trips; ++trip) {
      for (const auto& scanned : loop.scanned) copy(scanned.source, trip, scanned.row);
      for (const Step& step : steps_of_loop.body) run(step, trip, observer, progress);
      for (const auto& carried : loop.carried) copy(carried.next, 0, carried.current);
    }
    // A carried value's result lives where its current value does.
    for (const auto& carried : loop.carried) show(carried.result, {}, observer);
  }

  /// Fills `to` from the given row of `from`, rows being as large as `to`. Both are float32.
  void copy(ValueId from, std::int64_t row, ValueId to) const {
    const std::size_t bytes = plan.placements[to.index].bytes;
    std::memcpy(address(to), address(from) + static_cast<std::size_t>(row) * bytes, bytes);
  }

  /// Steps of a whole run, those of loops counted once per trip.
  [[nodiscard]] std::uint64_t count_steps() const {
    std::uint64_t count = 0;
    for (const StageStep& step : steps) {
      const auto* loop = std::get_if<LoopSteps>(&step.what);
      count +=
          loop == nullptr ? 1 : static_cast<std::uint64_t>(loop->loop.trips) * loop->body.size();
    }
    return count;
  }

  RunResult run(const std::map<std::string, Tensor>& inputs, const Observer& observer) {
    RunResult result;
    for (const std::string& stage : graph.stages) result.stages.push_back({stage, 0});
    // One clock for all stages, so that they add up: taking the inputs in counts as the first's.
    Clock::time_point start = Clock::now();
    store_inputs(inputs, observer);
    Progress progress("running", count_steps());
    for (const StageStep& step : steps) {
      if (const auto* single = std::get_if<Step>(&step.what)) {
        run(*single, {}, observer, progress);
      } else {
        run(std::get<LoopSteps>(step.what), observer, progress);
      }
      const Clock::time_point end = Clock::now();
      result.stages[step.stage].milliseconds +=
          std::chrono::duration<double, std::milli>(end - start).count();
      start = end;
    }
    for (const ValueId id : graph.outputs) result.outputs.emplace(graph[id].name, read(id));
    return result;
  }
};

FloatEngine::FloatEngine(Graph graph, FloatWeights& weights, ThreadPool& pool)
    : program_(std::make_unique<Program>(std::move(graph), weights, pool)) {}
FloatEngine::~FloatEngine() = default;
FloatEngine::FloatEngine(FloatEngine&&) noexcept = default;

RunResult FloatEngine::run(const std::map<std::string, Tensor>& inputs, const Observer& observer) {
  return program_->run(inputs, observer);
}

}  // namespace heddle
