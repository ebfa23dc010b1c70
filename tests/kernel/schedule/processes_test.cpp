// dataflow, stream and systolic: nests that run side by side.
#include <gtest/gtest.h>

#include "base/error.h"
#include "kernel/schedule/memory_support.h"
#include "kernel/schedule/schedule.h"
#include "kernel/text.h"

namespace heddle::kernel {
namespace {

std::string outcome(const std::string& text, const std::string& steps) {
  const KernelPtr kernel = parse_kernel(text, "kernel");
  try {
    const Schedule s = replay(kernel, steps, "steps");
    return difference(*kernel, *s.kernel());
  } catch (const UserError& error) {
    return std::string(error.what()) + " | " + error.remedy();
  }
}

std::string two_nests(const std::string& write, const std::string& read) {
  return "kernel f(a: in int<16>[6, 8], b: out int<18>[6, 8]) { var t: int<17>[6, 8] " + write +
         " " + read + " }";
}
constexpr const char* kWrite = "for i in 0..6 { for j in 0..8 { t[i, j] = a[i, j] + 1 } }";
constexpr const char* kRead = "for p in 0..6 { for q in 0..8 { b[p, q] = t[p, q] - 1 } }";

TEST(Stream, JoinsNestsThatGoThroughTheElementsAlike) {
  EXPECT_EQ(outcome(two_nests(kWrite, kRead), "dataflow\nstream t 1\n"), "");
  // Other bounds and subscripts, the same order.
  EXPECT_EQ(
      outcome(two_nests(kWrite, "for p in 2..8 { for q in 0..8 { b[p - 2, q] = t[p - 2, q] } }"),
              "dataflow\nstream t\n"),
      "");
}

TEST(Stream, ReadsAnElementOnceHoweverOftenTheStatementNamesIt) {
  EXPECT_EQ(outcome("kernel f(a: in int<8>[8], b: out int<20>[8]) { var t: int<9>[8]"
                    " for i in 0..8 { t[i] = a[i] + 1 } for j in 0..8 { b[j] = t[j] * t[j] } }",
                    "dataflow\nstream t 2\n"),
            "");
}

TEST(Stream, RefusesAnotherOrder) {
  EXPECT_TRUE(
      has(outcome(two_nests(kWrite, "for q in 0..8 { for p in 0..6 { b[p, q] = t[p, q] } }"),
                  "dataflow\nstream t\n"),
          "run differently often"));
  EXPECT_TRUE(
      has(outcome(two_nests(kWrite, "for p in 0..6 { for q in 0..8 { b[p, q] = t[5 - p, q] } }"),
                  "dataflow\nstream t\n"),
          "in dimension 0"));
}

TEST(Stream, RefusesElementsThatAreReadAgain) {
  EXPECT_TRUE(has(
      outcome(
          two_nests(kWrite,
                    "for p in 0..6 { for q in 0..8 { b[p, q] = t[p, q] + t[p, max(q - 1, 0)] } }"),
          "dataflow\nstream t\n"),
      "two different places"));
  EXPECT_TRUE(has(
      outcome("kernel f(a: in int<16>[8], b: out int<17>[3, 8]) { var t: int<16>[8]"
              " for i in 0..8 { t[i] = a[i] } for r in 0..3 { for j in 0..8 { b[r, j] = t[j] } } }",
              "dataflow\nstream t\n"),
      "nested loops"));
}

TEST(Stream, RefusesElementsThatAreWrittenTwice) {
  EXPECT_TRUE(has(outcome("kernel f(a: in int<16>[8], b: out int<16>[8]) { var t: int<16>[8]"
                          " for i in 0..8 { t[i / 2] = a[i] } for j in 0..8 { b[j] = t[j / 2] } }",
                          "dataflow\nstream t\n"),
                  "written twice"));
  EXPECT_TRUE(
      has(outcome("kernel f(a: in int<16>[8], b: out int<32>[8]) { var t: int<32>[8]"
                  " for i in 0..8 { t[i] = 0 t[i] += a[i] } for j in 0..8 { b[j] = t[j] } }",
                  "dataflow\nstream t\n"),
          "accumulate in a scalar"));
}

TEST(Stream, RefusesConditionsArgumentsAndMissingProcesses) {
  EXPECT_TRUE(has(
      outcome(two_nests(
                  kWrite,
                  "for p in 0..6 { for q in 0..8 { b[p, q] = 0 if q > 2 { b[p, q] = t[p, q] } } }"),
              "dataflow\nstream t\n"),
      "under a condition"));
  EXPECT_TRUE(has(outcome(two_nests(kWrite, kRead), "stream t\n"), "apply dataflow first"));
  EXPECT_TRUE(has(outcome(two_nests(kWrite, kRead), "dataflow\nstream a\n"), "argument"));
  EXPECT_TRUE(has(outcome(two_nests(kWrite, kRead), "dataflow\nstream t 0\n"), "depth"));
}

TEST(Dataflow, OverlapsTheStatementsOfALoop) {
  EXPECT_EQ(
      outcome(
          "kernel f(a: in int<16>[4, 8], b: out int<17>[4, 8]) { for i in 0..4 { for j in 0..8 {"
          " b[i, j] = a[i, j] + 1 } } }",
          "stage a i\nstage b i\ndataflow i\n"),
      "");
}

TEST(Dataflow, RefusesARace) {
  const std::string text = outcome(
      "kernel f(a: inout int<16>[8], b: out int<16>[8]) { for i in 0..8 { b[i] = a[i] }"
      " for j in 0..8 { a[j] = 1 } }",
      "dataflow\n");
  EXPECT_TRUE(has(text, "loop j writes a, which loop i reads before it"));
  EXPECT_TRUE(has(text, "<-- writes a"));
  EXPECT_TRUE(has(
      outcome(
          "kernel f(b: out int<16>[8]) { for i in 0..8 { b[i] = 1 } for j in 0..4 { b[j] = 2 } }",
          "dataflow\n"),
      "writes too"));
}

TEST(Dataflow, RefusesWhatIsOneStatementOrPipelined) {
  EXPECT_TRUE(
      has(outcome("kernel f(b: out int<16>[8]) { for i in 0..8 { b[i] = 1 } }", "dataflow\n"),
          "only 1 statement"));
  EXPECT_TRUE(has(
      outcome(
          "kernel f(b: out int<16>[8], c: out int<16>[8]) { for i in 0..8 { b[i] = 1 c[i] = 2 } }",
          "pipeline i\ndataflow i\n"),
      "pipelined"));
}

constexpr const char* kFloatProduct = R"(
  kernel product(a: in float32[3, 7], b: in float32[7, 4], c: inout float32[3, 4]) {
    for i in 0..3 { for j in 0..4 { for k in 0..7 { c[i, j] += a[i, k] * b[k, j] } } } })";

TEST(Systolic, GivesTheSameBitsAsTheNest) {
  EXPECT_EQ(outcome(kFloatProduct, "systolic i j k\n"), "");
}

TEST(Systolic, WorksOnTilesWithOffsets) {
  EXPECT_EQ(
      outcome(
          "kernel f(a: in int<8>[4, 6], b: in int<8>[6, 8], c: inout int<32>[4, 8]) {"
          " for i in 0..4 { for j in 0..8 { for k in 0..6 { c[i, j] += a[i, k] * b[k, j] } } } }",
          "split i 2\nsplit j 4\nreorder i_o j_o i_i j_i k\nsystolic i_i j_i k\n"),
      "");
}

TEST(Systolic, RefusesOperandsThatNoNeighbourHas) {
  EXPECT_TRUE(has(
      outcome(
          "kernel f(a: in int<8>[3, 4], c: inout int<32>[3, 4]) { for i in 0..3 { for j in 0..4 {"
          " for k in 0..5 { c[i, j] += a[i, j] } } } }",
          "systolic i j k\n"),
      "no neighbour can hand it on"));
}

TEST(Systolic, RefusesSumsThatElementsShare) {
  EXPECT_TRUE(has(
      outcome("kernel f(a: in int<8>[3, 5], c: inout int<32>[3]) { for i in 0..3 { for j in 0..4 {"
              " for k in 0..5 { c[i] += a[i, k] } } } }",
              "systolic i j k\n"),
      "one sum for each"));
}

TEST(Peel, LeavesALoopThatFactorsDivide) {
  const std::string text =
      "kernel f(n: index, b: inout int<16,wrap>[40]) { for i in 3..n { b[i] += 1 } }";
  const Schedule s = replay(parse_kernel(text, "kernel"), "peel i 4\nsplit i 4\n", "steps");
  const std::string after = to_text(*s.kernel());
  EXPECT_EQ(after.find("if "), std::string::npos) << after;
  EXPECT_TRUE(has(after, "for i_rest in"));
}

TEST(Peel, KeepsEveryIterationForEveryTripCount) {
  for (int n = 0; n <= 11; ++n) {
    const std::string text = "kernel f(b: inout int<16,wrap>[40]) { for i in 3.." +
                             std::to_string(n) + " { b[i] = b[i] * 3 + 1 } }";
    EXPECT_EQ(outcome(text, "peel i 4\nsplit i 4\n"), "") << n;
  }
}

TEST(Transpose, ExchangesDimensionsOfALocalArray) {
  EXPECT_EQ(outcome(two_nests(kWrite, kRead), "transpose t 1 0\n"), "");
  EXPECT_TRUE(
      has(outcome(two_nests(kWrite, kRead), "transpose a 1 0\n"), "its layout is the caller's"));
  EXPECT_TRUE(has(outcome(two_nests(kWrite, kRead), "transpose t 1 1\n"), "not an order"));
}

}  // namespace
}  // namespace heddle::kernel
