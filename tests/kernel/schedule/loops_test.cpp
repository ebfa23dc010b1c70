#include <gtest/gtest.h>

#include "kernel/rewrite.h"
#include "kernel/schedule/memory_support.h"
#include "kernel/schedule/nests.h"
#include "kernel/text.h"
#include "support/user_error.h"

namespace heddle::kernel {
namespace {

// Verdicts.

struct Verdict {
  std::string kernel;
  std::string steps;
  bool legal = false;
};

std::ostream& operator<<(std::ostream& out, const Verdict& verdict) {
  return out << verdict.kernel << ": " << verdict.steps;
}

class LoopVerdict : public testing::TestWithParam<Verdict> {};

TEST_P(LoopVerdict, IsRight) {
  const auto& [kernel, steps, legal] = GetParam();
  const std::string message = refusal(kernel, steps);
  EXPECT_EQ(message.empty(), legal) << message;
  if (legal && message.empty()) {
    // What is taken gives the same bits.
    EXPECT_EQ(difference(*nest(kernel), *scheduled(kernel, steps).kernel(), {{"n", 37}, {"m", 11}}),
              "");
  }
  if (!legal) {
    EXPECT_NE(message.find("cannot "), std::string::npos) << message;
  }
}

constexpr bool kLegal = true;
constexpr bool kIllegal = false;

INSTANTIATE_TEST_SUITE_P(
    Reorder, LoopVerdict,
    testing::Values(
        Verdict{"gemm", "reorder k i", kLegal}, Verdict{"gemm", "reorder k j i", kLegal},
        Verdict{"gemm", "reorder i k j", kLegal}, Verdict{"gemm_float", "reorder k i j", kLegal},
        Verdict{"gemm_float", "split k 5\nreorder k_o i j", kLegal},
        Verdict{"gemm_float", "split k 5\nreorder k_i k_o", kIllegal},
        Verdict{"gemm", "split k 8\nreorder k_i k_o", kLegal},
        Verdict{"gemm_saturating", "split k 5\nreorder k_i k_o", kIllegal},
        Verdict{"gemm_saturating", "reorder k i", kLegal},
        Verdict{"gemm_sum", "reorder j i", kLegal}, Verdict{"gemm_sum", "reorder k i", kIllegal},
        Verdict{"gemm_sum", "reorder k j", kIllegal},
        Verdict{"shared_sum", "reorder j i", kIllegal}, Verdict{"skewed", "reorder j i", kIllegal},
        Verdict{"wave", "reorder j i", kLegal}, Verdict{"deep_skew", "reorder k i", kIllegal},
        Verdict{"deep_skew", "reorder j i", kLegal}, Verdict{"deep_skew", "reorder i k j", kLegal},
        Verdict{"deep_skew", "reorder k j i", kIllegal},
        Verdict{"triangle", "reorder j i", kIllegal},
        Verdict{"transpose_lower", "reorder j i", kIllegal},
        Verdict{"transpose_all", "reorder j i", kIllegal},
        Verdict{"histogram", "reorder j i", kLegal}, Verdict{"scatter", "reorder j i", kIllegal},
        Verdict{"gather", "reorder j i", kLegal}, Verdict{"csr", "reorder j i", kIllegal},
        Verdict{"maximum", "reorder j i", kLegal}, Verdict{"maximum", "reorder q p", kLegal},
        Verdict{"maximum", "split q 3\nreorder q_i q_o", kIllegal},
        Verdict{"maximum", "split j 3\nreorder j_i j_o", kLegal},
        Verdict{"maximum", "reorder j q", kIllegal}, Verdict{"mixed_ops", "reorder j i", kIllegal},
        Verdict{"streams", "reorder j i", kIllegal}, Verdict{"calls", "reorder v u", kLegal},
        Verdict{"guarded", "reorder j i", kLegal}, Verdict{"copy_nm", "reorder j i", kLegal},
        Verdict{"clipped", "reorder j i", kLegal}, Verdict{"gemm", "reorder i i", kIllegal},
        Verdict{"gemm", "reorder i", kIllegal}));

INSTANTIATE_TEST_SUITE_P(
    Tile, LoopVerdict,
    testing::Values(
        Verdict{"gemm", "tile i j 16 8", kLegal}, Verdict{"gemm", "tile i k 16 8", kLegal},
        Verdict{"gemm", "tile j k 7 5", kLegal}, Verdict{"gemm_float", "tile j k 2 5", kLegal},
        Verdict{"skewed", "tile i j 4 4", kIllegal}, Verdict{"skewed", "tile i j 4 1", kIllegal},
        Verdict{"skewed", "tile i j 1 4", kLegal}, Verdict{"skewed", "tile i j 19 4", kIllegal},
        Verdict{"skewed", "tile i j 4 19", kLegal}, Verdict{"wave", "tile i j 4 4", kLegal},
        Verdict{"wave", "tile i j 3 5", kLegal}, Verdict{"deep_skew", "tile i k 2 2", kIllegal},
        Verdict{"deep_skew", "tile i j 2 3", kLegal}, Verdict{"triangle", "tile i j 4 4", kIllegal},
        Verdict{"gemm_sum", "tile i j 2 2", kLegal}, Verdict{"gemm_sum", "tile j k 2 2", kIllegal},
        Verdict{"shared_sum", "tile i j 2 2", kIllegal},
        Verdict{"transpose_all", "tile i j 4 4", kLegal},
        Verdict{"transpose_all", "tile i j 4 8", kLegal},
        Verdict{"transpose_all", "tile i j 8 4", kIllegal},
        Verdict{"copy_nm", "tile i j 4 4", kLegal}, Verdict{"gemm", "tile j i 4 4", kIllegal},
        Verdict{"gemm", "tile i j 0 4", kIllegal}));

INSTANTIATE_TEST_SUITE_P(
    Parallel, LoopVerdict,
    testing::Values(
        Verdict{"gemm", "parallel i", kLegal}, Verdict{"gemm", "parallel j", kLegal},
        Verdict{"gemm", "parallel k", kIllegal}, Verdict{"gemm_sum", "parallel i", kLegal},
        Verdict{"gemm_sum", "parallel k", kIllegal}, Verdict{"shared_sum", "parallel i", kIllegal},
        Verdict{"reversal", "parallel i", kIllegal}, Verdict{"mirror", "parallel i", kLegal},
        Verdict{"copy", "parallel i", kLegal}, Verdict{"copy_n", "parallel i", kLegal},
        Verdict{"shift_up", "parallel i", kIllegal}, Verdict{"shift_16", "parallel i", kIllegal},
        Verdict{"shift_16", "split i 16\nparallel i_i", kLegal},
        Verdict{"shift_16", "split i 16\nparallel i_o", kIllegal},
        Verdict{"shift_16", "split i 17\nparallel i_i", kIllegal},
        Verdict{"ring", "parallel i", kIllegal}, Verdict{"ring", "split i 4\nparallel i_i", kLegal},
        Verdict{"ring", "split i 5\nparallel i_i", kIllegal},
        Verdict{"pairs", "parallel i", kLegal}, Verdict{"transpose_lower", "parallel i", kLegal},
        Verdict{"transpose_all", "parallel i", kIllegal}, Verdict{"skewed", "parallel i", kIllegal},
        Verdict{"skewed", "parallel j", kLegal}, Verdict{"wave", "parallel i", kIllegal},
        Verdict{"wave", "parallel j", kIllegal}, Verdict{"histogram", "parallel i", kIllegal},
        Verdict{"scatter", "parallel i", kIllegal}, Verdict{"gather", "parallel i", kLegal},
        Verdict{"csr", "parallel i", kLegal}, Verdict{"csr", "parallel j", kIllegal},
        Verdict{"maximum", "parallel i", kLegal}, Verdict{"maximum", "parallel j", kIllegal},
        Verdict{"streams", "parallel i", kIllegal}, Verdict{"streams", "parallel q", kIllegal},
        Verdict{"calls", "parallel i", kLegal}, Verdict{"calls", "parallel p", kIllegal},
        Verdict{"calls", "parallel u", kLegal}, Verdict{"calls", "parallel v", kIllegal},
        Verdict{"flat_calls", "parallel i", kLegal}, Verdict{"flat_calls", "parallel j", kIllegal},
        Verdict{"even_odd", "parallel i", kLegal}, Verdict{"clipped", "parallel j", kLegal},
        Verdict{"clipped", "parallel i", kIllegal}, Verdict{"triangle", "parallel i", kLegal},
        Verdict{"copy_nm", "fuse i j\nparallel i_j", kIllegal},
        Verdict{"gemm_sum", "fuse i j\nparallel i_j", kLegal}));

INSTANTIATE_TEST_SUITE_P(
    SplitAndFuse, LoopVerdict,
    testing::Values(
        Verdict{"copy", "split i 7", kLegal}, Verdict{"copy", "split i 1000", kLegal},
        Verdict{"copy", "split i 0", kIllegal}, Verdict{"copy", "split i -4", kIllegal},
        Verdict{"copy_n", "split i 16", kLegal}, Verdict{"triangle", "split j 4", kLegal},
        Verdict{"csr", "split j 4", kLegal}, Verdict{"own_bound", "split i 4", kIllegal},
        Verdict{"gemm", "fuse i j", kLegal}, Verdict{"gemm", "fuse j k", kLegal},
        Verdict{"gemm", "fuse i k", kIllegal}, Verdict{"gemm", "fuse j i", kIllegal},
        Verdict{"gemm_sum", "fuse i j", kLegal}, Verdict{"gemm_sum", "fuse j k", kIllegal},
        Verdict{"triangle", "fuse i j", kIllegal}, Verdict{"csr", "fuse i j", kIllegal},
        Verdict{"copy_nm", "fuse i j", kLegal}, Verdict{"guarded", "fuse i j", kIllegal},
        Verdict{"skewed", "fuse i j", kLegal}));

INSTANTIATE_TEST_SUITE_P(Fission, LoopVerdict,
                         testing::Values(Verdict{"two_parts", "fission i j", kLegal},
                                         Verdict{"two_parts", "fission i z", kLegal},
                                         Verdict{"two_parts", "fission i y", kIllegal},
                                         Verdict{"two_parts", "fission i x", kIllegal},
                                         Verdict{"flows_back", "fission i y", kIllegal},
                                         Verdict{"local_flow", "fission i z", kIllegal},
                                         Verdict{"local_flow", "fission i w", kIllegal},
                                         Verdict{"gemm_sum", "fission j k", kIllegal},
                                         Verdict{"shared_sum", "fission j k", kIllegal},
                                         Verdict{"ring", "fission i y", kIllegal},
                                         Verdict{"own_bound", "fission i y", kIllegal},
                                         Verdict{"copy", "fission i y", kIllegal}));

INSTANTIATE_TEST_SUITE_P(
    Marks, LoopVerdict,
    testing::Values(
        Verdict{"gemm", "unroll k", kLegal}, Verdict{"gemm", "unroll k 8", kLegal},
        Verdict{"gemm", "unroll k 7", kLegal}, Verdict{"copy_n", "unroll i", kIllegal},
        Verdict{"copy_n", "unroll i 4", kLegal}, Verdict{"gemm", "fuse i j\nunroll i_j", kLegal},
        Verdict{"gemm_large", "fuse i j\nfuse i_j k\nunroll i_j_k", kIllegal},
        Verdict{"gemm", "unroll k -1", kIllegal}, Verdict{"gemm", "pipeline k", kLegal},
        Verdict{"gemm", "pipeline i 2", kLegal}, Verdict{"gemm", "pipeline k 0", kIllegal},
        Verdict{"copy_nm", "pipeline i", kIllegal}, Verdict{"copy_nm", "pipeline j", kLegal},
        Verdict{"gemm", "pipeline k\npipeline i", kIllegal},
        Verdict{"gemm", "pipeline i\npipeline k", kIllegal},
        Verdict{"gemm", "pipeline k\nunroll k", kIllegal},
        Verdict{"gemm", "unroll k\npipeline k", kIllegal},
        Verdict{"gemm", "pipeline k\nunroll k 4", kLegal},
        Verdict{"copy_nm", "pipeline j\nreorder j i", kIllegal},
        Verdict{"gemm", "pipeline k\nreorder k i", kLegal},
        Verdict{"deep_skew", "parallel k\nreorder i k j", kLegal},
        Verdict{"skewed", "parallel j\nsplit i 1\nreorder i_i j", kLegal},
        Verdict{"gemm", "pipeline i\nfuse i j", kIllegal},
        Verdict{"gemm", "unroll j\nfuse i j", kIllegal},
        Verdict{"gemm", "parallel i\nfuse i j", kLegal},
        Verdict{"gemm", "parallel j\nfuse j k", kIllegal},
        Verdict{"deep_skew", "parallel j\nreorder j i", kIllegal}));

INSTANTIATE_TEST_SUITE_P(
    ComputeAt, LoopVerdict,
    testing::Values(Verdict{"scale_add", "compute_at r i", kLegal},
                    Verdict{"scale_add", "compute_at r j", kLegal},
                    Verdict{"scale_add", "compute_at i r", kIllegal},
                    Verdict{"scale_add", "compute_at s j", kIllegal},
                    Verdict{"scale_add", "compute_at r s", kIllegal},
                    Verdict{"blur", "compute_at r i", kIllegal},
                    Verdict{"shifted_use", "compute_at r i", kLegal},
                    Verdict{"late_use", "compute_at r i", kIllegal},
                    Verdict{"row_uses", "compute_at r i", kLegal},
                    Verdict{"row_uses", "compute_at r j", kIllegal},
                    Verdict{"row_uses_after", "compute_at r j", kLegal},
                    Verdict{"between", "compute_at r i", kIllegal},
                    Verdict{"streams", "compute_at i p", kIllegal},
                    Verdict{"streams", "compute_at i q", kIllegal},
                    Verdict{"scale_add", "parallel i\ncompute_at r i", kLegal},
                    Verdict{"scale_add", "parallel r\ncompute_at r i", kIllegal},
                    Verdict{"scale_add", "parallel r\nparallel i\ncompute_at r i", kLegal},
                    Verdict{"scale_add", "split r 8\nsplit i 8\ncompute_at r_o i_i", kLegal},
                    Verdict{"scale_add", "split r 8\nsplit i 8\ncompute_at r_o j", kLegal},
                    Verdict{"scale_add", "split r 8\ncompute_at r_o i", kIllegal}));

// Results.

/// The statements one after the other.
std::string text_of(const Kernel& kernel) {
  std::string text;
  for (const Stmt& stmt : statements_of(kernel.body)) text += to_text(stmt);
  return text;
}

std::string body_after(const std::string& kernel, const std::string& steps) {
  return text_of(*scheduled(kernel, steps).kernel());
}

TEST(Split, GuardsOnlyWhatDoesNotDivide) {
  EXPECT_EQ(body_after("copy", "split i 20"), R"(for i_o in 0..5 {
  for i_i in 0..20 {
    y[i_o * 20 + i_i] = x[i_o * 20 + i_i]
  }
}
)");
  EXPECT_EQ(body_after("copy", "split i 16"), R"(for i_o in 0..7 {
  for i_i in 0..16 {
    if i_o * 16 + i_i < 100 {
      y[i_o * 16 + i_i] = x[i_o * 16 + i_i]
    }
  }
}
)");
}

TEST(Split, StartsAtTheLowerBoundAndRunsToTheUpperOne) {
  EXPECT_EQ(body_after("copy_n", "split i 16"), R"(for i_o in 0..(n + 12) / 16 {
  for i_i in 0..16 {
    if i_o * 16 + i_i < n - 3 {
      y[i_o * 16 + i_i + 3] = x[i_o * 16 + i_i + 3]
    }
  }
}
)");
}

TEST(Split, SplitsOfSplitsStayAffine) {
  const std::string text = body_after("gemm_large", "split k 32\nsplit k_o 3\nsplit k_i 8");
  EXPECT_NE(text.find("a[i, k_o_o * 96 + k_o_i * 32 + k_i_o * 8 + k_i_i]"), std::string::npos)
      << text;
}

TEST(Split, NewNamesAreFresh) {
  const Schedule schedule = scheduled("gemm", "split k 32\nsplit i 2\nfuse i_o i_i");
  Schedule again = schedule;
  EXPECT_EQ(again.split("i_o_i_i", 4),
            (std::pair<std::string, std::string>("i_o_i_i_o", "i_o_i_i_i")));
  EXPECT_EQ(again.fuse("k_o", "k_i"), "k_o_k_i");
}

TEST(Fuse, UndoesASplit) {
  EXPECT_EQ(body_after("copy", "split i 20\nfuse i_o i_i"), R"(for i_o_i_i in 0..100 {
  y[i_o_i_i] = x[i_o_i_i]
}
)");
}

TEST(Fuse, RecoversBothCounters) {
  EXPECT_EQ(body_after("skewed", "fuse i j"), R"(for i_j in 0..361 {
  a[i_j / 19 + 1, i_j % 19] = a[i_j / 19, i_j % 19 + 1]
}
)");
}

TEST(Fuse, NegativeTripCountsHaveNoIterations) {
  EXPECT_EQ(body_after("copy_nm", "fuse i j"), R"(for i_j in 0..max(n, 0) * max(m, 0) {
  y[i_j / max(m, 0), i_j % max(m, 0)] = x[i_j / max(m, 0), i_j % max(m, 0)]
}
)");
}

TEST(Fission, EachPartTakesItsDeclarations) {
  const KernelPtr kernel = parse_kernel(R"(
kernel parts(x: in int<32>[50], y: out int<32>[50], z: out int<32>[50]) {
  for i in 0..50 {
    var t: int<32>
    var u: int<32>
    t = x[i]
    y[i] = t
    u = x[i]
    z[i] = u
  }
})",
                                        "text");
  Schedule schedule(kernel);
  EXPECT_EQ(schedule.fission("i", "u"), "i_1");
  EXPECT_EQ(text_of(*schedule.kernel()), R"(for i in 0..50 {
  var t: int<32>
  t = x[i]
  y[i] = t
}
for i_1 in 0..50 {
  var u: int<32>
  u = x[i_1]
  z[i_1] = u
}
)");
}

TEST(Tile, BringsBothOuterHalvesOutward) {
  EXPECT_EQ(body_after("gemm_large", "tile i k 16 32"), R"(for i_o in 0..4 {
  for k_o in 0..3 {
    for j in 0..32 {
      for i_i in 0..16 {
        for k_i in 0..32 {
          c[i_o * 16 + i_i, j] += a[i_o * 16 + i_i, k_o * 32 + k_i] * b[k_o * 32 + k_i, j]
        }
      }
    }
  }
}
)");
}

TEST(Reorder, GuardsStandAsFarOutAsTheyCan) {
  EXPECT_EQ(body_after("copy_nm", "tile i j 4 8"), R"(for i_o in 0..(n + 3) / 4 {
  for j_o in 0..(m + 7) / 8 {
    for i_i in 0..4 {
      if i_o * 4 + i_i < n {
        for j_i in 0..8 {
          if j_o * 8 + j_i < m {
            y[i_o * 4 + i_i, j_o * 8 + j_i] = x[i_o * 4 + i_i, j_o * 8 + j_i]
          }
        }
      }
    }
  }
}
)");
}

TEST(ComputeAt, RunsTheProducerInStep) {
  EXPECT_EQ(body_after("shifted_use", "compute_at r i"), R"(var t: int<18>[34]
for i in 0..32 {
  t[i + 1] = x[i]
  y[i] = t[i + 1]
}
)");
}

TEST(LoopMarks, FollowTheTable) {
  EXPECT_NE(body_after("gemm_large", "parallel i\npipeline i\nsplit i 8")
                .find("for i_o in 0..8 parallel {\n  for i_i in 0..8 pipeline(1) {"),
            std::string::npos);
  EXPECT_NE(body_after("gemm_large", "pipeline k\nunroll k 8")
                .find("for k_o in 0..12 pipeline(1) {\n      for k_i in 0..8 unroll {"),
            std::string::npos);
  EXPECT_NE(body_after("gemm_large", "unroll k\nsplit k 8")
                .find("for k_o in 0..12 {\n      for k_i in 0..8 unroll {"),
            std::string::npos);
  EXPECT_NE(body_after("gemm_large", "parallel i\nparallel j\nfuse i j")
                .find("for i_j in 0..2048 parallel"),
            std::string::npos);
  EXPECT_NE(
      body_after("gemm_large", "pipeline j 3\nfuse i j").find("for i_j in 0..2048 pipeline(3)"),
      std::string::npos);
  const std::string halves = body_after("two_parts", "parallel i\nfission i j");
  EXPECT_NE(halves.find("for i in 0..50 parallel"), std::string::npos) << halves;
  EXPECT_NE(halves.find("for i_1 in 0..50 parallel"), std::string::npos) << halves;
}

// Messages.

TEST(LoopMessages, AReversedDependenceIsNamedWithItsDistanceAndTheLegalOrders) {
  expect_parts(refusal("skewed", "reorder j i"),
               {"cannot reorder j i", "read after write of a", "(i: 1, j: -1)",
                "`a[i, j] = a[i - 1, j + 1]`", "<-- ", "must stay in the order"});
  expect_parts(refusal("deep_skew", "reorder k j i"),
               {"(i: 1, j: 1, k: -1)", "legal here: reorder i k j, or reorder j i k"});
}

TEST(LoopMessages, ASharedScalarShouldMoveInside) {
  expect_parts(
      refusal("shared_sum", "parallel i"),
      {"cannot parallel i", "its iterations are not independent", "declare sum inside of loop i"});
}

TEST(LoopMessages, ParallelNamesTheLoopsThatAre) {
  expect_parts(refusal("gemm", "parallel k"), {"read after write of c at distance (k: 1)",
                                               "legal here: parallel i, or parallel j"});
}

TEST(LoopMessages, AnImperfectNestNamesWhatStandsBetween) {
  expect_parts(refusal("gemm_sum", "reorder k i"),
               {"the nest of j and k is not perfect", "`var sum: int<32>`", "fission j k",
                "<-- between j and k"});
}

TEST(LoopMessages, TriangularBoundsSayWhatTheyDependOn) {
  expect_parts(refusal("triangle", "reorder j i"), {"the bounds of j, i..20, depend on i"});
}

TEST(LoopMessages, LegalOrdersKeepBoundsInsideOfWhatTheyDependOn) {
  expect_parts(refusal("wedge", "reorder k j i"), {"legal here: reorder i k j, or reorder k i j"});
}

TEST(LoopMessages, AConsumerAheadOfItsProducerNamesBothIterations) {
  expect_parts(refusal("late_use", "compute_at r i"),
               {"iteration i = 0 of the consumer needs iteration r = 1 of the producer",
                "`y[i] = t[i + 1]` reads what `t[r] = x[r]` wrote"});
  expect_parts(refusal("row_uses", "compute_at r j"),
               {"iteration i = 0 of the consumer needs iteration r = 0 of the producer"});
}

TEST(LoopMessages, WhatIsOnlyPossibleSaysSo) {
  expect_parts(refusal("scatter", "parallel i"), {"possible write after write of y"});
}

TEST(LoopMessages, ExamplesAreNear) {
  expect_parts(refusal("scatter", "reorder j i"), {"(i: 1, j: -1) and others"});
}

TEST(LoopMessages, AMissingLoopIsGuessed) {
  expect_parts(refusal("gemm", "split kk 4"),
               {"has no loop called \"kk\"", "did you mean k?", "i, j, k"});
}

TEST(LoopMessages, LongKernelsShowTheNestInQuestion) {
  std::string text = "kernel long(a: inout int<32>[16]) {\n";
  for (int i = 0; i < 40; ++i) text += "for l" + std::to_string(i) + " in 0..16 { a[0] = 1 }\n";
  text += "for x in 0..16 { a[x] = a[15 - x] }\n}";
  std::string message;
  try {
    replay(parse_kernel(text, "text"), "parallel x", "steps");
  } catch (const std::exception& error) {
    message = error.what();
  }
  expect_parts(message, {"for x in 0..16", "<-- "});
  EXPECT_EQ(message.find("for l3 "), std::string::npos) << message;
}

}  // namespace
}  // namespace heddle::kernel
