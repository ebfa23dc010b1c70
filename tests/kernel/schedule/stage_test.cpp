#include <gtest/gtest.h>

#include "kernel/rewrite.h"
#include "kernel/schedule/loops.h"
#include "kernel/schedule/memory.h"
#include "kernel/schedule/memory_support.h"

namespace heddle::kernel {
namespace {

constexpr std::string_view kGemm = R"(
kernel gemm(n: index, a: in int<8>[n, 24], b: in int<8>[24, 20], c: out int<32>[n, 20]) {
  for i in 0..n {
    for j in 0..20 {
      c[i, j] = 0
      for k in 0..24 {
        c[i, j] += a[i, k] * b[k, j]
      }
    }
  }
}
)";

/// The kernel with `array` staged at `loop`.
Kernel staged(const Kernel& kernel, const std::string& array, const std::string& loop) {
  return stage(kernel, array, loop, Storage::kBram);
}

/// "" if staging keeps the results; else what differs, or the refusal.
std::string staging_difference(std::string_view text, const std::string& array,
                               const std::string& loop, const Sizes& sizes = {}) {
  const KernelPtr kernel = kernel_of(text);
  std::string result;
  const std::string refusal =
      message_of([&] { result = difference(*kernel, staged(*kernel, array, loop), sizes); });
  return refusal + result;
}

std::string staging_refusal(std::string_view text, const std::string& array,
                            const std::string& loop) {
  const KernelPtr kernel = kernel_of(text);
  return message_of([&] { staged(*kernel, array, loop); });
}

std::string body_of_staged(std::string_view text, const std::string& array,
                           const std::string& loop) {
  return body_text(staged(*kernel_of(text), array, loop));
}

TEST(Stage, ReadsAsAPersonWouldWriteIt) {
  const Kernel tiled = split(*kernel_of(kGemm), "i", 16);
  EXPECT_EQ(body_text(staged(staged(tiled, "c", "i_o"), "a", "i_o")),
            R"(for i_o in 0..(n + 15) / 16 {
  var a_tile: int<8>[16, 24] @bram
  for a_load_r in 0..16 {
    if i_o * 16 + a_load_r < n {
      for a_load_c in 0..24 {
        a_tile[a_load_r, a_load_c] = a[i_o * 16 + a_load_r, a_load_c]
      }
    }
  }
  var c_tile: int<32>[16, 20] @bram
  for i_i in 0..16 {
    if i_o * 16 + i_i < n {
      for j in 0..20 {
        c_tile[i_i, j] = 0
        for k in 0..24 {
          c_tile[i_i, j] += a_tile[i_i, k] * b[k, j]
        }
      }
    }
  }
  for c_store_r in 0..16 {
    if i_o * 16 + c_store_r < n {
      for c_store_c in 0..20 {
        c[i_o * 16 + c_store_r, c_store_c] = c_tile[c_store_r, c_store_c]
      }
    }
  }
}
)");
}

TEST(Stage, KeepsTheResultsOfAGemmTiledInEveryWay) {
  const KernelPtr gemm = kernel_of(kGemm);
  for (const std::int64_t tile_i : {1, 7, 16}) {
    for (const std::int64_t tile_j : {5, 8, 20}) {
      Kernel kernel = tile(*gemm, "i", "j", tile_i, tile_j);
      kernel = staged(kernel, "b", "j_o");
      kernel = staged(kernel, "c", "j_o");
      kernel = staged(kernel, "a", "i_o");
      for (const std::int64_t n : {0, 1, 16, 17, 20}) {
        EXPECT_EQ(difference(*gemm, kernel, {{"n", n}}), "")
            << tile_i << " x " << tile_j << ", n = " << n;
      }
    }
  }
}

TEST(Stage, MakesAScalarOfOneElement) {
  const Kernel kernel = staged(*kernel_of(kGemm), "c", "j");
  EXPECT_TRUE(has(body_text(kernel), "var c_tile: int<32>\n"));
  EXPECT_TRUE(has(body_text(kernel), "c_tile += a[i, k] * b[k, j]"));
  EXPECT_TRUE(has(body_text(kernel), "c[i, j] = c_tile"));
  EXPECT_EQ(difference(*kernel_of(kGemm), kernel, {{"n", 9}}), "");
}

TEST(Stage, FillsATileThatIsReadBeforeItIsWritten) {
  constexpr std::string_view text = R"(
kernel add(x: in int<32>[40], y: inout int<32>[40]) {
  for i in 0..40 {
    y[i] += x[i]
  }
}
)";
  const KernelPtr kernel = kernel_of(text);
  const Kernel tiled = staged(split(*kernel, "i", 16), "y", "i_o");
  EXPECT_TRUE(has(body_text(tiled), "y_tile[y_load_i] = y[i_o * 16 + y_load_i]"));
  EXPECT_EQ(difference(*kernel, tiled), "");
}

TEST(Stage, FillsATileThatIsReadInTheIterationBeforeTheOneThatWrites) {
  // Every element is written, but each one but the first is read before.
  constexpr std::string_view text = R"(
kernel shift(x: inout int<32>[4, 10]) {
  for r in 0..4 {
    for i in 0..9 {
      x[r, i] = x[r, i + 1]
    }
    x[r, 9] = 0
  }
}
)";
  EXPECT_EQ(staging_difference(text, "x", "r"), "");
  EXPECT_TRUE(has(body_of_staged(text, "x", "r"), "x_load"));
}

TEST(Stage, DoesNotFillATileThatIsReadOnlyAfterItWasWritten) {
  constexpr std::string_view text = R"(
kernel sums(x: in int<32>[4, 10], y: out int<32>[4, 10]) {
  for r in 0..4 {
    for i in 0..10 {
      y[r, i] = x[r, i]
      if i > 0 {
        y[r, i] += y[r, i - 1]
      }
    }
  }
}
)";
  EXPECT_EQ(staging_difference(text, "y", "r"), "");
  EXPECT_TRUE(lacks(body_of_staged(text, "y", "r"), "y_load"));
}

TEST(Stage, FillsATileOfWhichOnlyAPartIsWritten) {
  constexpr std::string_view text = R"(
kernel relu(x: inout int<32>[3, 10]) {
  for r in 0..3 {
    for i in 0..10 {
      if i % 3 != 0 {
        x[r, i] = 7
      }
    }
  }
}
)";
  EXPECT_EQ(staging_difference(text, "x", "r"), "");
  EXPECT_TRUE(has(body_of_staged(text, "x", "r"), "x_load"));
}

TEST(Stage, RefusesAnOutputOfWhichOnlyAPartIsWritten) {
  const std::string message = staging_refusal(R"(
kernel even(x: in int<32>[3, 5], y: out int<32>[3, 10]) {
  for r in 0..3 {
    for i in 0..5 {
      y[r, 2 * i] = x[r, i]
    }
  }
}
)",
                                              "y", "r");
  EXPECT_TRUE(has(message, "cannot stage y r"));
  EXPECT_TRUE(has(message, "not known to write the whole box"));
  EXPECT_TRUE(has(message, "<-- written here"));
  EXPECT_TRUE(has(message, "make it an inout argument"));
}

TEST(Stage, RefusesAnOutputThatIsWrittenUnderACondition) {
  EXPECT_TRUE(has(staging_refusal(R"(
kernel some(x: in int<32>[3, 5], y: out int<32>[3, 5]) {
  for r in 0..3 {
    for i in 0..5 {
      if x[r, i] > 0 {
        y[r, i] = x[r, i]
      }
    }
  }
}
)",
                                  "y", "r"),
                  "not known to write the whole box"));
}

TEST(Stage, FillsAnOutputThatWasWrittenBefore) {
  constexpr std::string_view text = R"(
kernel some(x: in int<32>[3, 5], y: out int<32>[3, 5]) {
  for a in 0..3 {
    for b in 0..5 {
      y[a, b] = 1
    }
  }
  for r in 0..3 {
    for i in 0..5 {
      if x[r, i] > 0 {
        y[r, i] += x[r, i]
      }
    }
  }
}
)";
  EXPECT_EQ(staging_difference(text, "y", "r"), "");
}

TEST(Stage, FillsAnOutputWhichTheLoopReadsWhole) {
  // The first nest writes only some elements, but the second one reads all that it copies.
  constexpr std::string_view text = R"(
kernel part(x: in int<32>[6], y: out int<32>[10]) {
  for a in 0..6 {
    y[a] = x[a]
  }
  for r in 0..3 {
    for i in 0..2 {
      y[2 * r + i] += 5
    }
  }
}
)";
  EXPECT_EQ(staging_difference(text, "y", "r"), "");
}

TEST(Stage, RefusesToReadElementsOfALocalArrayThatHaveNoValue) {
  constexpr std::string_view text = R"(
kernel gaps(x: in int<32>[5], y: out int<32>[3, 5]) {
  var t: int<32>[10]
  for a in 0..5 {
    t[2 * a] = x[a]
  }
  for r in 0..3 {
    for i in 0..5 {
      y[r, i] = t[2 * i]
    }
  }
}
)";
  EXPECT_TRUE(has(staging_refusal(text, "t", "r"), "may have no value yet"));
  EXPECT_TRUE(has(staging_refusal(text, "t", "r"), "<-- read here"));
}

TEST(Stage, DoesNotTakeAReadBehindASelectForCertain) {
  constexpr std::string_view text = R"(
kernel masked(x: in int<32>[5], y: out int<32>[3, 5]) {
  var t: int<32>[5]
  for a in 0..5 {
    if x[a] > 0 {
      t[a] = x[a]
    }
  }
  for r in 0..3 {
    for i in 0..5 {
      y[r, i] = select(x[i] > 0, t[i], 0)
    }
  }
}
)";
  EXPECT_TRUE(has(staging_refusal(text, "t", "r"), "may have no value yet"));
}

TEST(Stage, GuardsABoxThatSticksOut) {
  constexpr std::string_view text = R"(
kernel blur(x: in int<32>[20], y: out int<32>[20]) {
  for i in 0..20 {
    y[i] = 0
    for d in 0..3 {
      if i + d >= 1 && i + d < 21 {
        y[i] += x[i + d - 1]
      }
    }
  }
}
)";
  const KernelPtr kernel = kernel_of(text);
  const Kernel tiled = staged(split(*kernel, "i", 6), "x", "i_o");
  EXPECT_TRUE(has(body_text(tiled), "var x_tile: int<32>[8]"));
  EXPECT_TRUE(
      has(body_text(tiled), "if i_o * 6 + x_load_i - 1 >= 0 && i_o * 6 + x_load_i - 1 < 20"));
  EXPECT_EQ(difference(*kernel, tiled), "");
}

TEST(Stage, TakesTheElementThatAnotherArrayNames) {
  constexpr std::string_view text = R"(
kernel gather(route: in index[6], w: in int<8>[4, 3, 5], y: out int<32>[6, 5]) {
  for t in 0..6 {
    for j in 0..5 {
      y[t, j] = 0
      for k in 0..3 {
        y[t, j] += w[route[t], k, j]
      }
    }
  }
}
)";
  EXPECT_EQ(staging_difference(text, "w", "t"), "");
  EXPECT_TRUE(has(body_of_staged(text, "w", "t"), "w[route[t], w_load_r, w_load_c]"));
}

TEST(Stage, DoesNotLookUpEarlyWhatTheOriginalMayNotLookUp) {
  // route[t] is out of its array for the last t, where the original does not read it.
  constexpr std::string_view text = R"(
kernel gather(route: in index[5], w: in int<8>[4, 5], y: out int<32>[6, 5]) {
  for t in 0..6 {
    for j in 0..5 {
      y[t, j] = 0
      if t < 5 {
        y[t, j] += w[route[t], j]
      }
    }
  }
}
)";
  EXPECT_EQ(staging_difference(text, "w", "t"), "");
  EXPECT_TRUE(has(body_of_staged(text, "w", "t"), "var w_tile: int<8>[4, 5]"));
}

TEST(Stage, DoesNotUseAnIndexThatTheIterationChanges) {
  constexpr std::string_view text = R"(
kernel walk(next: in index[4], w: in int<8>[4], y: out int<32>[6]) {
  var at: index
  at = 0
  for t in 0..6 {
    at = next[at]
    y[t] = w[at]
  }
}
)";
  EXPECT_EQ(staging_difference(text, "w", "t"), "");
  EXPECT_TRUE(has(body_of_staged(text, "w", "t"), "var w_tile: int<8>[4]"));
}

TEST(Stage, TakesADimensionWholeThatIsScatteredInto) {
  constexpr std::string_view text = R"(
kernel histogram(x: in index[5, 8], h: inout int<32>[4]) {
  for r in 0..5 {
    for i in 0..8 {
      h[x[r, i]] += 1
    }
  }
}
)";
  EXPECT_EQ(staging_difference(text, "h", "r"), "");
}

TEST(Stage, FollowsTriangularLoops) {
  constexpr std::string_view text = R"(
kernel triangle(x: in int<32>[12, 12], y: out int<32>[12, 12]) {
  for i in 0..12 {
    for j in i..12 {
      y[i, j] = x[j, i]
    }
    for k in 0..i {
      y[i, k] = x[i, k] * 2
    }
  }
}
)";
  EXPECT_TRUE(has(staging_refusal(text, "x", "i"), "at j and at i"));
  constexpr std::string_view one = R"(
kernel triangle(x: in int<32>[12, 12], y: inout int<32>[12, 12]) {
  for i in 0..12 {
    for j in i..12 {
      y[i, j] = x[j, i]
    }
  }
}
)";
  EXPECT_EQ(staging_difference(one, "x", "i"), "");
  EXPECT_EQ(staging_difference(one, "y", "i"), "");
}

TEST(Stage, MovesTheWindowsOfCalls) {
  constexpr std::string_view text = R"(
kernel dot(x: in int<8>[6], y: in int<8>[6], z: inout int<32>[2]) {
  for k in 0..6 {
    z[0] += x[k] * y[k]
    z[1] += x[k] - y[k]
  }
}
kernel all(a: in int<8>[8, 12], b: in int<8>[12, 5], c: inout int<32>[8, 5, 2]) {
  for i in 0..8 {
    for j in 0..5 {
      for k in 0..2 {
        call dot(a[i, 6 * k:], b[6 * k:, j], c[i, j, 0:])
      }
    }
  }
}
)";
  EXPECT_EQ(staging_difference(text, "a", "i"), "");
  EXPECT_EQ(staging_difference(text, "a", "k"), "");
  EXPECT_EQ(staging_difference(text, "b", "j"), "");
  EXPECT_EQ(staging_difference(text, "b", "k"), "");
  EXPECT_EQ(staging_difference(text, "c", "k"), "");
  EXPECT_EQ(staging_difference(text, "c", "i"), "");
}

TEST(Stage, KnowsWhatACalledKernelWrites) {
  constexpr std::string_view text = R"(
kernel clear(z: out int<32>[4]) {
  for k in 0..4 {
    z[k] = 1
  }
}
kernel half(z: out int<32>[4]) {
  for k in 0..2 {
    z[k] = 1
  }
}
kernel all(c: out int<32>[3, 4], d: out int<32>[3, 4]) {
  for i in 0..3 {
    call clear(c[i, 0:])
    call half(d[i, 0:])
  }
}
)";
  EXPECT_EQ(staging_difference(text, "c", "i"), "");
  EXPECT_TRUE(lacks(body_of_staged(text, "c", "i"), "c_load"));
  EXPECT_TRUE(has(staging_refusal(text, "d", "i"), "not known to write the whole box"));
}

TEST(Stage, WritesWhatAStreamBrings) {
  constexpr std::string_view text = R"(
kernel pass(x: in int<32>[3, 4], y: out int<32>[3, 4]) {
  stream s: int<32> depth(2)
  dataflow {
    process send {
      for i in 0..3 {
        for j in 0..4 {
          put s, x[i, j]
        }
      }
    }
    process receive {
      for p in 0..3 {
        for q in 0..4 {
          get s, y[p, q]
        }
      }
    }
  }
}
)";
  EXPECT_EQ(staging_difference(text, "y", "p"), "");
  EXPECT_EQ(staging_difference(text, "x", "i"), "");
}

TEST(Stage, KeepsTheIterationsOfAParallelLoopApart) {
  // Each iteration owns every third element: copying back the others would undo what they wrote.
  constexpr std::string_view apart = R"(
kernel strided(x: inout int<32>[12]) {
  for p in 0..3 parallel {
    for i in 0..4 {
      x[3 * i + p] += 1
    }
  }
}
)";
  const std::string message = staging_refusal(apart, "x", "p");
  EXPECT_TRUE(has(message, "cannot stage x p"));
  EXPECT_TRUE(has(message, "would no longer be parallel"));
  constexpr std::string_view together = R"(
kernel blocked(x: inout int<32>[12]) {
  for p in 0..3 parallel {
    for i in 0..4 {
      x[4 * p + i] += 1
    }
  }
}
)";
  EXPECT_EQ(staging_difference(together, "x", "p"), "");
  EXPECT_TRUE(has(body_of_staged(together, "x", "p"), "for p in 0..3 parallel"));
}

TEST(Stage, RefusesLoopsWhoseIterationsAreUnrolled) {
  EXPECT_TRUE(has(message_of([&] { staged(pipeline(*kernel_of(kGemm), "j", 1), "a", "j"); }),
                  "loop j is pipelined"));
  EXPECT_TRUE(has(message_of([&] { staged(pipeline(*kernel_of(kGemm), "j", 1), "a", "k"); }),
                  "stage at a loop outside of j"));
  EXPECT_TRUE(has(message_of([&] { staged(unroll(*kernel_of(kGemm), "j", 0), "a", "j"); }),
                  "loop j is unrolled"));
}

TEST(Stage, NamesTheLoopsThatTouchTheArray) {
  constexpr std::string_view text = R"(
kernel two(x: in int<32>[4], y: out int<32>[4], z: out int<32>[4]) {
  for i in 0..4 {
    y[i] = x[i]
  }
  for j in 0..4 {
    z[j] = 1
  }
}
)";
  const std::string message = staging_refusal(text, "x", "j");
  EXPECT_TRUE(has(message, "loop j does not touch x"));
  EXPECT_TRUE(has(message, "the loops that do are i"));
}

TEST(Stage, RefusesAPartWithoutALiteralSize) {
  const std::string message = staging_refusal(kGemm, "a", "i");
  EXPECT_EQ(message, "");
  constexpr std::string_view text = R"(
kernel rows(n: index, m: index, x: in int<32>[n, m], y: out int<32>[n, m]) {
  for i in 0..n {
    for j in 0..m {
      y[i, j] = x[i, j]
    }
  }
}
)";
  EXPECT_TRUE(has(staging_refusal(text, "x", "i"), "no literal size"));
  EXPECT_TRUE(has(staging_refusal(text, "x", "i"), "<-- touched here"));
  const KernelPtr kernel = kernel_of(text);
  const Kernel tiled = staged(tile(*kernel, "i", "j", 4, 8), "x", "j_o");
  EXPECT_EQ(difference(*kernel, tiled, {{"n", 9}, {"m", 13}}), "");
}

TEST(Stage, RefusesAnArrayThatIsLocalToTheLoop) {
  EXPECT_TRUE(has(staging_refusal(R"(
kernel own(x: in int<32>[4], y: out int<32>[4]) {
  for i in 0..4 {
    var t: int<32>[2]
    t[0] = x[i]
    y[i] = t[0]
  }
}
)",
                                  "t", "i"),
                  "t is declared in loop i"));
}

TEST(Stage, RefusesMemoryThatIsNotOnTheChip) {
  const KernelPtr kernel = kernel_of(kGemm);
  EXPECT_TRUE(has(message_of([&] { stage(*kernel, "a", "i", Storage::kGlobal); }),
                  "cannot stage a i global"));
}

TEST(Stage, MisspeltNamesAreGuessed) {
  EXPECT_TRUE(has(staging_refusal(kGemm, "aa", "i"), "did you mean a?"));
  EXPECT_TRUE(has(staging_refusal(kGemm, "a", "ii"), "did you mean i?"));
}

}  // namespace
}  // namespace heddle::kernel
