#include "engine/plan/runner.h"

#include <chrono>
#include <cstring>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/progress.h"

namespace heddle {

Runner::Runner(Graph graph, std::vector<FusedStep> (*join)(const Graph&), bool narrow_operands) {
  program_.graph = std::move(graph);
  fused_ = join(program_.graph);
  program_.plan = plan_memory(program_.graph, fused_, narrow_operands);
  program_.arena = memory_.allocate(program_.plan.arena_bytes);
}

void Runner::bind(StepMaker& maker) {
  maker_ = &maker;
  Progress progress("preparing weights", fused_.size());
  const auto bind_one = [&](const FusedNode& node) {
    check_interrupt();
    return Step{maker.bind(node), node.output};
  };
  for (const FusedStep& step : fused_) {
    if (const auto* node = std::get_if<FusedNode>(&step)) {
      steps_.push_back({bind_one(*node), node->stage});
    } else {
      const auto& loop = std::get<FusedLoop>(step);
      LoopSteps bound{loop.loop, {}};
      for (const FusedNode& inner : loop.body) bound.body.push_back(bind_one(inner));
      steps_.push_back({std::move(bound), loop.stage});
    }
    progress.advance();
  }
  program_.scratch.memory = memory_.allocate(program_.scratch.size);
}

void Runner::store_inputs(const std::map<std::string, Tensor>& inputs,
                          const TapObserver& observer) {
  for (std::size_t i = 0; i < program_.graph.values.size(); ++i) {
    const Value& value = program_.graph.values[i];
    if (value.kind != ValueKind::kInput) continue;
    const auto found = inputs.find(value.name);
    ensure(found != inputs.end(), "input {} is missing", value.name);
    const Tensor& input = found->second;
    ensure(input.dtype == value.dtype && input.shape == value.shape, "input {} is {}{}, not {}{}",
           value.name, name_of(input.dtype), to_string(input.shape), name_of(value.dtype),
           to_string(value.shape));
    maker_->store({i}, input, program_.place({i}));
    show({i}, {}, observer);
  }
}

void Runner::show(ValueId value, std::optional<std::int64_t> trip,
                  const TapObserver& observer) const {
  if (!observer) return;
  for (const Tap& tap : program_.graph.taps) {
    if (tap.value != value) continue;
    Tensor whole = maker_->load(value, program_.place(value));
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

void Runner::run(const Step& step, std::optional<std::int64_t> trip, const TapObserver& observer,
                 Progress& progress) const {
  check_interrupt();
  step.run();
  show(step.output, trip, observer);
  progress.advance();
}

void Runner::run(const LoopSteps& steps, const TapObserver& observer, Progress& progress) const {
  const Loop& loop = steps.loop;
  for (const auto& carried : loop.carried) copy(carried.initial, 0, carried.current);
  for (std::int64_t trip = 0; trip < loop.trips; ++trip) {
    for (const auto& scanned : loop.scanned) copy(scanned.source, trip, scanned.row);
    for (const Step& step : steps.body) run(step, trip, observer, progress);
    for (const auto& carried : loop.carried) copy(carried.next, 0, carried.current);
  }
  // A carried value's result lives where its current value does.
  for (const auto& carried : loop.carried) show(carried.result, {}, observer);
}

/// Fills `to` from the given row of `from`, rows being as large as `to`. Both have 4 bytes an
/// element.
void Runner::copy(ValueId from, std::int64_t row, ValueId to) const {
  const std::size_t bytes = program_.plan.placements[to.index].bytes;
  const std::byte* source = program_.graph[from].kind == ValueKind::kConstant
                                ? maker_->constant(from)
                                : program_.place(from);
  std::memcpy(program_.place(to), source + static_cast<std::size_t>(row) * bytes, bytes);
}

/// Steps of a whole run, those of loops counted once per trip.
std::uint64_t Runner::count_steps() const {
  std::uint64_t count = 0;
  for (const StageStep& step : steps_) {
    const auto* loop = std::get_if<LoopSteps>(&step.what);
    count += loop == nullptr ? 1 : static_cast<std::uint64_t>(loop->loop.trips) * loop->body.size();
  }
  return count;
}

RunResult Runner::run(const std::map<std::string, Tensor>& inputs, const TapObserver& observer) {
  using Clock = std::chrono::steady_clock;
  const Graph& graph = program_.graph;
  RunResult result;
  for (const std::string& stage : graph.stages) result.stages.push_back({stage, 0});
  // One clock for all stages, so that they add up: taking the inputs in counts as the first's.
  Clock::time_point start = Clock::now();
  store_inputs(inputs, observer);
  Progress progress("running", count_steps());
  for (const StageStep& step : steps_) {
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
  for (const ValueId id : graph.outputs) {
    result.outputs.emplace(graph[id].name, maker_->load(id, program_.place(id)));
  }
  return result;
}

}  // namespace heddle
