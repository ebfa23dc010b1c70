// The exact kernels' nests are in a form that schedules can tile, stage and pipeline.
#include "kernel/library/exact_attention.h"
#include "kernel/library/exact_checks.h"
#include "kernel/library/exact_mlp.h"

namespace heddle::kernel {
namespace {

/// The scheduled kernel gives the bits of the plain one.
void expect_same(const KernelPtr& kernel, const std::string& steps, const Prepare& prepare) {
  const Schedule schedule = replay(kernel, steps, "test");
  const Operands expected = run(kernel, {}, prepare);
  EXPECT_EQ(run_in_both(schedule.kernel(), prepare).difference(expected), "");
  EXPECT_FALSE(equal(*schedule.kernel(), *kernel));
}

TEST(ExactSchedules, TileTheSumsOfALinearAndRunItsRowsInOneLoop) {
  const std::vector<std::int32_t> x = fixed_rows(8, 16, 1);
  const RandomLinear layer(12, 16, 0, 2);
  expect_same(linear_exact({.rows = 8, .columns = 12, .inner = 16}),
              R"(split k 8
                 split j_1 4
                 reorder j_1_o k_o i_1 j_1_i k_i
                 stage weight j_1_o
                 partition weight_tile 1 cyclic 8
                 unroll k_i
                 unroll j_1_i
                 pipeline i_1
                 split j_2 4
                 reorder j_2_o i_2 j_2_i
                 pipeline j_2_i
              )",
              [&](Operands& o) {
                quantised(x, 16).put_into(o, "x");
                layer.put_into(o, "");
              });
}

TEST(ExactSchedules, FlattenAPerceptronAndFuseItsNests) {
  const std::vector<std::int32_t> x = fixed_rows(8, 6, 3);
  const RandomLinear up(10, 6, 0, 4);
  const RandomLinear down(6, 10, 0, 5);
  expect_same(mlp_exact({.rows = 8,
                         .hidden = 6,
                         .inner = 10,
                         .x_fraction = 20,
                         .up_fraction = 20,
                         .gelu_fraction = 20,
                         .y_fraction = 20,
                         .block = 4}),
              R"(inline mlp_exact_block
                 inline up
                 inline gelu_exact
                 inline quantise_active
                 inline down
                 compute_at i_2 j_3
                 pipeline j_3
              )",
              [&](Operands& o) {
                quantised(x, 6).put_into(o, "x");
                up.put_into(o, "up_");
                down.put_into(o, "down_");
              });
}

TEST(ExactSchedules, TileTheScoresAndTheMixOfAHead) {
  expect_same(head_exact({.queries = 4,
                          .keys = 128,
                          .head_dim = 8,
                          .q_fraction = 20,
                          .k_fraction = 20,
                          .v_fraction = 20,
                          .y_fraction = 20}),
              R"(split j_1 16
                 reorder j_1_o i_2 j_1_i d
                 stage k j_1_o
                 unroll d
                 pipeline j_1_i
                 split j_7 8
                 reorder b_8 j_7_o i_14 d_2 j_7_i
                 stage v b_8
                 unroll j_7_i
                 pipeline d_2
              )",
              [&](Operands& o) {
                quantised(fixed_rows(4, 8, 6), 8).put_into(o, "q");
                quantised(fixed_rows(128, 8, 7), 8).put_into(o, "k");
                quantised(fixed_rows(128, 8, 8), 8).put_into(o, "v");
              });
}

}  // namespace
}  // namespace heddle::kernel
