// A whole quantised model on every set of kernels and any number of threads against the same model
// computed by the definition alone: every value equal to the bit.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <random>

#include "engine/float/engine.h"
#include "engine/integer/engine.h"
#include "engine/quant/quantise.h"
#include "engine/quant/roles.h"
#include "model/graph_builder.h"
#include "model/registry.h"
#include "scalar_binder.h"
#include "support/scratch.h"
#include "support/user_error.h"

namespace heddle {
namespace {

using Bind = std::function<BoundStep(const FusedNode&, const IntegerContext&)>;
/// By tap.
using Values = std::map<std::string, Tensor>;

/// Runs a Graph with any way to bind its nodes, and shows values as the integers that they are.
class BareEngine final : public StepMaker {
 public:
  BareEngine(Graph graph, IntegerWeights& weights, ThreadPool& pool, Bind bind)
      : weights_(weights),
        pool_(pool),
        bind_(std::move(bind)),
        runner_(std::move(graph), one_by_one, false) {
    const std::vector<Value>& values = runner_.program().graph.values;
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (values[i].kind != ValueKind::kConstant) continue;
      constants_[i] = Tensor(DType::kI32, values[i].shape);
      store({i}, values[i].constant, constants_[i].bytes.data());
    }
    runner_.bind(*this);
  }

  void run(const std::map<std::string, Tensor>& inputs, const TapObserver& observer) {
    runner_.run(inputs, observer);
  }

  BoundStep bind(const FusedNode& node) override {
    return bind_(node, {runner_.program(), weights_, *this, integer_kernels(), pool_});
  }

  void store(ValueId id, const Tensor& input, std::byte* place) override {
    if (input.dtype == DType::kI32) {
      std::memcpy(place, input.bytes.data(), input.bytes.size());
      return;
    }
    const int fraction = weights_.fraction(runner_.program().graph[id].name);
    arith::from_reals(input.floats(),
                      {{reinterpret_cast<std::int32_t*>(place), input.floats().size()}, fraction});
  }

  [[nodiscard]] Tensor load(ValueId id, const std::byte* place) const override {
    Tensor tensor(DType::kI32, runner_.program().graph[id].shape);
    std::memcpy(tensor.bytes.data(), place, tensor.bytes.size());
    return tensor;
  }

  [[nodiscard]] const std::byte* constant(ValueId id) const override {
    return constants_.at(id.index).bytes.data();
  }

 private:
  IntegerWeights& weights_;
  ThreadPool& pool_;
  Bind bind_;
  Runner runner_;
  std::map<std::size_t, Tensor> constants_;  ///< by value
};

/// Pictures of noise, a state, an instruction.
PolicyRequest made_request(const PolicyInfo& info) {
  std::mt19937 random(11);
  PolicyRequest request;
  for (const PolicyCamera& camera : info.cameras) {
    Image& image = request.images[camera.name] = Image(camera.width, camera.height);
    for (std::uint8_t& byte : image.rgb) byte = static_cast<std::uint8_t>(random());
  }
  for (std::int64_t i = 0; i < info.state_size; ++i) {
    request.state.push_back(static_cast<float>(random() % 200) - 100);
  }
  request.task = "put the red cube in the blue bowl";
  request.steps = 2;
  return request;
}

/// What stands between a value's name and the trip in which it was computed.
constexpr const char* kTrip = " in trip ";

/// The Graph with a tap on every Fixed value that it is given or computes, by the value's name.
Graph tapped(Graph graph) {
  graph.taps.clear();
  const auto tap = [&](ValueId id, const std::string& trip = "") {
    if (graph[id].dtype == DType::kF32) graph.taps.push_back({graph[id].name + trip, id, {}});
  };
  for (std::size_t i = 0; i < graph.values.size(); ++i) {
    if (graph.values[i].kind == ValueKind::kInput) tap({i});
  }
  for (const Node& node : graph.nodes) {
    if (const auto* loop = std::get_if<Loop>(&node.what)) {
      for (const Node& inner : loop->body) tap(inner.output, kTrip + std::string("{}"));
      for (const Loop::Carried& carried : loop->carried) tap(carried.result);
    } else {
      tap(node.output);
    }
  }
  return graph;
}

/// A synthetic policy, quantised.
class WholeModelTest : public testing::TestWithParam<int> {
 protected:
  WholeModelTest() {
    synthesise({"smolvla", "tiny", 3, scratch / "float", false, 2});
    const std::unique_ptr<Policy> policy = open_policy(scratch / "float");
    const PolicyRequest request = made_request(policy->info());
    inputs = policy->inputs(request);
    const Graph plain = policy->graph(policy->shape(request));
    graph = tapped(plain);
    ThreadPool pool(2);
    FloatWeights weights(policy->weights(), FloatPrecision::kF32, pool);
    ValueStatistics statistics;
    statistics.observe(plain, weights, pool, inputs);
    exact = FloatEngine(plain, weights, pool).run(inputs).outputs.begin()->second;
    std::filesystem::create_directory(scratch / "integer");
    quantise(plain, policy->weights(), statistics, {.weight_bits = GetParam(), .group = 32}, pool,
             scratch / "integer");
  }
  ~WholeModelTest() override { unsetenv("HEDDLE_ISA"); }

  /// Every value as integers.
  Values run(int threads, const Bind& bind) {
    const SafeTensors checkpoint(scratch / "integer");
    ThreadPool pool(threads);
    IntegerWeights weights(checkpoint, format(), pool);
    Values values;
    BareEngine(graph, weights, pool, bind)
        .run(inputs, [&](const std::string& name, const Tensor& v) {
          EXPECT_TRUE(values.emplace(name, v).second) << name << " was computed twice";
        });
    return values;
  }
  Values run_by_definition() {
    const SafeTensors checkpoint(scratch / "integer");
    return run(1, [&](const FusedNode& node, const IntegerContext& context) {
      return bind_scalar(node, context, checkpoint);
    });
  }
  [[nodiscard]] QuantisationFormat format() const { return read_quantisation(scratch / "integer"); }

  Scratch scratch;
  Graph graph;
  std::map<std::string, Tensor> inputs;
  Tensor exact;  ///< the result in float32
};

INSTANTIATE_TEST_SUITE_P(Bits, WholeModelTest, testing::Values(8, 4),
                         [](const auto& test) { return "w" + std::to_string(test.param); });

std::int64_t numbers_in(const Values& values) {
  std::int64_t count = 0;
  for (const auto& [name, value] : values) count += element_count(value.shape);
  return count;
}

TEST_P(WholeModelTest, EveryValueIsTheDefinitions) {
  const Values wanted = run_by_definition();
  EXPECT_GT(numbers_in(wanted), 100'000);
  for (const IntegerKernels* kernels : supported_integer_kernels()) {
    setenv("HEDDLE_ISA", kernels->name, 1);
    for (const int threads : {1, 2, 4}) {
      const Values found = run(threads, bind);
      ASSERT_EQ(found.size(), wanted.size());
      for (const auto& [name, value] : wanted) {
        ASSERT_EQ(found.at(name).bytes == value.bytes, true)
            << name << " differs on " << kernels->name << " with " << threads << " threads";
      }
    }
  }
  std::printf("  %zu values, %lld numbers\n", wanted.size(),
              static_cast<long long>(numbers_in(wanted)));
}

/// What the engine shows and gives is the same integers, as float32.
TEST_P(WholeModelTest, TheEngineShowsTheDefinitionsNumbers) {
  const Values wanted = run_by_definition();
  const SafeTensors checkpoint(scratch / "integer");
  ThreadPool pool(2);
  IntegerWeights weights(checkpoint, format(), pool);
  std::size_t shown = 0;
  const auto expect_wanted = [&](const std::string& name, const Tensor& found) {
    const int fraction = weights.fraction(name.substr(0, name.find(kTrip)));
    std::vector<std::int32_t> numbers(found.floats().size());
    std::memcpy(numbers.data(), wanted.at(name).bytes.data(), found.bytes.size());
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      ASSERT_EQ(found.floats()[i], arith::to_real(numbers[i], fraction)) << name << " at " << i;
    }
    ++shown;
  };
  const RunResult result = IntegerEngine(graph, weights, pool).run(inputs, expect_wanted);
  EXPECT_EQ(shown, wanted.size());
  EXPECT_EQ(result.outputs.size(), 1U);
  for (const auto& [name, tensor] : result.outputs) expect_wanted(name, tensor);
}

/// Whatever is wrong in choosing fractions, scales or codes shows here.
TEST_P(WholeModelTest, TheResultIsNearThatInFloat) {
  const SafeTensors checkpoint(scratch / "integer");
  ThreadPool pool(2);
  IntegerWeights weights(checkpoint, format(), pool);
  const Tensor found = IntegerEngine(graph, weights, pool).run(inputs).outputs.begin()->second;
  double signal = 0;
  double noise = 0;
  for (std::size_t i = 0; i < exact.floats().size(); ++i) {
    const double error = double{found.floats()[i]} - exact.floats()[i];
    signal += double{exact.floats()[i]} * exact.floats()[i];
    noise += error * error;
  }
  const double decibels = 10 * std::log10(signal / noise);
  std::printf("  %.1f dB\n", decibels);
  EXPECT_GT(decibels, GetParam() == 8 ? 35 : 20);
}

TEST_P(WholeModelTest, TooLargeOperatorsAreRefused) {
  GraphBuilder builder("wide");
  builder.stage("all");
  const ValueId q = builder.input("q", DType::kF32, {1, 4'097});
  Attention op;
  op.heads = op.kv_heads = 1;
  op.head_dim = 4'097;
  op.visible_prefix = 1;
  builder.output(builder.add("y", op, {q, q, q}));
  const Graph wide = builder.finish();
  const SafeTensors checkpoint(scratch / "integer");
  ThreadPool pool(1);
  IntegerWeights weights(checkpoint, format(), pool);
  expect_parts(user_error([&] { IntegerEngine(wide, weights, pool); }), {"y has 4097", "4096"});
  expect_parts(user_error([&] {
                 quantise(wide, checkpoint, {}, {.weight_bits = GetParam(), .group = 32}, pool,
                          scratch / "wide");
               }),
               {"y has 4097", "4096"});
}

/// Or the tests above would not see them.
TEST_P(WholeModelTest, MatricesHaveTheBitsThatWereAskedFor) {
  const SafeTensors checkpoint(scratch / "integer");
  std::map<DType, int> matrices;
  for (const auto& [name, role] : weight_roles(graph)) {
    if (role == WeightRole::kMatrix) ++matrices[checkpoint.get(name).dtype];
  }
  EXPECT_GE(matrices[GetParam() == 4 ? DType::kU8 : DType::kI8], 20);
}

}  // namespace
}  // namespace heddle
