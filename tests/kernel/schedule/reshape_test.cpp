#include <gtest/gtest.h>

#include "kernel/schedule/loops.h"
#include "kernel/schedule/memory.h"
#include "kernel/schedule/memory_support.h"

namespace heddle::kernel {
namespace {

constexpr std::string_view kCopy = R"(
kernel copy(x: in int<8>[8, 16], y: out int<8>[8, 16]) {
  for i in 0..8 {
    for j in 0..16 {
      y[i, j] = x[i, j]
    }
  }
}
)";

std::string refusal_of(std::string_view text, const std::string& array,
                       const std::vector<std::int64_t>& shape) {
  const KernelPtr kernel = kernel_of(text);
  return message_of([&] { reshape(*kernel, array, shape); });
}

TEST(Reshape, FlattensAndUnflattensToTheSameText) {
  const KernelPtr copy = kernel_of(kCopy);
  const Kernel flat = reshape(*copy, "x", {128});
  EXPECT_TRUE(has(body_text(flat), "y[i, j] = x[i * 16 + j]"));
  EXPECT_TRUE(equal(reshape(flat, "x", {8, 16}), *copy));
}

TEST(Reshape, KeepsResultsForEveryPairOfShapes) {
  const KernelPtr copy = kernel_of(kCopy);
  const std::vector<std::vector<std::int64_t>> shapes = {
      {128},      {8, 16},  {16, 8},  {2, 64},       {8, 4, 4},
      {4, 2, 16}, {1, 128}, {128, 1}, {2, 2, 2, 16}, {32, 4}};
  for (const auto& first : shapes) {
    for (const auto& second : shapes) {
      Kernel kernel = reshape(reshape(*copy, "x", first), "x", second);
      kernel = reshape(kernel, "y", first);
      EXPECT_EQ(difference(*copy, kernel), "") << body_text(kernel);
    }
  }
}

TEST(Reshape, LeavesOtherDimensionsAlone) {
  constexpr std::string_view text = R"(
kernel gather(at: in index[5], x: in int<8>[4, 6, 10], y: out int<8>[5, 6, 10]) {
  for t in 0..5 {
    for i in 0..6 {
      for j in 0..10 {
        y[t, i, j] = x[at[t], i, j]
      }
    }
  }
}
)";
  const KernelPtr kernel = kernel_of(text);
  const Kernel split_last = reshape(*kernel, "x", {4, 6, 2, 5});
  EXPECT_TRUE(has(body_text(split_last), "x[at[t], i, j / 5, j % 5]"));
  EXPECT_EQ(difference(*kernel, split_last), "");
  const Kernel joined = reshape(*kernel, "x", {24, 10});
  EXPECT_TRUE(has(body_text(joined), "x[at[t] * 6 + i, j]"));
  EXPECT_EQ(difference(*kernel, joined), "");
  EXPECT_EQ(difference(*kernel, reshape(joined, "x", {2, 2, 6, 10})), "");
}

TEST(Reshape, UsesThatASubscriptLiesInItsDimension) {
  // Nothing is known of at[t] but that 0 <= at[t] < 4.
  constexpr std::string_view text = R"(
kernel gather(at: in index[5], x: in int<8>[4], y: out int<8>[5]) {
  for t in 0..5 {
    y[t] = x[at[t]]
  }
}
)";
  const KernelPtr kernel = kernel_of(text);
  const Kernel row = reshape(*kernel, "x", {1, 4});
  EXPECT_TRUE(has(body_text(row), "x[0, at[t]]"));
  EXPECT_EQ(difference(*kernel, row), "");
  const Kernel square = reshape(*kernel, "x", {2, 2});
  EXPECT_TRUE(has(body_text(square), "x[at[t] / 2, at[t] % 2]"));
  EXPECT_EQ(difference(*kernel, square), "");
}

TEST(Reshape, FollowsSplitLoops) {
  constexpr std::string_view text = R"(
kernel flat(x: in int<8>[128], y: out int<8>[128]) {
  for i in 0..128 {
    y[i] = x[i]
  }
}
)";
  const KernelPtr kernel = kernel_of(text);
  const Kernel rows = reshape(split(*kernel, "i", 16), "x", {8, 16});
  EXPECT_TRUE(has(body_text(rows), "x[i_o, i_i]"));
  EXPECT_EQ(difference(*kernel, rows), "");
}

TEST(Reshape, ReshapesLocalsTablesAndScalars) {
  constexpr std::string_view text = R"(
kernel locals(x: in int<8>[6], y: out int<8>[6]) {
  table w: int<8>[2, 3] = {1, 2, 3, 4, 5, 6}
  var one: int<8>
  for i in 0..6 {
    one = x[i]
    y[i] = one
    if i < 3 {
      y[i] = w[1, i]
    }
  }
}
)";
  const KernelPtr kernel = kernel_of(text);
  EXPECT_EQ(difference(*kernel, reshape(*kernel, "w", {6})), "");
  EXPECT_EQ(difference(*kernel, reshape(*kernel, "w", {3, 2})), "");
  const Kernel lifted = reshape(*kernel, "one", {1});
  EXPECT_TRUE(has(body_text(lifted), "one[0] = x[i]"));
  EXPECT_EQ(difference(*kernel, lifted), "");
  EXPECT_TRUE(equal(reshape(lifted, "one", {}), *kernel));
}

constexpr std::string_view kWindowCalls = R"(
kernel clear(row: inout int<8>[4]) {
  for k in 0..4 {
    row[k] = 0
  }
}
kernel all(x: inout int<8>[8, 16], y: inout int<8>[128]) {
  for i in 0..8 {
    for j in 0..4 {
      call clear(x[i, 4 * j:])
      call clear(y[16 * i + 4 * j:])
    }
  }
}
)";

TEST(Reshape, MovesWindowsThatStayWindows) {
  const KernelPtr kernel = kernel_of(kWindowCalls);
  const Kernel flat = reshape(*kernel, "x", {128});
  EXPECT_TRUE(has(body_text(flat), "call clear(x[i * 16 + j * 4:])"));
  EXPECT_EQ(difference(*kernel, flat), "");
  for (const auto& shape :
       std::vector<std::vector<std::int64_t>>{{8, 16}, {8, 4, 4}, {32, 4}, {4, 32}, {2, 4, 16}}) {
    EXPECT_EQ(difference(*kernel, reshape(*kernel, "y", shape)), "");
  }
}

TEST(Reshape, RefusesWindowsThatWouldBreakInTwo) {
  const std::string message = refusal_of(kWindowCalls, "y", {64, 2});
  EXPECT_TRUE(has(message, "cannot reshape y 64 2"));
  EXPECT_TRUE(has(message, "is no window of the new shape"));
  EXPECT_TRUE(has(message, "call clear(y[16 * i + 4 * j:])  # <-- here"));
  constexpr std::string_view across = R"(
kernel clear(column: inout int<8>[8]) {
  for k in 0..8 {
    column[k] = 0
  }
}
kernel all(x: inout int<8>[8, 16]) {
  for j in 0..16 {
    call clear(x[0:, j])
  }
}
)";
  EXPECT_TRUE(has(refusal_of(across, "x", {128}), "is no window of the new shape"));
  EXPECT_EQ(refusal_of(across, "x", {8, 4, 4}), "");
}

TEST(Reshape, RefusesAnotherNumberOfElements) {
  EXPECT_TRUE(has(refusal_of(kCopy, "x", {8, 15}), "[8, 16] has 128 elements, [8, 15] has 120"));
  EXPECT_TRUE(has(refusal_of(kCopy, "x", {-8, -16}), "-8 is no extent"));
  EXPECT_TRUE(has(refusal_of(kCopy, "x", {}), "[] has 1"));
}

TEST(Reshape, RefusesExtentsThatAreNoLiterals) {
  EXPECT_TRUE(has(refusal_of(R"(
kernel copy(n: index, x: in int<8>[n, 4], y: out int<8>[n, 4]) {
  for i in 0..n {
    y[i, 0] = x[i, 0]
  }
}
)",
                             "x", {8}),
                  "its extent n is no literal"));
}

TEST(Reshape, KeepsThePartitionOfDimensionsThatStay) {
  constexpr std::string_view text = R"(
kernel part(x: in int<8>[4, 6], y: out int<8>[4, 6]) {
  var t: int<8>[4, 6] partition(none, cyclic(2))
  for i in 0..4 {
    for j in 0..6 {
      t[i, j] = x[i, j]
      y[i, j] = t[i, j]
    }
  }
}
)";
  const Kernel kept = reshape(*kernel_of(text), "t", {2, 2, 6});
  EXPECT_TRUE(has(body_text(kept), "var t: int<8>[2, 2, 6] partition(none, none, cyclic(2))"));
  EXPECT_TRUE(has(refusal_of(text, "t", {24}), "dimension 1 changes and is partitioned"));
}

TEST(Reshape, KeepsMemoryWordsWhole) {
  const Kernel packed = pack(*kernel_of(kCopy), "x", 4);
  EXPECT_EQ(message_of([&] { reshape(packed, "x", {32, 4}); }), "");
  EXPECT_TRUE(has(message_of([&] { reshape(packed, "x", {64, 2}); }),
                  "words of 4 elements would not divide the last extent"));
}

}  // namespace
}  // namespace heddle::kernel
