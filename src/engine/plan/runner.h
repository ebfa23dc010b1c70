// Running a Graph: memory, the order of its steps, loops, progress, taps and times. What a step
// computes and how values are held is the engine's.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/threads.h"
#include "engine/plan/fusion.h"
#include "engine/plan/memory_plan.h"
#include "engine/plan/slab.h"
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

/// Called with the name and float32 content of each tap, in the order of computation.
using TapObserver = std::function<void(const std::string& name, const Tensor& value)>;

/// Memory that only the step at hand uses. Steps take offsets while they are bound; the memory
/// itself exists once all are.
struct StepScratch {
  std::size_t size = 0;
  std::byte* memory = nullptr;
};

using BoundStep = std::function<void()>;

/// What an engine is to a Runner. Values have 4 bytes an element, or 2 where the plan says narrow.
class StepMaker {
 public:
  virtual ~StepMaker() = default;
  /// A fused node as a function without arguments.
  virtual BoundStep bind(const FusedNode& node) = 0;
  /// Puts an input, of the Value's dtype, into its place.
  virtual void store(ValueId value, const Tensor& input, std::byte* place) = 0;
  /// A value in its place as float32.
  [[nodiscard]] virtual Tensor load(ValueId value, const std::byte* place) const = 0;
  /// A constant as steps read it.
  [[nodiscard]] virtual const std::byte* constant(ValueId value) const = 0;
};

/// What binding needs to know of the program; it outlives the bound steps.
struct Program {
  Graph graph;
  MemoryPlan plan;
  std::byte* arena = nullptr;
  StepScratch scratch;

  [[nodiscard]] std::byte* place(ValueId value) const {
    return arena + plan.placements[value.index].offset;
  }
};

class Runner {
 public:
  /// Plans; the engine then makes its StepMaker from program() and calls bind(). `join` is how
  /// nodes become steps, see plan_memory() for `narrow_operands`.
  Runner(Graph graph, std::vector<FusedStep> (*join)(const Graph&), bool narrow_operands);
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  [[nodiscard]] Program& program() { return program_; }
  [[nodiscard]] const Program& program() const { return program_; }
  /// Binds every step, showing progress. `maker` outlives the Runner.
  void bind(StepMaker& maker);

  /// `inputs` are the Graph's, by name, with exactly their dtypes and shapes.
  RunResult run(const std::map<std::string, Tensor>& inputs, const TapObserver& observer);

 private:
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

  void store_inputs(const std::map<std::string, Tensor>& inputs, const TapObserver& observer);
  void show(ValueId value, std::optional<std::int64_t> trip, const TapObserver& observer) const;
  void run(const Step& step, std::optional<std::int64_t> trip, const TapObserver& observer,
           class Progress& progress) const;
  void run(const LoopSteps& steps, const TapObserver& observer, Progress& progress) const;
  void copy(ValueId from, std::int64_t row, ValueId to) const;
  [[nodiscard]] std::uint64_t count_steps() const;

  Program program_;
  std::vector<FusedStep> fused_;
  Slab memory_;
  StepMaker* maker_ = nullptr;
  std::vector<StageStep> steps_;
};

}  // namespace heddle
