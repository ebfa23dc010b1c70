// The work in Graphs, against a naive executor that counts what it multiplies and against counts
// by hand.
#include "cost/work.h"

#include <gtest/gtest.h>

#include "cost/activations.h"
#include "cost/traffic.h"
#include "model/graph_builder.h"
#include "model/registry.h"
#include "support/user_error.h"

namespace heddle::cost {
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

OperationCount operations_of(const Graph& graph) {
  OperationCount all;
  for (const PartWork& part : work_of_operators(graph)) all += part.operations;
  return all;
}

std::int64_t weights_of(const Graph& graph) {
  WeightCount all;
  for (const PartWork& part : work_of_operators(graph)) all += part.weights;
  return elements_of(all);
}

std::int64_t visible_macs_of(const OperationCount& operations) {
  return operations[Operation::kLinear] + operations[Operation::kVisible];
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
  const OperationCount operations = operations_of(graph);
  EXPECT_EQ(macs_of(operations), Counter(false).count(graph));
  EXPECT_EQ(visible_macs_of(operations), Counter(true).count(graph));
  EXPECT_LT(visible_macs_of(operations), macs_of(operations));
  EXPECT_EQ(weights_of(graph), 144 + 72 + 3 * 144);
  std::int64_t products = 0;
  for (const PartWork& part : work_of_operators(graph)) {
    for (const Product& one : part.products) {
      products += one.times * one.rows * one.columns * one.inner;
    }
  }
  EXPECT_EQ(products, macs_of(operations));
}

TEST(Work, OfOperatorsWithoutProducts) {
  GraphBuilder builder("others");
  builder.stage("all");
  const ValueId x = builder.input("x", DType::kF32, {5, 12});
  const ValueId turned = builder.add(
      "turned", Rope{.head_dim = 6, .rotary_dim = 4, .theta = 10, .first_position = 0}, {x});
  const ValueId gated = builder.add("gated", Gate{Function::kSilu}, {turned, x});
  const ValueId scaled = builder.add("scaled", Scale{2}, {gated});
  builder.output(builder.add("sum", Add{}, {scaled, x}));
  const OperationCount operations = operations_of(builder.finish());
  EXPECT_EQ(operations[Operation::kRotated], 5 * 2 * 4);
  EXPECT_EQ(operations[Operation::kFunctions], 60);
  EXPECT_EQ(operations[Operation::kMultiplied], 120);
  EXPECT_EQ(operations[Operation::kAdded], 60);
  EXPECT_EQ(macs_of(operations), 0);
}

/// As a loop would count them, for products that 64 bits do not hold.
TEST(Work, ThatIsTooMuchToCountIsAMistake) {
  EXPECT_EQ(product(1 << 20, 1 << 20, 1 << 20), std::int64_t{1} << 60);
  expect_parts(user_error([] { (void)product(1 << 30, 1 << 30, 1 << 30); }), {"2^63", "config"});
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
    const OperationCount operations = operations_of(graph);
    EXPECT_EQ(macs_of(operations), Counter(false).count(graph));
    EXPECT_EQ(operations[Operation::kFunctions], rows * 10);
    EXPECT_EQ(operations[Operation::kExponentials], rows * 4);
    // At most as many experts are read as there are rows; all are stored.
    EXPECT_EQ(weights_of(graph), 24 + std::min<std::int64_t>(rows, 4) * 120);
    EXPECT_EQ(elements_of(stored_weights({&graph})), 24 + 4 * 120);
  }
}

/// A stage that the naive program is done with in a second.
TEST(Work, OfAPolicyByCounting) {
  const Graph graph = workload("examples/configs/smolvla").phases[0].graph;
  Graph part = graph;
  std::erase_if(part.nodes,
                [&](const Node& node) { return graph.stages[node.stage] != "cross_kv"; });
  const std::int64_t macs = macs_of(operations_of(part));
  EXPECT_GT(macs, 180'000'000);
  EXPECT_EQ(macs, Counter(false).count(part));
}

TEST(Work, GroupsOperatorsByName) {
  EXPECT_EQ(layer_of("vision.layer.3.fc1"), "vision.layer.3");
  EXPECT_EQ(layer_of("vision.post_norm"), "vision");
  EXPECT_EQ(any_layer_of("vision.layer.3.fc1"), "vision.layer.*.fc1");
  const std::vector<PartWork> parts = work_of_operators(small_graph());
  const std::vector<PartWork> all =
      grouped(parts, [](const std::string&) { return std::string("all"); });
  ASSERT_EQ(all.size(), 2U) << "one of each stage";
  OperationCount sum = all[0].operations;
  sum += all[1].operations;
  EXPECT_EQ(sum, operations_of(small_graph()));
}

// ---- what crosses, and what is there at once ----

TEST(Traffic, IsWhatStagesHandOver) {
  const GraphWork work = count(small_graph());
  ASSERT_EQ(work.stages.size(), 2U);
  EXPECT_EQ(work.stages[0].received.total(), 2 * 5 * 12);
  EXPECT_EQ(work.stages[0].sent.total(), 2 * 5 * 12);
  EXPECT_EQ(work.stages[1].received.total(), 2 * 5 * 12);
  EXPECT_EQ(work.stages[1].sent.total(), 10 * 12);
  // A weight that a loop reads three times is there once.
  EXPECT_EQ(elements_of(work.stages[1].all.weights), 3 * 144);
  EXPECT_EQ(elements_of(work.stages[1].distinct), 144);
  // q, k and the attention read 120, 120 and 120 + 2 x 60; they make 120, 60 and 120.
  EXPECT_EQ(work.stages[0].crossing(Fusion::kOperators).total(), 480 + 300);
  // In the loop the linear's result goes straight into the sum.
  EXPECT_EQ(work.stages[1].crossing(Fusion::kOperators).total(), 3 * 5 * 120);
  EXPECT_EQ(work.stages[1].crossing(Fusion::kChains).total(), 3 * 3 * 120);
  EXPECT_EQ(work.stages[1].crossing(Fusion::kStages).total(), 2 * 120);
}

TEST(Liveness, OfALoopThatReadsFromOutside) {
  const GraphWork work = count(small_graph());
  // In the loop: what comes in from outside, what it is moved to, their sum.
  EXPECT_EQ(peak_elements(work.live), 3 * 120);
  EXPECT_EQ(peak_bytes(work.live, find_precision("f32")), 4 * 3 * 120);
  EXPECT_EQ(peak_bytes(work.on_chip, find_precision("f32"), 0), 4 * 300);
}

TEST(Roles, FollowFromTheReaders) {
  const Graph graph = small_graph();
  const auto roles = activation_roles(graph);
  const auto role = [&](const std::string& name) {
    const auto value = std::ranges::find(graph.values, name, &Value::name);
    return roles[static_cast<std::size_t>(value - graph.values.begin())];
  };
  EXPECT_EQ(role("x"), ActivationRole::kOperand);
  EXPECT_EQ(role("q"), ActivationRole::kOperand);
  EXPECT_EQ(role("mixed"), ActivationRole::kValue) << "the loop adds it";
  EXPECT_EQ(role("moved"), ActivationRole::kValue);
  EXPECT_EQ(role("wq"), std::nullopt);
  EXPECT_TRUE(caches(graph).empty());
}

TEST(Roles, OfKeysThatALoopReads) {
  GraphBuilder builder("cached");
  builder.stage("all");
  const ValueId x = builder.input("x", DType::kF32, {7, 12});
  const ValueId k = builder.add("k", Linear{}, {x, builder.weight("wk", {12, 12})});
  const ValueId v = builder.add("v", Linear{}, {x, builder.weight("wv", {12, 12})});
  builder.begin_loop(2);
  const ValueId state = builder.carry("state", x);
  const ValueId seen = builder.add(
      "seen",
      Attention{.heads = 2, .kv_heads = 2, .head_dim = 6, .visible_prefix = 7, .causal_offset = {}},
      {state, k, v});
  builder.carry_next(state, seen);
  builder.output(builder.end_loop().front());
  const std::vector<Cache> found = caches(builder.finish());
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].rows, 7);
  EXPECT_EQ(found[0].values, 2);
  EXPECT_EQ(found[0].per_row, 24);
  EXPECT_EQ(found[0].elements(), 2 * 84);
}

TEST(Precision, BytesOfWeights) {
  WeightCount count;
  count[WeightPart::kGrouped] = 10 * 128;
  count[WeightPart::kOther] = 10 * 100;
  count[WeightPart::kRows] = 20;
  count[WeightPart::kVectors] = 7;
  EXPECT_EQ(elements_of(count), 2287);
  EXPECT_EQ(find_precision("f32").bytes(count), 4 * 2287);
  EXPECT_EQ(find_precision("bf16").bytes(count), 2 * 2287);
  EXPECT_EQ(find_precision("w8a8").bytes(count), 1280 + 1000 + 20 * 3 + 7 * 4);
  // Codes of four bits, a step of a byte for each 64 of them.
  EXPECT_EQ(find_precision("w4a8").bytes(count), 640 + 20 + 1000 + 20 * 3 + 7 * 4);
}

}  // namespace
}  // namespace heddle::cost
