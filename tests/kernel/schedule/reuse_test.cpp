#include <gtest/gtest.h>

#include "kernel/schedule/loops.h"
#include "kernel/schedule/memory.h"
#include "kernel/schedule/memory_support.h"

namespace heddle::kernel {
namespace {

constexpr std::string_view kBlur = R"(
kernel blur(x: in int<8>[10, 13], y: out int<32>[8, 11]) {
  for r in 0..8 {
    for c in 0..11 {
      y[r, c] = 0
      for i in 0..3 {
        for j in 0..3 {
          y[r, c] += x[r + i, c + j]
        }
      }
    }
  }
}
)";

/// Zeros around the image; sizes of the caller's.
constexpr std::string_view kPadded = R"(
kernel padded(h: index, w: index, x: in int<8>[h, w], y: out int<32>[h, w]) {
  for r in 0..h {
    for c in 0..w {
      y[r, c] = 0
      for i in 0..3 {
        for j in 0..3 {
          if r + i >= 1 && r + i <= h && c + j >= 1 && c + j <= w {
            y[r, c] += x[r + i - 1, c + j - 1]
          }
        }
      }
    }
  }
}
)";

std::string reuse_refusal(std::string_view text, const std::string& array,
                          const std::string& loop) {
  const KernelPtr kernel = kernel_of(text);
  return message_of([&] { reuse_at(*kernel, array, loop); });
}

/// "" if reusing keeps the results; else what differs, or the refusal.
std::string reuse_difference(std::string_view text, const std::string& array,
                             const std::string& loop, const Sizes& sizes = {}) {
  const KernelPtr kernel = kernel_of(text);
  std::string result;
  const std::string refusal =
      message_of([&] { result = difference(*kernel, reuse_at(*kernel, array, loop), sizes); });
  return refusal + result;
}

TEST(ReuseAt, ShiftsAWindowAlongALoop) {
  EXPECT_EQ(body_text(reuse_at(*kernel_of(kBlur), "x", "c")), R"(for r in 0..8 {
  var x_window: int<8>[3, 3] @register
  for x_fill_r in 0..3 {
    for x_fill_c in 0..2 {
      x_window[x_fill_r, x_fill_c + 1] = x[r + x_fill_r, x_fill_c]
    }
  }
  for c in 0..11 {
    for x_shift_r in 0..3 {
      for x_shift_c in 0..2 {
        x_window[x_shift_r, x_shift_c] = x_window[x_shift_r, x_shift_c + 1]
      }
    }
    for x_load_r in 0..3 {
      x_window[x_load_r, 2] = x[r + x_load_r, c + 2]
    }
    y[r, c] = 0
    for i in 0..3 {
      for j in 0..3 {
        y[r, c] += x_window[i, j]
      }
    }
  }
}
)");
}

TEST(ReuseAt, MakesALineBufferAndAWindowOfIt) {
  const KernelPtr blur = kernel_of(kBlur);
  Kernel kernel = reuse_at(*blur, "x", "r");
  EXPECT_TRUE(has(body_text(kernel), "var x_window: int<8>[3, 13] @register"));
  kernel = reuse_at(kernel, "x_window", "c");
  EXPECT_TRUE(has(body_text(kernel), "var x_window_window: int<8>[3, 3] @register"));
  EXPECT_EQ(difference(*blur, kernel), "");
  EXPECT_EQ(difference(*blur, pipeline(kernel, "c", 1)), "");
}

TEST(ReuseAt, PutsEachLineOfAWideImageInAMemoryOfItsOwn) {
  constexpr std::string_view text = R"(
kernel edges(x: in int<8>[6, 100], y: out int<32>[5, 100]) {
  for r in 0..5 {
    for c in 0..100 {
      y[r, c] = x[r + 1, c] - x[r, c]
    }
  }
}
)";
  EXPECT_TRUE(has(body_text(reuse_at(*kernel_of(text), "x", "r")),
                  "var x_window: int<8>[2, 100] partition(complete, none)"));
  EXPECT_EQ(reuse_difference(text, "x", "r"), "");
}

TEST(ReuseAt, NeverReadsOutsideOfTheArray) {
  const KernelPtr padded = kernel_of(kPadded);
  const Kernel kernel = reuse_at(*padded, "x", "c");
  for (const std::int64_t h : {0, 1, 2, 5}) {
    for (const std::int64_t w : {0, 1, 2, 3, 7}) {
      EXPECT_EQ(difference(*padded, kernel, {{"h", h}, {"w", w}}), "") << h << " x " << w;
    }
  }
}

TEST(ReuseAt, KeepsTheResultsForStridesBelowTheWindow) {
  for (const int stride : {1, 2, 3}) {
    for (const int taps : {2, 3, 4, 5}) {
      const std::string text = fmt::format(R"(
kernel fir(x: in int<8>[24], y: out int<32>[6]) {{
  for i in 0..6 {{
    y[i] = 0
    for t in 0..{} {{
      y[i] += x[{} * i + t]
    }}
  }}
}}
)",
                                           taps, stride);
      if (stride < taps) {
        EXPECT_EQ(reuse_difference(text, "x", "i"), "") << stride << ", " << taps;
      } else {
        EXPECT_TRUE(has(reuse_refusal(text, "x", "i"), "share nothing of x"));
      }
    }
  }
}

TEST(ReuseAt, StartsWhereTheLoopStarts) {
  constexpr std::string_view text = R"(
kernel late(n: index, x: in int<8>[20], y: inout int<32>[20]) {
  for b in 0..3 {
    for i in b + 2..n {
      y[i] = x[i - 2] + x[i] + x[i - 1]
    }
  }
}
)";
  for (const std::int64_t n : {0, 2, 3, 4, 12, 20}) {
    EXPECT_EQ(reuse_difference(text, "x", "i", {{"n", n}}), "") << n;
  }
}

TEST(ReuseAt, HandsTheWindowToCalls) {
  constexpr std::string_view text = R"(
kernel sum(x: in int<8>[3], y: out int<32>[1]) {
  y[0] = x[0] + x[1] + x[2]
}
kernel sums(x: in int<8>[10], y: out int<32>[8]) {
  for i in 0..8 {
    call sum(x[i:], y[i:])
  }
}
)";
  EXPECT_EQ(reuse_difference(text, "x", "i"), "");
}

TEST(ReuseAt, RefusesAnArrayThatTheLoopWrites) {
  const std::string message = reuse_refusal(R"(
kernel sums(x: inout int<32>[10]) {
  for i in 0..8 {
    x[i + 1] = x[i] + x[i + 2]
  }
}
)",
                                            "x", "i");
  EXPECT_TRUE(has(message, "cannot reuse_at x i: x is written in loop i"));
  EXPECT_TRUE(has(message, "<-- written here"));
}

TEST(ReuseAt, RefusesWhatDoesNotShiftAlongOneDimension) {
  constexpr std::string_view text = R"(
kernel shapes(x: in int<8>[10, 10], y: out int<32>[8]) {
  for i in 0..8 {
    y[i] = x[i, i] + x[i + 1, i]
  }
}
)";
  EXPECT_TRUE(has(reuse_refusal(text, "x", "i"), "moves along 2 dimensions at once"));
  constexpr std::string_view still = R"(
kernel still(x: in int<8>[10], y: out int<32>[8]) {
  for i in 0..8 {
    y[i] = x[3] + x[4]
  }
}
)";
  EXPECT_TRUE(has(reuse_refusal(still, "x", "i"), "is the same in every iteration"));
  constexpr std::string_view backward = R"(
kernel backward(x: in int<8>[10], y: out int<32>[8]) {
  for i in 0..8 {
    y[i] = x[9 - i] + x[8 - i]
  }
}
)";
  EXPECT_TRUE(has(reuse_refusal(backward, "x", "i"), "toward smaller subscripts"));
  constexpr std::string_view halves = R"(
kernel halves(x: in int<8>[10], y: out int<32>[8]) {
  for i in 0..8 {
    y[i] = x[i / 2] + x[i / 2 + 1]
  }
}
)";
  EXPECT_TRUE(has(reuse_refusal(halves, "x", "i"), "does not move by a fixed step"));
}

TEST(ReuseAt, RefusesIterationsThatRunSideBySide) {
  const KernelPtr blur = kernel_of(kBlur);
  EXPECT_TRUE(
      has(message_of([&] { reuse_at(parallel(*blur, "c"), "x", "c"); }), "loop c is parallel"));
  EXPECT_TRUE(
      has(message_of([&] { reuse_at(unroll(*blur, "c", 0), "x", "c"); }), "loop c is unrolled"));
  // Around it they may: each has a window of its own.
  EXPECT_EQ(difference(*blur, reuse_at(parallel(*blur, "r"), "x", "c")), "");
}

TEST(ReuseAt, RefusesElementsThatMayHaveNoValue) {
  constexpr std::string_view text = R"(
kernel gaps(x: in int<32>[10], y: out int<32>[8]) {
  var t: int<32>[10]
  for a in 0..10 {
    if a != 3 {
      t[a] = x[a]
    }
  }
  for i in 0..8 {
    y[i] = 0
    if i != 3 && i != 1 {
      y[i] = t[i] + t[i + 2]
    }
  }
}
)";
  EXPECT_TRUE(has(reuse_refusal(text, "t", "i"), "may have no value yet"));
}

TEST(ReuseAt, NamesTheLoopsThatTouchTheArray) {
  EXPECT_TRUE(has(reuse_refusal(R"(
kernel other(x: in int<8>[8], y: out int<32>[8]) {
  for i in 0..8 {
    y[i] = x[i]
  }
  for j in 0..8 {
    y[j] += 1
  }
}
)",
                                "x", "j"),
                  "the loops that do are i"));
}

}  // namespace
}  // namespace heddle::kernel
