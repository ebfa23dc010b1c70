// heddle_bench_float: the float engine's products and attention at the shapes of vision towers,
// language prefixes and action experts. Rates are floating-point operations per second of wall
// time;
// --benchmark_filter chooses, HEDDLE_THREADS sets the number of threads (default: all).
#include <benchmark/benchmark.h>

#include <cmath>
#include <cstdlib>
#include <string>

#include "base/threads.h"
#include "engine/float/bind.h"
#include "model/graph_builder.h"

namespace {

using namespace heddle;

ThreadPool& pool() {
  static ThreadPool shared([] {
    const char* threads = std::getenv("HEDDLE_THREADS");
    return threads == nullptr ? default_threads() : std::max(1, std::atoi(threads));
  }());
  return shared;
}

void set_rate(benchmark::State& state, double operations) {
  state.counters["rate"] =
      benchmark::Counter(operations, benchmark::Counter::kIsIterationInvariantRate);
}

void product(benchmark::State& state, FloatPrecision precision) {
  const std::int64_t m = state.range(0), k = state.range(1), n = state.range(2);
  Slab slab;
  Tensor weight(DType::kF32, {n, k});
  for (float& value : weight.floats()) value = 0.25F;
  const PackedMatrix packed("weight", weight.view(), precision, slab, pool());
  const PackedProduct run(m, packed);
  const std::vector<float> x(static_cast<std::size_t>(m * k));
  std::vector<float> out(static_cast<std::size_t>(m * n));
  for (auto _ : state) run.run(x.data(), {}, {out.data(), false}, pool());
  set_rate(state, 2.0 * static_cast<double>(m * k * n));
}

void attention(benchmark::State& state, FloatPrecision precision) {
  const std::int64_t queries = state.range(0), keys = state.range(1);
  const Attention op{state.range(2), state.range(3), state.range(4), 0.125, keys, {}};
  GraphBuilder builder("attention");
  builder.stage("attention");
  const ValueId q = builder.input("q", DType::kF32, {queries, op.heads * op.head_dim});
  const ValueId kv = builder.input("kv", DType::kF32, {keys, op.kv_heads * op.head_dim});
  builder.output(builder.add("out", op, {q, kv, kv}));
  Program program;
  program.graph = builder.finish();
  const std::vector<FusedStep> steps = fuse(program.graph);
  program.plan = plan_memory(program.graph, steps, precision == FloatPrecision::kBF16);
  // As after a projection: operands in the precision of products.
  for (const ValueId id : {q, kv}) {
    program.plan.placements[id.index].narrow = precision == FloatPrecision::kBF16;
  }
  const std::byte header[10] = {std::byte{2},  {}, {}, {}, {}, {}, {}, {}, std::byte{'{'},
                                std::byte{'}'}};
  const SafeTensors nothing(header, "nothing");
  FloatWeights weights(nothing, precision, pool());
  Slab memory;
  program.arena = memory.allocate(program.plan.arena_bytes);
  const BoundStep run = bind(std::get<FusedNode>(steps.front()), {program, weights, pool()});
  program.scratch.memory = memory.allocate(program.scratch.size);
  for (auto _ : state) run();
  set_rate(state, 4.0 * static_cast<double>(queries * keys * op.heads * op.head_dim));
}

void product_shapes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"m", "k", "n"})->UseRealTime()->Unit(benchmark::kMillisecond);
  for (const auto& shape : std::vector<std::vector<std::int64_t>>{{1024, 768, 768},
                                                                  {1024, 768, 3072},
                                                                  {1024, 3072, 768},
                                                                  {64, 12288, 960},
                                                                  {113, 960, 2560},
                                                                  {113, 2560, 960},
                                                                  {50, 720, 2048},
                                                                  {50, 2048, 720}}) {
    bench->Args(shape);
  }
}

void attention_shapes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"queries", "keys", "heads", "kv_heads", "head_dim"})->UseRealTime();
  bench->Unit(benchmark::kMillisecond);
  bench->Args({1024, 1024, 12, 12, 64})->Args({113, 113, 15, 5, 64})->Args({50, 163, 15, 5, 64});
}

BENCHMARK_CAPTURE(product, f32, FloatPrecision::kF32)->Apply(product_shapes);
BENCHMARK_CAPTURE(product, bf16, FloatPrecision::kBF16)->Apply(product_shapes);
BENCHMARK_CAPTURE(attention, f32, FloatPrecision::kF32)->Apply(attention_shapes);
BENCHMARK_CAPTURE(attention, bf16, FloatPrecision::kBF16)->Apply(attention_shapes);

}  // namespace

BENCHMARK_MAIN();
