// The work in Graphs: against a naive executor that counts what it multiplies, and against the
// figures of the published configurations.
#include "cost/work.h"

#include <gtest/gtest.h>

#include "cost/roofline.h"
#include "model/graph_builder.h"
#include "model/registry.h"

namespace heddle {
namespace {

/// Goes through an operator's multiplications one by one, as a program without any idea would, and
/// counts them. `skip_hidden` leaves out the pairs that a mask hides.
class Counter {
 public:
  explicit Counter(bool skip_hidden) : skip_hidden_(skip_hidden) {}

  std::int64_t count(const Graph& graph) {
    for (const Node& node : graph.nodes) {
      const auto* loop = std::get_if<Loop>(&node.what);
      if (loop == nullptr) {
        run(graph, node);
        continue;
      }
      for (std::int64_t trip = 0; trip < loop->trips; ++trip) {
        for (const Node& inner : loop->body) run(graph, inner);
      }
    }
    return multiplications_;
  }

 private:
  void run(const Graph& graph, const Node& node) {
    const auto& op = std::get<Operator>(node.what);
    const auto shape = [&](std::size_t i) { return graph[node.inputs[i]].shape; };
    if (std::holds_alternative<Linear>(op)) {
      const std::int64_t rows = element_count(shape(0)) / shape(0).back();
      for (std::int64_t row = 0; row < rows; ++row) {
        for (std::int64_t n = 0; n < shape(1)[0]; ++n) {
          for (std::int64_t k = 0; k < shape(0).back(); ++k) multiply();
        }
      }
    }
    if (std::holds_alternative<Experts>(op)) {
      const std::int64_t rows = element_count(shape(0)) / shape(0).back();
      for (std::int64_t row = 0; row < rows; ++row) {
        for (std::int64_t i = 0; i < element_count(shape(1)); ++i) multiply();  // The router,
        for (std::int64_t i = 0; i < element_count(shape(2)); ++i) multiply();  // one expert's
        for (std::int64_t i = 0; i < element_count(shape(3)); ++i) multiply();  // two weights.
      }
    }
    const auto* attention = std::get_if<Attention>(&op);
    if (attention == nullptr) return;
    const Shape q = shape(0);
    const std::int64_t batch = q.size() == 3 ? q[0] : 1;
    const std::int64_t keys = shape(1)[shape(1).size() - 2];
    for (std::int64_t b = 0; b < batch * attention->heads; ++b) {
      for (std::int64_t query = 0; query < q[q.size() - 2]; ++query) {
        for (std::int64_t key = 0; key < keys; ++key) {
          if (skip_hidden_ && key >= attention->visible(query)) continue;
          for (std::int64_t d = 0; d < attention->head_dim; ++d) multiply();  // q k
          for (std::int64_t d = 0; d < attention->head_dim; ++d) multiply();  // p v
        }
      }
    }
  }
  void multiply() { ++multiplications_; }

  bool skip_hidden_;
  std::int64_t multiplications_ = 0;
};

Work total(const Graph& graph) {
  Work all;
  for (const NodeWork& node : work_of_nodes(graph)) all += node.work;
  return all;
}

/// Two pictures' rows, grouped heads, a mask, and a loop that reads a value from outside.
Graph small_graph() {
  GraphBuilder builder("small");
  builder.stage("before");
  const ValueId x = builder.input("x", DType::kF32, {2, 5, 12});
  const ValueId q = builder.add("q", Linear{}, {x, builder.weight("wq", {12, 12})});
  const ValueId k = builder.add("k", Linear{}, {x, builder.weight("wk", {6, 12})});
  const ValueId mixed = builder.add(
      "mixed",
      Attention{.heads = 4, .kv_heads = 2, .head_dim = 3, .visible_prefix = 2, .causal_offset = 0},
      {q, k, k});
  const ValueId flat = builder.add("flat", Reshape{{10, 12}}, {mixed});
  builder.stage("inside");
  builder.begin_loop(3);
  const ValueId state = builder.carry("state", flat);
  const ValueId moved = builder.add("moved", Linear{}, {state, builder.weight("wm", {12, 12})});
  builder.carry_next(state, builder.add("sum", Add{}, {moved, flat}));
  builder.output(builder.end_loop().front());
  return builder.finish();
}

TEST(Work, IsWhatANaiveProgramMultiplies) {
  const Graph graph = small_graph();
  const Work work = total(graph);
  EXPECT_EQ(work.macs, Counter(false).count(graph));
  EXPECT_EQ(work.visible_macs, Counter(true).count(graph));
  EXPECT_LT(work.visible_macs, work.macs);
  EXPECT_EQ(work.weights, 144 + 72 + 3 * 144);
  const std::vector<StageWork> stages = work_of_stages(graph);
  ASSERT_EQ(stages.size(), 2U);
  EXPECT_EQ(stages[0].received, 2 * 5 * 12);
  EXPECT_EQ(stages[0].sent, 2 * 5 * 12);
  EXPECT_EQ(stages[1].received, 2 * 5 * 12);
  EXPECT_EQ(stages[1].sent, 10 * 12);
  // In the loop: what comes in from outside, what it is moved to, their sum.
  EXPECT_EQ(peak_activations(graph), 3 * 120);
}

std::map<std::string, double> giga_macs(const Graph& graph) {
  std::map<std::string, double> result;
  for (const StageWork& stage : work_of_stages(graph)) {
    result[stage.name] = static_cast<double>(stage.work.macs) / 1e9;
  }
  return result;
}

/// The figures of the published SmolVLA, without what no action depends on.
TEST(Work, OfAPublishedPolicy) {
  const std::filesystem::path config = "examples/configs/smolvla/config.json";
  const Workload one = workload(config);
  ASSERT_EQ(one.phases.size(), 1U);
  EXPECT_EQ(one.parameters, 450'046'176);
  auto stages = giga_macs(one.phases[0].graph);
  EXPECT_NEAR(stages["vision"], 106.904, 5e-4);
  EXPECT_NEAR(stages["connector"], 0.755, 5e-4);
  EXPECT_NEAR(stages["vlm"], 17.100, 5e-4);
  EXPECT_NEAR(stages["cross_kv"] + stages["denoise"], 51.397, 5e-4);
  const Work all = total(one.phases[0].graph);
  EXPECT_NEAR(static_cast<double>(all.macs) / 1e9, 176.16, 5e-3);
  EXPECT_NEAR(static_cast<double>(all.weights) / 1e6, 1230, 0.5);
  WorkloadOptions cameras;
  cameras.cameras = 3;
  const Workload three = workload(config, cameras);
  EXPECT_NEAR(static_cast<double>(total(three.phases[0].graph).macs) / 1e9, 413.91, 5e-3);
  // Keys and values of 16 layers, of all rows of the prefix: what the expert reads of them.
  const std::vector<StageWork> parts = work_of_stages(one.phases[0].graph);
  std::int64_t cache = 0;
  for (const StageWork& part : parts) {
    if (part.name == "denoise") cache = part.received;
  }
  EXPECT_EQ(cache, 16 * 2 * 113 * 320 + 50 * 32);
}

TEST(Work, EveryRowRunsOneExpert) {
  for (const std::int64_t rows : {2, 9}) {
    GraphBuilder builder("experts");
    builder.stage("all");
    std::vector<ValueId> inputs = {builder.input("x", DType::kF32, {rows, 6}),
                                   builder.weight("router", {4, 6})};
    for (const char* name : {"a", "b", "c", "d"}) {
      inputs.push_back(builder.weight(std::string(name) + ".wide", {10, 6}));
      inputs.push_back(builder.weight(std::string(name) + ".narrow", {6, 10}));
    }
    builder.output(builder.add("y", Experts{Function::kRelu}, inputs));
    const Graph graph = builder.finish();
    EXPECT_EQ(total(graph).macs, Counter(false).count(graph));
    // At most as many experts are read as there are rows.
    EXPECT_EQ(total(graph).weights, 24 + std::min<std::int64_t>(rows, 4) * 120);
  }
}

TEST(Work, OfTheOtherPublishedConfigurations) {
  const auto decoded = [](const Workload& model) { return total(model.phases[1].graph); };
  const Workload chat = workload("examples/configs/tinyllava");
  EXPECT_NEAR(static_cast<double>(decoded(chat).visible_macs) / 1e9, 2.774, 5e-4);
  // All layers and the head, and one row of the embedding: models' bytes at 8 bits a number.
  EXPECT_NEAR(static_cast<double>(decoded(chat).weights) / 1e6, 2648.6, 0.1);
  const Workload experts = workload("examples/configs/switch");
  // Of each layer with experts one of the eight; q and o of both attentions, k and v of the first.
  const double layers = 12 * 6 * 0.589824 + 6 * 4.718592 + 6 * (0.006144 + 4.718592);
  const double norms_and_bias = (37 * 768 + 32 * 12) / 1e6;
  EXPECT_NEAR(static_cast<double>(decoded(experts).weights) / 1e6,
              layers + norms_and_bias + (1 + 32128) * 768 / 1e6, 1e-6);
}

/// A stage that the naive program is done with in a second.
TEST(Work, OfAPolicyByCounting) {
  const Graph graph = workload("examples/configs/smolvla").phases[0].graph;
  Graph part = graph;
  std::erase_if(part.nodes,
                [&](const Node& node) { return graph.stages[node.stage] != "cross_kv"; });
  EXPECT_GT(total(part).macs, 180'000'000);
  EXPECT_EQ(total(part).macs, Counter(false).count(part));
}

TEST(Roofline, OfAStageByHand) {
  Board board;
  board.name = "small";
  board.resources[Resource::kDsp] = 10;
  board.dsp_rules = {{"int8", "int8", 2}};
  board.memories = {{"ddr", "DDR4", 2, 1 << 20, 64, 1.5, 1.0, std::nullopt}};
  const Roof roof = roof_of(board, find_precision("w8a8"), 100);
  EXPECT_EQ(roof.macs_per_second, 2e9);
  EXPECT_EQ(roof.bytes_per_second, 2e9);
  StageWork stage;
  stage.work = {6'000'000, 6'000'000, 1'000'000, 500'000, 300'000};
  stage.received = 40'000;
  stage.sent = 60'000;
  const Bound kept = bound_of(stage, roof, find_precision("w8a8"), 1, Fusion::kStages);
  EXPECT_DOUBLE_EQ(kept.compute_seconds, 3e-3);
  EXPECT_DOUBLE_EQ(kept.memory_seconds, 0.55e-3);
  EXPECT_TRUE(kept.is_compute_bound());
  EXPECT_DOUBLE_EQ(kept.intensity(), 6e6 / 1.1e6);
  // Two requests share the weights, not the activations.
  const Bound two = bound_of(stage, roof, find_precision("w8a8"), 2, Fusion::kOperators);
  EXPECT_DOUBLE_EQ(two.weight_bytes, 1e6);
  EXPECT_DOUBLE_EQ(two.activation_bytes, 1.6e6);
  EXPECT_DOUBLE_EQ(two.seconds(), 6e-3);
}

}  // namespace
}  // namespace heddle
