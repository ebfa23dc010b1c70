// Bounds from below, pipelines and arrays, against numbers worked out by hand.
#include <gtest/gtest.h>

#include "cost/analysis.h"
#include "cost/w8a8.h"
#include "model/graph_builder.h"
#include "support/user_error.h"

namespace heddle::cost {
namespace {

/// 10 DSPs with two products each, 2 GB/s.
Board small_board() {
  Board board;
  board.name = "small";
  board.clock_mhz = 100;
  board.dsp_clock_mhz = 500;
  board.resources[Resource::kDsp] = 10;
  board.resources[Resource::kBram36] = 1;
  board.dsp_rules = {{"int8", "int8", 2}};
  board.memories = {{"ddr", "DDR4", 2, 1 << 20, 64, 1.5, 1.0, std::nullopt}};
  return board;
}

Roof small_roof() {
  return roof_of(small_board(), w8a8(), 100);
}

TEST(Roofline, OfABoard) {
  const Roof roof = small_roof();
  EXPECT_EQ(roof.linear_rate, 2e9);
  EXPECT_EQ(roof.attention_rate, 2e9);
  EXPECT_EQ(roof.bandwidth, 2e9);
  EXPECT_TRUE(roof.is_sustained);
  EXPECT_EQ(roof.memory_bytes, 2 << 20);
  EXPECT_EQ(roof.on_chip_bytes, 4608);
  EXPECT_EQ(roof.ridge(), 1);
}

TEST(Roofline, NeedsARuleAndAClock) {
  const auto error = [](Board board, const char* precision, double clock_mhz) {
    return user_error([&] { (void)roof_of(board, find_precision(precision), clock_mhz); });
  };
  expect_parts(error(small_board(), "bf16", 100), {"bfloat16", "int8 x int8", "small"});
  expect_parts(error(small_board(), "w8a8", 501), {"501 MHz", "500 MHz at most"});
  expect_parts(error(small_board(), "w8a8", -1), {"-1 MHz", "from 1"});
  Board empty = small_board();
  empty.resources[Resource::kDsp] = 0;
  expect_parts(error(empty, "w8a8", 100), {"no DSPs"});
}

/// A million int8 weights, read once; 6 million products; 100 kB that cross.
PartWork small_part() {
  PartWork part;
  part.operations[Operation::kLinear] = 6'000'000;
  part.weights[WeightPart::kGrouped] = 1'000'000;
  return part;
}

ActivationCount crossing() {
  ActivationCount count;
  count[ActivationRole::kOperand] = 60'000;
  count[ActivationRole::kValue] = 10'000;
  return count;
}

TEST(Roofline, OfAPartByHand) {
  const Bound one = bound_of(load_of(small_part(), crossing(), w8a8(), 1, 1), small_roof());
  EXPECT_DOUBLE_EQ(one.load.weight_bytes, 1e6);
  EXPECT_DOUBLE_EQ(one.load.activation_bytes, 1e5);
  EXPECT_DOUBLE_EQ(one.compute_seconds, 3e-3);
  EXPECT_DOUBLE_EQ(one.memory_seconds, 0.55e-3);
  EXPECT_TRUE(one.is_compute_bound());
  EXPECT_DOUBLE_EQ(one.load.intensity(), 6e6 / 1.1e6);
  // Two requests share the weights, not the activations.
  const Load two = load_of(small_part(), crossing(), w8a8(), 2, 1);
  EXPECT_DOUBLE_EQ(two.weight_bytes, 1e6);
  EXPECT_DOUBLE_EQ(two.activation_bytes, 2e5);
  EXPECT_DOUBLE_EQ(two.macs(), 1.2e7);
  // Two runs share nothing.
  EXPECT_DOUBLE_EQ(load_of(small_part(), crossing(), w8a8(), 1, 2).bytes(), 2.2e6);
}

TEST(Pipeline, GivesTheSlowestStageTheMost) {
  const auto stage = [](double compute, double memory) { return Bound{{}, compute, memory}; };
  const auto pipeline =
      balanced({stage(3, 0.1), stage(0, 0.2), stage(1, 0.1), stage(1, 0)}, small_roof());
  ASSERT_TRUE(pipeline);
  EXPECT_EQ(pipeline->dsps, (std::vector<std::int64_t>{6, 0, 2, 2}));
  EXPECT_EQ(pipeline->depth, 3);
  EXPECT_DOUBLE_EQ(pipeline->compute_seconds, 5);
  EXPECT_DOUBLE_EQ(pipeline->memory_seconds, 0.4);
  EXPECT_DOUBLE_EQ(pipeline->interval(), 5);
  EXPECT_DOUBLE_EQ(pipeline->latency(), 15);
  EXPECT_DOUBLE_EQ(pipeline->busy, 1);
  EXPECT_FALSE(balanced(std::vector<Bound>(11, stage(1, 0)), small_roof())) << "10 DSPs for 11";
  EXPECT_FALSE(balanced({stage(0, 1)}, small_roof())) << "no products at all";
}

/// No whole numbers of DSPs have a faster slowest stage than those that balanced() chooses.
TEST(Pipeline, IsTheBestOfAll) {
  const std::vector<double> work = {0.7, 2.9, 1.3};
  std::vector<Bound> stages;
  stages.reserve(work.size());
  for (const double seconds : work) stages.push_back({{}, seconds, 0});
  double best = 1e9;
  for (int a = 1; a <= 8; ++a) {
    for (int b = 1; a + b <= 9; ++b) {
      const int c = 10 - a - b;
      best = std::min(best, std::max({work[0] * 10 / a, work[1] * 10 / b, work[2] * 10 / c}));
    }
  }
  EXPECT_DOUBLE_EQ(balanced(stages, small_roof())->compute_seconds, best);
}

TEST(Array, CyclesOfAProduct) {
  const ArrayShape array{.rows = 4, .width = 8};
  // Three tiles of rows, the last with one row; 20 elements are three words.
  const ArrayRun run = run_on(array, {{2, 9, 5, 20, true}}, w8a8());
  EXPECT_EQ(run.cycles, 2 * 3 * 5 * 3);
  EXPECT_EQ(run.macs, 2 * 9 * 5 * 20);
  EXPECT_EQ(run.passing_bytes, 2 * 3 * 5 * 20);
  EXPECT_EQ(run.inner, 20);
  EXPECT_DOUBLE_EQ(run.busy(array), 1800.0 / (90 * 32));
  const TileBuffer tile = tile_buffer(array, 20, 8);
  EXPECT_EQ(tile.banks, 4);
  EXPECT_EQ(tile.bits, 64);
  EXPECT_EQ(tile.words, 6);
  EXPECT_EQ(tile.bram36, 4) << "64 bits are two halves of 36";
  EXPECT_EQ(tile.uram, 4);
}

/// AMD UG573, tables of the shapes of block RAMs and UltraRAMs.
TEST(Array, MemoriesForWords) {
  EXPECT_EQ(bram36_for(36, 512), 0.5);
  EXPECT_EQ(bram36_for(36, 1024), 1);
  EXPECT_EQ(bram36_for(72, 512), 1);
  EXPECT_EQ(bram36_for(1, 32768), 1);
  EXPECT_EQ(bram36_for(8, 4096), 1);
  EXPECT_EQ(uram_for(72, 4096), 1);
  EXPECT_EQ(uram_for(73, 4097), 4);
}

/// One product of `rows` x 64 x 64, whose operand and result are a stage's border.
Workload small_workload(std::int64_t rows) {
  GraphBuilder builder("small");
  builder.stage("all");
  const ValueId x = builder.input("x", DType::kF32, {rows, 64});
  const ValueId y = builder.add("y", Linear{}, {x, builder.weight("a", {64, 64})});
  const ValueId z = builder.add("z", Linear{}, {y, builder.weight("b", {64, 64})});
  builder.output(z);
  Workload workload;
  workload.model = "small";
  workload.phases.push_back({"run", builder.finish(), 3});
  return workload;
}

TEST(Analysis, StagesThatDoNotFitTheChipCrossMore) {
  const Board board = small_board();
  // x and y are bytes, z has words of 32 bits: 128 or 320 of them a row.
  for (const std::int64_t rows : {4, 40}) {
    const ModelWork work = count(small_workload(rows));
    const Setting setting{w8a8(), small_roof(), 1, Fusion::kStages};
    const StageBound stage = bound_of(work, setting).stages.at(0);
    const double borders = static_cast<double>(rows) * 3 * (64 + 256);
    EXPECT_EQ(stage.on_chip_bytes, static_cast<double>(rows) * 320);
    EXPECT_EQ(stage.fusion, rows == 4 ? Fusion::kStages : Fusion::kChains);
    EXPECT_DOUBLE_EQ(stage.bound.load.activation_bytes,
                     rows == 4 ? borders : borders + static_cast<double>(rows) * 3 * 2 * 64);
    // All three runs read the weights again.
    EXPECT_DOUBLE_EQ(stage.bound.load.weight_bytes, 3 * (2 * 4096 + 2 * 64 * 3));
    EXPECT_EQ(stage.bound.load.macs(), 3.0 * static_cast<double>(rows) * 2 * 4096);
  }
}

TEST(Analysis, SweepsSayWhereTheBoardHasNoRule) {
  const ModelWork work = count(small_workload(4));
  const BoardAnalysis analysis =
      analyse(work, small_board(), w8a8(), 100, 1, Fusion::kStages, {.rows = 4, .width = 8});
  for (const Variant& variant : analysis.precisions) {
    EXPECT_EQ(variant.seconds_per_request.has_value(), variant.name == "w8a8") << variant.name;
  }
  EXPECT_EQ(analysis.fusions.size(), 3U);
  EXPECT_EQ(analysis.boards.size(), known_boards().size());
  double operators = 0;
  for (const PartBound& part : analysis.operators) operators += part.bound.load.macs();
  EXPECT_DOUBLE_EQ(operators, analysis.bound.load.macs());
}

}  // namespace
}  // namespace heddle::cost
