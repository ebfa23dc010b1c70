// The interpreter's checks, and processes: what only the oracle can tell.
#include "kernel/interpret.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "kernel/text.h"
#include "support/user_error.h"

namespace heddle::kernel {
namespace {

/// Runs a kernel text on arrays filled with 0, 1, 2, ...; gives the arrays back.
struct Execution {
  std::vector<std::unique_ptr<Buffer>> buffers;
  InterpretReport report;

  explicit Execution(const std::string& text, const InterpretOptions& options = {}) {
    const KernelPtr kernel = parse_kernel(text, "test");
    std::vector<Argument> arguments;
    for (const Parameter& parameter : kernel->parameters) {
      const Array& array = std::get<ArrayParameter>(parameter).array;
      std::vector<std::int64_t> shape;
      for (const Expr& extent : array.shape) {
        shape.push_back(static_cast<std::int64_t>(*as_integer(extent)));
      }
      buffers.push_back(std::make_unique<Buffer>(array.element, shape));
      const std::int64_t size = buffers.back()->size();
      for (std::int64_t i = 0; i < size; ++i) buffers.back()->set(i, static_cast<double>(i));
      arguments.emplace_back(buffers.back().get());
    }
    report = interpret(*kernel, arguments, options);
  }

  [[nodiscard]] double at(std::size_t array, std::int64_t element) const {
    return buffers[array]->real(element);
  }
};

/// The message and remedy of the mistake that running the text meets.
std::string run_mistake(const std::string& text, const InterpretOptions& options = {}) {
  try {
    const Execution run(text, options);
    return "none";
  } catch (const UserError& error) {
    return std::string(error.what()) + " | " + error.remedy();
  }
}

TEST(Interpreter, NamesTheSubscriptThatLeavesItsArray) {
  expect_parts(run_mistake("kernel f(a: inout int<16>[4, 6]) {"
                           " for i in 0..4 { for j in 0..7 { a[i, j] = 1 } } }"),
               {"subscript 1 of a is 6", "0 ... 5", "a[i, j] = 1", "i=0, j=6"});
}

TEST(Interpreter, RefusesToReadWhatHasNoValue) {
  expect_parts(run_mistake("kernel f(a: out int<16>[4]) { var t: int<16>[4] t[1] = 1"
                           " for i in 0..4 { a[i] = t[3 - i] } }"),
               {"element 3 of t", "before it has a value", "i=0"});
  expect_parts(run_mistake("kernel f(a: out int<16>[4]) { a[0] = a[1] }"), {"element 1 of a"});
}

TEST(Interpreter, ALocalHasNoValueEachTimeItIsDeclared) {
  expect_parts(run_mistake("kernel f(a: inout int<16>[4]) { for i in 0..4 { var t: int<16>"
                           " if i == 0 { t = 1 } a[i] = t } }"),
               {"element 0 of t", "i=1"});
}

TEST(Interpreter, StopsWhereAnExactTypeOverflows) {
  expect_parts(
      run_mistake("kernel f(a: inout int<8>[200]) { for i in 0..3 { a[i] = a[i + 62] * 2 + 3 } }"),
      {"does not fit int<8>", "i="});
}

TEST(Interpreter, WrapsAndSaturatesWhereTheTypeSaysSo) {
  const Execution run(
      "kernel f(a: in int<16>[300], w: out int<8,wrap>[1], s: out int<8,saturate>[1]) {"
      " w[0] = a[130] s[0] = a[130] }");
  EXPECT_EQ(run.at(1, 0), -126);
  EXPECT_EQ(run.at(2, 0), 127);
}

TEST(Interpreter, NamesDivisionsByZeroAndNegativeShifts) {
  expect_parts(run_mistake("kernel f(a: inout int<16>[4]) { a[1] = a[1] / a[0] }"),
               {"division by zero"});
  expect_parts(run_mistake("kernel f(a: inout int<16>[4]) { a[1] = a[1] >> (a[0] - 1) }"),
               {"negative"});
}

TEST(Interpreter, EvaluatesOnlyTheChosenOperand) {
  const Execution run(
      "kernel f(a: in int<16>[4], b: out int<16>[4]) { for i in 0..4 {"
      " b[i] = select(i > 0, a[i - 1], 7)"
      " if i > 0 && a[i - 1] > 1 { b[i] = -1 } } }");
  EXPECT_EQ(run.at(1, 0), 7);
  EXPECT_EQ(run.at(1, 2), 1);
  EXPECT_EQ(run.at(1, 3), -1);
}

TEST(Interpreter, CallsSeeTheirWindowAndNoMore) {
  const Execution run(
      "kernel g(x: in int<16>[3], y: inout int<32>[2]) { for t in 0..2 { y[t] += x[t + 1] } }"
      "kernel f(a: in int<16>[4, 6], b: inout int<32>[4, 5]) {"
      " for i in 0..4 { call g(a[i, 2:], b[i, 3:]) } }");
  EXPECT_EQ(run.at(1, 5 + 3), 5 + 3 + 6 + 3);
  EXPECT_EQ(run.at(1, 5 + 2), 5 + 2);
  expect_parts(
      run_mistake("kernel g(x: in int<16>[5], y: out int<16>[1]) { y[0] = x[0] }"
                  "kernel f(a: in int<16>[4, 6], b: out int<16>[1]) { call g(a[1, 2:], b) }"),
      {"needs 5 elements of a", "there are 4"});
}

TEST(Interpreter, OutWindowsStartWithoutValues) {
  expect_parts(run_mistake("kernel g(y: out int<16>[2]) { y[0] = y[1] }"
                           "kernel f(b: inout int<16>[4]) { call g(b[1:]) }"),
               {"element 1 of y"});
}

TEST(Interpreter, StopsAtTheStatementLimit) {
  expect_parts(
      run_mistake("kernel f(a: inout int<16>[4]) { for i in 0..1000 { a[0] = 1 } }", {10, false}),
      {"more than 10 statements"});
}

constexpr const char* kPipe = R"(
  kernel f(a: in int<16>[8], b: out int<16>[8]) {
    stream s: int<16> depth(%)
    dataflow {
      process write { for i in 0..8 { put s, a[i] } }
      process read { for j in 0..8 { get s, b[j] } }
    } })";

std::string pipe_of(const std::string& depth) {
  std::string text = kPipe;
  return text.replace(text.find('%'), 1, depth);
}

TEST(Interpreter, ProcessesMeetInStreamsOfAnyDepth) {
  for (const char* depth : {"1", "2", "100"}) {
    const Execution run(pipe_of(depth));
    EXPECT_EQ(run.at(1, 7), 7) << depth;
  }
  EXPECT_EQ(Execution(pipe_of("3")).report.peak_fill.at("s"), 3);
}

TEST(Interpreter, DeadlockNamesEveryProcessItsStreamAndItsFill) {
  const std::string text = run_mistake(R"(
    kernel f(b: out int<16>[8]) {
      stream s: int<16> depth(2)
      stream t: int<16> depth(2)
      dataflow {
        process write { for i in 0..4 { put s, 1 } for j in 0..4 { put t, 2 } }
        process read { for k in 0..4 { get t, b[k] get s, b[k + 4] } }
      } })");
  expect_parts(text, {"deadlock", "write waits to write s (2 of 2 full) at i=2",
                      "read waits to read t (0 of 2 full) at k=0", "larger depth"});
}

TEST(Interpreter, CountsOfPutsAndGetsMustAgree) {
  expect_parts(run_mistake(R"(kernel f(b: out int<16>[8]) {
      stream s: int<16> depth(9)
      dataflow { process w { for i in 0..5 { put s, 1 } } process r { for k in 0..4 { get s, b[k] } } } })"),
               {"1 element of stream s", "never taken"});
  expect_parts(run_mistake(R"(kernel f(b: out int<16>[8]) {
      stream s: int<16> depth(9)
      dataflow { process w { for i in 0..3 { put s, 1 } } process r { for k in 0..4 { get s, b[k] } } } })"),
               {"deadlock", "r waits to read s", "k=3"});
}

TEST(Interpreter, AnUnrolledProcessIsOneProcessPerIteration) {
  // A chain: each adds one. In sequence element 0 would have to hold all eight values.
  const Execution run(R"(
    kernel f(a: in int<16>[8], b: out int<18>[8]) {
      stream s: int<18>[4] depth(1)
      dataflow {
        process feed { for i in 0..8 { put s[0], a[i] } }
        process chain { for p in 0..3 unroll { for k in 0..8 {
          var x: int<18>
          get s[p], x
          put s[p + 1], int<18>(x + 1) } } }
        process drain { for j in 0..8 { get s[3], b[j] } }
      } })");
  EXPECT_EQ(run.at(1, 5), 8);
}

TEST(Interpreter, ALaterProcessWaitsForTheArrayOfAnEarlierOne) {
  const Execution run(R"(
    kernel f(a: in int<16>[8], b: out int<16>[8]) {
      var t: int<16>[8]
      stream s: int<16> depth(1)
      dataflow {
        process write { for i in 0..8 { t[i] = a[i] } }
        process read { for j in 0..8 { b[j] = t[7 - j] } }
      } })");
  EXPECT_EQ(run.at(1, 0), 7);
}

TEST(Interpreter, StreamsPassThroughCallsAndNestedRegions) {
  const Execution run(R"(
    kernel stage(x: in stream int<16>, y: out stream int<16>) {
      stream mid: int<16> depth(1)
      dataflow {
        process first { for i in 0..4 { var v: int<16> get x, v put mid, v } }
        process second { for j in 0..4 { var w: int<16> get mid, w put y, w } }
      } }
    kernel f(a: in int<16>[8], b: out int<16>[8]) {
      for r in 0..2 {
        stream s: int<16>[2] depth(2)
        dataflow {
          process feed { for i in 0..4 { put s[0], a[r * 4 + i] } }
          process pass { call stage(s[0], s[1]) }
          process drain { for j in 0..4 { get s[1], b[r * 4 + j] } }
        } } })");
  EXPECT_EQ(run.at(1, 6), 6);
}

TEST(Interpreter, ReportsBanksThatAPipelineAsksTooMuchOf) {
  const auto conflicts = [](const std::string& partition, const std::string& interval) {
    return Execution("kernel f(a: in int<16>[32], b: out int<20>[8]) { var t: int<16>[32] @bram " +
                         partition + " for l in 0..32 { t[l] = a[l] } for i in 0..8 pipeline(" +
                         interval +
                         ") { b[i] = t[4 * i] + t[4 * i + 1] + t[4 * i + 2] + t[4 * i + 3] } }",
                     {0, true})
        .report.conflicts;
  };
  ASSERT_EQ(conflicts("", "1").size(), 1U);
  const PortConflict conflict = conflicts("", "1").front();
  EXPECT_EQ(conflict.array, "t");
  EXPECT_EQ(conflict.loop, "i");
  EXPECT_EQ(conflict.accesses, 4);
  EXPECT_EQ(conflict.available, 2);
  EXPECT_TRUE(conflicts("", "2").empty());
  EXPECT_TRUE(conflicts("partition(cyclic(2))", "1").empty());
  EXPECT_TRUE(conflicts("partition(complete)", "1").empty());
  EXPECT_EQ(conflicts("partition(block(2))", "1").size(), 1U);
  EXPECT_TRUE(conflicts("lanes(2)", "1").empty());
}

}  // namespace
}  // namespace heddle::kernel
