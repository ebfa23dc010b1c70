// The float engine against the definition of every operator, whatever is fused and however many
// threads share the work.
#include "engine/float/engine.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>

#include "base/error.h"
#include "model/graph_builder.h"
#include "reference.h"
#include "support/scratch.h"

namespace heddle {
namespace {

/// A Graph with random numbers for everything it is given.
struct Case {
  explicit Case(Graph g) : graph(std::move(g)) {
    std::mt19937 random(7);
    std::normal_distribution<double> normal;
    std::map<std::string, Tensor> weights;
    for (const Value& value : graph.values) {
      if (value.kind == ValueKind::kComputed) continue;
      Tensor tensor(value.dtype, value.shape);
      std::vector<double> doubles;
      for (std::int64_t i = 0; i < element_count(value.shape); ++i) {
        if (value.dtype == DType::kI32) {
          const auto id = static_cast<std::int32_t>(random() % 5);
          std::memcpy(tensor.bytes.data() + i * 4, &id, 4);
          doubles.push_back(id);
        } else if (value.kind == ValueKind::kConstant) {
          doubles.push_back(value.constant.floats()[static_cast<std::size_t>(i)]);
        } else {
          const float number = static_cast<float>(normal(random));
          tensor.floats()[static_cast<std::size_t>(i)] = number;
          doubles.push_back(number);
        }
      }
      given[value.name] = doubles;
      if (value.kind == ValueKind::kInput) inputs.emplace(value.name, tensor);
      if (value.kind == ValueKind::kWeight) weights.emplace(value.name, tensor);
    }
    std::map<std::string, TensorView> views;
    for (const auto& [name, tensor] : weights) views.emplace(name, tensor.view());
    write_safetensors(file, views);
  }

  RunResult run(int threads, FloatPrecision precision = FloatPrecision::kF32,
                const TapObserver& observer = {}) const {
    const SafeTensors checkpoint(file);
    ThreadPool pool(threads);
    FloatWeights packed(checkpoint, precision, pool);
    return FloatEngine(graph, packed, pool).run(inputs, observer);
  }

  /// Largest deviation of any output from the definition, relative to the output's largest element.
  double error(const RunResult& result) const {
    const auto expected = evaluate(graph, given);
    double worst = 0;
    for (const auto& [name, tensor] : result.outputs) {
      const std::vector<double>& wanted = expected.at(name);
      double largest = 1e-9, deviation = 0;
      for (std::size_t i = 0; i < wanted.size(); ++i) {
        largest = std::max(largest, std::abs(wanted[i]));
        deviation = std::max(deviation, std::abs(wanted[i] - tensor.floats()[i]));
      }
      worst = std::max(worst, deviation / largest);
    }
    return worst;
  }

  Graph graph;
  Scratch scratch;
  std::filesystem::path file = scratch.path() / "weights.safetensors";
  std::map<std::string, Tensor> inputs;
  std::map<std::string, std::vector<double>> given;
};

/// A Graph of one operator on inputs of the given shapes.
Graph one(const Operator& op, const std::vector<Shape>& shapes) {
  GraphBuilder builder("one");
  builder.stage("all");
  std::vector<ValueId> inputs;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    const bool weight = i > 0 && !std::holds_alternative<Gate>(op) &&
                        !std::holds_alternative<Attention>(op) &&
                        !std::holds_alternative<Concat>(op) && !std::holds_alternative<Add>(op);
    const std::string name = "in" + std::to_string(i);
    inputs.push_back(weight ? builder.weight(name, shapes[i])
                            : builder.input(name, DType::kF32, shapes[i]));
  }
  builder.output(builder.add("out", op, inputs));
  return builder.finish();
}

void expect_exact(const Operator& op, const std::vector<Shape>& shapes, double tolerance = 3e-6) {
  const Case test(one(op, shapes));
  const double error = test.error(test.run(2));
  std::printf("  %-14s %-60s error %.1e\n", name_of(op).c_str(), parameters_of(op).c_str(), error);
  EXPECT_LE(error, tolerance) << name_of(op) << " " << parameters_of(op);
}

TEST(FloatEngine, EveryOperatorFollowsItsDefinition) {
  for (const std::int64_t rows : {1, 7, 130}) {
    expect_exact(Linear{}, {{rows, 33}, {50, 33}, {50}});
    expect_exact(Linear{}, {{rows, 64}, {200, 64}});
  }
  expect_exact(Linear{}, {{2, 3, 12}, {5, 3, 2, 2}});
  expect_exact(Linear{}, {{300, 1000}, {400, 1000}});
  expect_exact(Add{}, {{4, 3, 17}, {3, 17}});
  expect_exact(Add{}, {{4, 17}, {4, 17}});
  expect_exact(Scale{-1.75}, {{5, 21}});
  for (const Function f :
       {Function::kGeluTanh, Function::kGeluErf, Function::kSilu, Function::kRelu}) {
    expect_exact(Map{f}, {{9, 35}});
    expect_exact(Gate{f}, {{9, 35}, {9, 35}});
  }
  expect_exact(LayerNorm{1e-6}, {{6, 77}, {77}, {77}});
  expect_exact(RmsNorm{1e-5}, {{6, 77}, {77}});
  expect_exact(Rope{16, 16, 10000, 3}, {{9, 48}});
  expect_exact(Rope{80, 32, 10000, 700}, {{9, 160}});
  expect_exact(Patchify{4}, {{2, 3, 8, 12}});
  expect_exact(PixelShuffle{2}, {{3, 16, 5}});
  expect_exact(Reshape{{6, 4}}, {{2, 3, 4}});
  expect_exact(Repeat{5}, {{2, 3}});
  expect_exact(Concat{1}, {{2, 3, 4}, {2, 1, 4}});
  expect_exact(Concat{0}, {{3, 4}, {1, 4}});
  expect_exact(Slice{1, 2, 5}, {{3, 6, 2}});
}

TEST(FloatEngine, AttentionFollowsItsDefinition) {
  for (const std::int64_t dim : {8, 16, 64, 72, 80}) {
    for (const auto& [queries, keys] :
         {std::pair{1, 1}, {5, 7}, {50, 163}, {113, 113}, {49, 128}}) {
      const Shape q = {queries, 6 * dim}, k = {keys, 2 * dim};
      const double scale = 1 / std::sqrt(static_cast<double>(dim));
      expect_exact(Attention{6, 2, dim, scale, keys, {}}, {q, k, k});
      expect_exact(Attention{6, 2, dim, scale, keys - queries > 1 ? 2 : 1, keys - queries},
                   {q, k, k});
    }
  }
  expect_exact(Attention{4, 4, 16, 0.25, 9, {}}, {{3, 10, 64}, {3, 9, 64}, {3, 9, 64}});
  for (const std::int64_t keys : {1, 9, 64, 70}) {
    const Shape q = {2, 5, 64}, k = {2, keys, 64};
    expect_exact(Attention{4, 4, 16, 1, keys, {}}, {q, k, k, {4, 5, keys}});
    if (keys > 5) expect_exact(Attention{4, 4, 16, 0.25, 1, keys - 5}, {q, k, k, {4, 5, keys}});
  }
  // Scores in the hundreds: the exponentials must not overflow.
  expect_exact(Attention{2, 1, 16, 60, 20, {}}, {{6, 32}, {20, 16}, {20, 16}}, 3e-5);
}

/// x, router, and wide[hidden,width] and narrow[width,hidden] for each expert.
std::vector<Shape> expert_shapes(Shape x, std::int64_t experts, std::int64_t hidden) {
  const std::int64_t width = x.back();
  std::vector<Shape> shapes = {std::move(x), {experts, width}};
  for (std::int64_t e = 0; e < experts; ++e) {
    shapes.push_back({hidden, width});
    shapes.push_back({width, hidden});
  }
  return shapes;
}

TEST(FloatEngine, ExpertsFollowTheirDefinition) {
  // More experts than rows, one expert, rows of a batch, experts with many rows.
  for (const auto& [rows, experts] : {std::pair{1, 8}, {3, 8}, {40, 1}, {150, 2}, {100, 5}}) {
    expect_exact(Experts{Function::kRelu}, expert_shapes({rows, 24}, experts, 40));
  }
  expect_exact(Experts{Function::kGeluErf}, expert_shapes({2, 7, 16}, 4, 70));
}

TEST(FloatEngine, RelativeBiasFollowsItsDefinition) {
  for (const bool bidirectional : {false, true}) {
    for (const auto& [queries, keys, first] : {std::tuple{5, 5, 0}, {1, 300, 299}, {200, 200, 0}}) {
      expect_exact(RelativeBias{queries, keys, first, 128, bidirectional}, {{32, 12}}, 0);
    }
  }
}

TEST(FloatEngine, BiasAndExpertsStayCloseInBFloat16) {
  if (!kernels().has_bf16) GTEST_SKIP() << "this processor has no bfloat16 instructions";
  GraphBuilder b("biased");
  b.stage("all");
  const ValueId x = b.input("x", DType::kF32, {20, 32});
  const ValueId bias = b.add("bias", RelativeBias{20, 20, 0, 16, true}, {b.weight("t", {8, 2})});
  const ValueId seen = b.add("seen", Attention{2, 2, 16, 0.1, 20, {}}, {x, x, x, bias});
  std::vector<ValueId> inputs{seen};
  const std::vector<Shape> shapes = expert_shapes({20, 32}, 4, 48);
  for (std::size_t i = 1; i < shapes.size(); ++i) {
    inputs.push_back(b.weight("w" + std::to_string(i), shapes[i]));
  }
  b.output(b.add("out", Experts{Function::kRelu}, inputs));
  const Case test(b.finish());
  EXPECT_LE(test.error(test.run(2)), 1e-5);
  EXPECT_LE(test.error(test.run(2, FloatPrecision::kBF16)), 0.05);
  const RunResult one_thread = test.run(1);
  EXPECT_EQ(test.run(4).outputs.at("out").bytes, one_thread.outputs.at("out").bytes);
}

/// Transformer-like: fusable chains, a loop with everything a loop has, values of long life.
Graph model(bool tap_inner) {
  GraphBuilder b("model");
  b.stage("front");
  const ValueId ids = b.input("ids", DType::kI32, {11});
  const ValueId start = b.input("start", DType::kF32, {6, 40});
  ValueId x = b.add("embedded", Embedding{}, {b.weight("table", {5, 48}), ids});
  for (int i = 0; i < 3; ++i) {
    const std::string p = "layer" + std::to_string(i) + ".";
    const ValueId n =
        b.add(p + "norm", LayerNorm{1e-5}, {x, b.weight(p + "nw", {48}), b.weight(p + "nb", {48})});
    const ValueId q = b.add(p + "q", Linear{}, {n, b.weight(p + "wq", {48, 48})});
    const ValueId k = b.add(p + "k", Linear{}, {n, b.weight(p + "wk", {16, 48})});
    const ValueId v = b.add(p + "v", Linear{}, {n, b.weight(p + "wv", {16, 48})});
    const ValueId a = b.add(p + "a", Attention{3, 1, 16, 0.05, 10, 0},
                            {b.add(p + "qr", Rope{16, 16, 1e4, 0}, {q}),
                             b.add(p + "kr", Rope{16, 16, 1e4, 0}, {k}), v});
    const ValueId o = b.add(p + "o", Linear{}, {a, b.weight(p + "wo", {48, 48})});
    x = b.add(p + "sum", Add{}, {x, o});
    const ValueId h =
        b.add(p + "h", Linear{}, {x, b.weight(p + "w1", {96, 48}), b.weight(p + "b1", {96})});
    const ValueId g = b.add(p + "g", Map{Function::kGeluTanh}, {h});
    if (tap_inner) b.tap(p + "h", h);
    const ValueId d = b.add(p + "d", Linear{}, {g, b.weight(p + "w2", {48, 96})});
    x = b.add(p + "out", Add{}, {b.add(p + "half", Scale{0.1}, {d}), x});
  }
  b.stage("loop");
  const ValueId rows = b.input("rows", DType::kF32, {4, 8});
  b.begin_loop(4);
  const ValueId current = b.carry("current", start);
  const ValueId row = b.scan("row", rows);
  const ValueId wide = b.add("wide", Concat{1}, {current, b.add("row.repeated", Repeat{6}, {row})});
  const ValueId y = b.add("y", Linear{}, {wide, b.weight("wy", {48, 48})});
  const ValueId seen = b.add("seen", Attention{3, 3, 16, 0.02, 11, {}}, {y, x, x});
  const ValueId step = b.add("step", Linear{}, {seen, b.weight("ws", {40, 48})});
  b.tap("step.{}", step);
  b.carry_next(current, b.add("next", Add{}, {current, b.add("small", Scale{0.2}, {step})}));
  const ValueId last = b.end_loop().front();
  b.output(b.add("doubled", Scale{2}, {last}));
  b.output(x);
  return b.finish();
}

TEST(FloatEngine, WholeGraphFollowsItsDefinition) {
  for (const bool tap_inner : {false, true}) {
    const Case test(model(tap_inner));
    const double error = test.error(test.run(2));
    std::printf("  %s chains: error %.1e\n", tap_inner ? "tapped" : "fused", error);
    EXPECT_LE(error, 1e-5);
  }
}

/// A loop that reads a value from outside in its first node only, and hands on the value of the
/// node `next`: later nodes must take neither's place.
Graph loop(std::size_t next) {
  GraphBuilder b("loop");
  b.stage("all");
  const ValueId start = b.input("start", DType::kF32, {8, 32});
  const ValueId outside = b.add("outside", Map{Function::kSilu}, {start});
  b.begin_loop(3);
  const ValueId current = b.carry("current", start);
  std::vector<ValueId> chain = {b.add("sum", Add{}, {current, outside})};
  for (const char* name : {"a", "b", "c"}) {
    chain.push_back(b.add(name, Scale{0.5}, {chain.back()}));
  }
  b.carry_next(current, chain[next]);
  b.output(b.end_loop().front());
  return b.finish();
}

TEST(FloatEngine, WhatALoopNeedsLivesThroughEveryTrip) {
  for (const std::size_t next : {0, 1, 2, 3}) {
    const Case test(loop(next));
    EXPECT_LE(test.error(test.run(1)), 1e-6) << "next is node " << next;
  }
}

TEST(FloatEngine, BFloat16KeepsAddendsWide) {
  if (!kernels().has_bf16) GTEST_SKIP() << "this processor has no bfloat16 instructions";
  GraphBuilder b("addend");
  b.stage("all");
  const ValueId x = b.input("x", DType::kF32, {8, 32});
  const ValueId h = b.add("h", Linear{}, {x, b.weight("w1", {32, 32})});
  // h is the operand of a product and, fused into that product's end, an addend.
  const ValueId y = b.add("y", Linear{}, {h, b.weight("w2", {32, 32})});
  b.output(b.add("sum", Add{}, {h, y}));
  const Case test(b.finish());
  EXPECT_LE(test.error(test.run(1, FloatPrecision::kBF16)), 0.02);
}

TEST(FloatEngine, BFloat16StaysClose) {
  if (!kernels().has_bf16) GTEST_SKIP() << "this processor has no bfloat16 instructions";
  const Case test(model(false));
  const double error = test.error(test.run(2, FloatPrecision::kBF16));
  std::printf("  bfloat16: error %.1e\n", error);
  EXPECT_LE(error, 0.05);
  EXPECT_GT(error, 1e-5) << "this cannot have been bfloat16";
}

TEST(FloatEngine, ThreadsDoNotChangeABit) {
  const Case test(model(false));
  for (const FloatPrecision precision : {FloatPrecision::kF32, FloatPrecision::kBF16}) {
    if (precision == FloatPrecision::kBF16 && !kernels().has_bf16) continue;
    const RunResult one_thread = test.run(1, precision);
    for (const int threads : {2, 3, 4, 8}) {
      for (const auto& [name, tensor] : test.run(threads, precision).outputs) {
        EXPECT_EQ(tensor.bytes, one_thread.outputs.at(name).bytes) << name << " " << threads;
      }
    }
  }
}

TEST(FloatEngine, TapsShowEveryTripOfALoop) {
  const Case test(model(true));
  std::vector<std::string> names;
  (void)test.run(1, FloatPrecision::kF32,
                 [&](const std::string& name, const Tensor&) { names.push_back(name); });
  EXPECT_EQ(names, (std::vector<std::string>{"layer0.h", "layer1.h", "layer2.h", "step.0", "step.1",
                                             "step.2", "step.3"}));
}

TEST(FloatEngine, RefusesWeightsThatAreNotNumbers) {
  for (const float bad : {NAN, INFINITY}) {
    Case test(one(Linear{}, {{2, 4}, {3, 4}}));
    Tensor weight(DType::kF32, {3, 4});
    weight.floats()[7] = bad;
    write_safetensors(test.file, {{"in1", weight.view()}});
    try {
      (void)test.run(1);
      FAIL() << "accepted";
    } catch (const UserError& error) {
      EXPECT_NE(std::string(error.what()).find("in1"), std::string::npos) << error.what();
      EXPECT_NE(std::string(error.what()).find("element 7"), std::string::npos) << error.what();
    }
  }
}

TEST(FloatEngine, RefusesAWeightOfAnotherShape) {
  Case test(one(Linear{}, {{2, 4}, {3, 4}}));
  const Tensor weight(DType::kF32, {4, 3});
  write_safetensors(test.file, {{"in1", weight.view()}});
  EXPECT_THROW((void)test.run(1), UserError);
}

}  // namespace
}  // namespace heddle
