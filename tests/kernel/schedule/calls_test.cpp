// replace, inline and compose: calls in place of nests and nests in place of calls.
#include <gtest/gtest.h>

#include "base/error.h"
#include "kernel/schedule/memory_support.h"
#include "kernel/schedule/schedule.h"
#include "kernel/text.h"

namespace heddle::kernel {
namespace {

/// y[2, 4] += x[2, n] w[n, 4], with w dense.
KernelPtr instruction() {
  return parse_kernel(R"(
    instruction mac(n: index, x: in int<8>[2, n], w: in int<8>[n, 4], y: inout int<32>[2, 4]) {
      for k in 0..n { for r in 0..2 { for c in 0..4 { y[r, c] += x[r, k] * w[k, c] } } }
    } dense(1, 1, 1))",
                      "instruction");
}

constexpr const char* kIntegerProduct = R"(
  kernel product(a: in int<8>[4, 6], b: in int<8>[6, 8], c: inout int<32>[4, 8]) {
    for i in 0..4 { for j in 0..8 { for k in 0..6 { c[i, j] += a[i, k] * b[k, j] } } } })";

std::string tiled_and_replaced() {
  return "split i 2\nsplit j 4\nreorder i_o j_o k i_i j_i\nreplace k mac\n";
}

/// What replaying the steps on the text says.
std::string text_refusal(const std::string& text, const std::string& steps) {
  try {
    (void)replay(parse_kernel(text, "kernel"), steps, "steps", {instruction()});
    return "";
  } catch (const UserError& error) {
    return std::string(error.what()) + " | " + error.remedy();
  }
}

TEST(Replace, FindsTheWindowsOfATile) {
  const KernelPtr product = parse_kernel(kIntegerProduct, "kernel");
  const Schedule s = replay(product, tiled_and_replaced(), "steps", {instruction()});
  EXPECT_TRUE(has(to_text(*s.kernel()),
                  "call mac(6, a[i_o * 2:, 0:], b[0:, j_o * 4:], c[i_o * 2:, j_o * 4:])"));
  EXPECT_EQ(difference(*product, *s.kernel()), "");
}

TEST(Replace, KnowsThatProductsCommute) {
  std::string text = kIntegerProduct;
  text.replace(text.find("a[i, k] * b[k, j]"), 17, "b[k, j] * a[i, k]");
  EXPECT_EQ(text_refusal(text, tiled_and_replaced()), "");
}

TEST(Replace, RefusesANestThatDiffersAnywhere) {
  const auto with = [](const std::string& from, const std::string& to) {
    std::string text = kIntegerProduct;
    text.replace(text.find(from), from.size(), to);
    return text_refusal(text, tiled_and_replaced());
  };
  EXPECT_TRUE(has(with("a[i, k] * b[k, j]", "a[i, k] + b[k, j]"), "not what mac means"));
  EXPECT_TRUE(has(with("a[i, k] *", "a[i, 5 - k] *"), "does not run as"));
  EXPECT_TRUE(has(with("b[k, j] }", "b[k, 7 - j] }"), "does not run as"));
  EXPECT_TRUE(has(with("b[k, j] }", "b[0, j] }"), "does not run as"));
  EXPECT_TRUE(has(with("c[i, j] +=", "c[i, j] max="), "not what mac means"));
  EXPECT_TRUE(has(with("a: in int<8>", "a: in uint<8>"), "not what mac means"));
  EXPECT_TRUE(has(with("k in 0..6", "k in 0..i"), "cannot reorder"));
}

TEST(Replace, RefusesAnotherLoopOrderAndShowsTheInstructionsNest) {
  const std::string text = text_refusal(
      kIntegerProduct, "split i 2\nsplit j 4\nreorder i_o j_o k j_i i_i\nreplace k mac\n");
  EXPECT_TRUE(has(text, "loop j_i has 4 iterations where the instruction's r has 2"));
  EXPECT_TRUE(has(text, "for c in 0..4"));
  EXPECT_TRUE(has(text, "<-- this nest"));
}

TEST(Replace, RefusesAGuardedTail) {
  EXPECT_TRUE(
      has(text_refusal(kIntegerProduct, "split i 2\nsplit j 3\nsplit j_o 4\nreplace k mac\n"),
          "not what mac means"));
}

TEST(Replace, RefusesStridedOperandsWhereTheInstructionWantsThemDense) {
  std::string text = kIntegerProduct;
  text.replace(text.find("b: in int<8>[6, 8]"), 18, "b: in int<8>[8, 6]");
  text.replace(text.find("b[k, j]"), 7, "b[j, k]");
  // w[k, c] would run along b's dimensions the other way round.
  EXPECT_TRUE(has(text_refusal(text, tiled_and_replaced()), "does not run as"));
}

TEST(Replace, RefusesAnArrayThatIsReadAndWrittenAtOnce) {
  EXPECT_TRUE(has(
      text_refusal(
          "kernel f(c: inout int<8,wrap>[4, 8]) { for k in 0..2 { for r in 0..2 { for q in 0..4 {"
          " c[r, q] += c[r, k] * c[k, q] } } } }",
          "replace k mac\n"),
      "not what mac means"));
}

TEST(Replace, NamesInstructionsThatAreNear) {
  EXPECT_TRUE(has(text_refusal(kIntegerProduct, "replace k macc\n"), "did you mean mac"));
}

constexpr const char* kRowCalls = R"(
  kernel row(x: in int<16>[4], by: int<16>, y: out int<18>[4]) {
    var t: int<17>
    for l in 0..4 { t = x[l] + by
      y[l] = t + 1 } }
  kernel f(a: in int<16>[3, 4], v: in int<16>[3], b: out int<18>[3, 4]) {
    for i in 0..3 { call row(a[i, 0:], v[i], b[i, 0:]) } })";

TEST(Inline, PutsTheBodyInPlaceOfTheCall) {
  const KernelPtr kernel = parse_kernel(kRowCalls, "kernel");
  const Schedule s = replay(kernel, "inline row\n", "steps");
  EXPECT_EQ(to_text(*s.kernel()).find("call"), std::string::npos);
  EXPECT_EQ(difference(*kernel, *s.kernel()), "");
}

TEST(Inline, EvaluatesAScalarArgumentOnce) {
  // The callee overwrites what its scalar was read from.
  const KernelPtr kernel = parse_kernel(R"(
    kernel add(by: int<16>, y: inout int<16,wrap>[4]) { for l in 0..4 { y[l] += by } }
    kernel f(b: inout int<16,wrap>[4]) { call add(int<16>(b[0]), b) })",
                                        "kernel");
  const Schedule s = replay(kernel, "inline add\n", "steps");
  EXPECT_EQ(difference(*kernel, *s.kernel()), "");
}

TEST(Inline, ComposesWindowsOfWindows) {
  const KernelPtr kernel = parse_kernel(R"(
    kernel inner(z: inout int<16,wrap>[2]) { for l in 0..2 { z[l] += 5 } }
    kernel outer(y: inout int<16,wrap>[3, 4]) { for m in 0..3 { call inner(y[m, 1:]) } }
    kernel f(b: inout int<16,wrap>[2, 3, 6]) { for i in 0..2 { call outer(b[i, 0:, 2:]) } })",
                                        "kernel");
  const Schedule s = replay(kernel, "inline outer\ninline inner\n", "steps");
  EXPECT_EQ(difference(*kernel, *s.kernel()), "");
}

TEST(Inline, ListsTheCallsThereAre) {
  EXPECT_TRUE(has(text_refusal(kRowCalls, "inline column\n"), "row"));
}

TEST(Compose, CarriesAScheduleToTheCaller) {
  const KernelPtr kernel = parse_kernel(kRowCalls, "kernel");
  const Schedule s = replay(kernel, "compose row {\n  unroll l 2\n  pipeline l_o\n}\n", "steps");
  EXPECT_TRUE(has(to_text(*s.kernel()), "for l_o in 0..2 pipeline(1)"));
  EXPECT_EQ(difference(*kernel, *s.kernel()), "");
  EXPECT_TRUE(equal(*replay(kernel, to_text(s.steps()), "again").kernel(), *s.kernel()));
}

TEST(Compose, RefusesACalleeThatWritesWhatItReadsUnderAnotherName) {
  EXPECT_TRUE(has(text_refusal(R"(
kernel shift(a: in int<8>[8], b: out int<8>[8]) { for i in 0..8 { b[i] = a[i] } }
kernel f(x: inout int<8>[9]) { call shift(x[0:], x[1:]) })",
                               "compose shift {\n  split i 4\n  reorder i_i i_o\n}\n"),
                  "two windows of one array"));
}

TEST(Compose, RefusesAScheduleOfAnotherKernel) {
  const KernelPtr kernel = parse_kernel(kRowCalls, "kernel");
  Schedule other(parse_kernel("kernel row(x: in int<16>[4]) { }", "other"));
  Schedule s(kernel);
  EXPECT_THROW(s.compose(other), UserError);
  EXPECT_TRUE(s.steps().empty());
}

}  // namespace
}  // namespace heddle::kernel
