#include "engine/quant/smoothing.h"

#include <gtest/gtest.h>

#include <map>

#include "engine/float/engine.h"
#include "model/graph_builder.h"
#include "support/scratch.h"

namespace heddle {
namespace {

constexpr std::int64_t kColumns = 6;

/// A checkpoint of random weights, channel 2 of whose norms is far larger than the rest.
class SmoothingTest : public testing::Test {
 protected:
  /// Draws a weight and declares it in the Graph.
  ValueId weight(const std::string& name, const Shape& shape) {
    if (!tensors.contains(name)) {
      Tensor tensor(DType::kF32, shape);
      std::size_t i = 0;
      for (float& x : tensor.floats()) {
        x = static_cast<float>((7919 * (i + 13 * tensors.size()) % 101)) / 50 - 1.01F;
        if (shape.size() == 1 && i == 2) x *= 60;
        ++i;
      }
      tensors.emplace(name, std::move(tensor));
    }
    return builder.weight(name, shape);
  }
  ValueId norm(const std::string& name, ValueId x, const std::string& weights) {
    return builder.add(name, LayerNorm{1e-6},
                       {x, weight(weights + ".w", {kColumns}), weight(weights + ".b", {kColumns})});
  }
  ValueId linear(const std::string& name, ValueId x, const std::string& matrix) {
    return builder.add(name, Linear{}, {x, weight(matrix, {4, kColumns})});
  }

  /// Plans with the strength of one half.
  Smoothing planned() {
    graph = builder.finish();
    std::map<std::string, TensorView> views;
    for (const auto& [name, tensor] : tensors) views.emplace(name, tensor.view());
    write_safetensors(scratch / "float.safetensors", views);
    const SafeTensors checkpoint(scratch / "float.safetensors");
    FloatWeights weights(checkpoint, FloatPrecision::kF32, pool);
    ValueStatistics statistics;
    statistics.observe(graph, weights, pool, inputs());
    return plan_smoothing(graph, checkpoint, statistics, 0.5F);
  }

  std::map<std::string, Tensor> inputs() const {
    Tensor x(DType::kF32, {3, kColumns});
    float next = 0.3F;
    for (float& e : x.floats()) e = next = 3.7F * next * (1 - next);
    return {{"x", std::move(x)}};
  }

  /// What the Graph computes with these weights.
  std::map<std::string, Tensor> outputs(const std::map<std::string, Tensor>& with) {
    std::map<std::string, TensorView> views;
    for (const auto& [name, tensor] : with) views.emplace(name, tensor.view());
    write_safetensors(scratch / "run.safetensors", views);
    const SafeTensors checkpoint(scratch / "run.safetensors");
    FloatWeights weights(checkpoint, FloatPrecision::kF32, pool);
    return FloatEngine(graph, weights, pool).run(inputs()).outputs;
  }

  Scratch scratch;
  ThreadPool pool{1};
  GraphBuilder builder{"smoothing"};
  std::map<std::string, Tensor> tensors;
  Graph graph;
};

TEST_F(SmoothingTest, ChangesWeightsAndNothingThatIsComputedFromThem) {
  builder.stage("all");
  const ValueId x = builder.input("x", DType::kF32, {3, kColumns});
  const ValueId n = norm("n", x, "norm");
  builder.output(linear("first", n, "m1"));
  builder.output(linear("second", n, "m2"));
  const Smoothing smoothing = planned();

  std::map<std::string, Tensor> changed = tensors;
  ASSERT_EQ(smoothing.columns.size(), 2U);
  for (const auto& [name, factors] : smoothing.columns) {
    const std::span<float> numbers = changed.at(name).floats();
    for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] *= factors[i % factors.size()];
  }
  ASSERT_EQ(smoothing.elements.size(), 2U);
  for (const auto& [name, divisors] : smoothing.elements) {
    const std::span<float> numbers = changed.at(name).floats();
    for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] /= divisors[i];
  }
  const std::map<std::string, Tensor> before = outputs(tensors);
  const std::map<std::string, Tensor> after = outputs(changed);
  for (const auto& [name, tensor] : before) {
    for (std::size_t i = 0; i < tensor.floats().size(); ++i) {
      EXPECT_NEAR(after.at(name).floats()[i], tensor.floats()[i], 1e-4) << name;
    }
  }
  // The large channel is divided by more than the others are.
  const std::vector<float>& divisors = smoothing.values.at("n");
  for (std::size_t j = 0; j < divisors.size(); ++j) {
    if (j != 2) {
      EXPECT_GT(divisors[2], 2 * divisors[j]) << j;
    }
  }
}

TEST_F(SmoothingTest, LeavesAloneWhatIsReadElsewhere) {
  builder.stage("all");
  const ValueId x = builder.input("x", DType::kF32, {3, kColumns});
  builder.output(linear("of_x", x, "shared"));
  builder.output(linear("of_norm", norm("n1", x, "norm1"), "shared"));
  builder.output(linear("twice1", norm("n2", x, "norm2"), "m2"));
  builder.output(linear("twice2", norm("n3", x, "norm2"), "m3"));
  builder.tap("n4", norm("n4", x, "norm4"));
  const ValueId added = norm("n5", x, "norm5");
  builder.output(builder.add("sum", Add{}, {added, x}));
  builder.output(linear("of_added", added, "m5"));
  const Smoothing smoothing = planned();
  EXPECT_TRUE(smoothing.columns.empty());
  EXPECT_TRUE(smoothing.elements.empty());
  EXPECT_TRUE(smoothing.values.empty());
}

}  // namespace
}  // namespace heddle
