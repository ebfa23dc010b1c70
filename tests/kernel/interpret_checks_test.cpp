#include "kernel/interpret.h"

#include <gtest/gtest.h>

#include "kernel/interpret_support.h"
#include "kernel/text.h"

namespace heddle::kernel {
namespace {

using Values = std::vector<double>;

const Type kInt8 = int_type(8);

KernelPtr product(std::int64_t n, std::int64_t m, std::int64_t depth) {
  KernelBuilder k("product");
  const ArrayHandle a = k.input("a", kInt8, {n, depth});
  const ArrayHandle b = k.input("b", kInt8, {depth, m});
  const ArrayHandle c = k.output("c", kInt32, {n, m});
  k.loop("i", 0, n, [&](const Expr& i) {
    k.loop("j", 0, m, [&](const Expr& j) {
      Element sum = k.scalar("sum", kInt32);
      sum = 0;
      k.loop("r", 0, depth, [&](const Expr& r) { sum += a(i, r) * b(r, j); });
      c(i, j) = sum;
    });
  });
  return k.build();
}

TEST(Interpret, MultipliesMatrices) {
  Buffer a = filled(kInt8, {2, 3}, {1, -2, 3, 4, 5, -128});
  Buffer b = filled(kInt8, {3, 2}, {7, 8, 9, -10, 11, 127});
  Buffer c(kInt32, {2, 2});
  const std::vector<Argument> arguments = {&a, &b, &c};
  const InterpretReport report = interpret(*product(2, 2, 3), arguments);
  EXPECT_EQ(values_of(c), (Values{22, 409, -1335, -16274}));
  EXPECT_EQ(report.statements, 4U * (1 + 3 + 1));
}

TEST(Interpret, CountsOnlyStoresPutsAndGets) {
  KernelBuilder k("few");
  const ArrayHandle out = k.output("out", kInt8, {4});
  k.loop("i", 0, 4, [&](const Expr& i) { k.when(i < 3, [&] { out(i) = 1; }); });
  Buffer buffer(kInt8, {4});
  EXPECT_EQ(interpret(*k.build(), std::vector<Argument>{&buffer}).statements, 3U);
}

TEST(Interpret, KeepsTheBitsOfOutElementsThatAreNotWritten) {
  KernelBuilder k("half");
  const ArrayHandle out = k.output("out", kInt8, {4});
  k.loop("i", 0, 2, [&](const Expr& i) { out(i * 2) = 1; });
  Buffer buffer = filled(kInt8, {4}, {9, 9, 9, 9});
  interpret(*k.build(), std::vector<Argument>{&buffer});
  EXPECT_EQ(values_of(buffer), (Values{1, 9, 1, 9}));
}

TEST(Interpret, EvaluatesBoundsOnceAndSkipsEmptyLoops) {
  KernelBuilder k("bounds");
  const ArrayHandle n = k.inout("n", index_type(), {1});
  const ArrayHandle out = k.inout("out", index_type(), {2});
  k.loop("i", 0, n(0), [&](const Expr&) {
    n(0) = Expr(n(0)) + 1;
    out(0) += 1;
  });
  k.loop("j", 5, 5, [&](const Expr&) { out(1) += 1; });
  k.loop("l", 5, 2, [&](const Expr&) { out(1) += 1; });
  Buffer count = filled(index_type(), {1}, {3});
  Buffer buffer(index_type(), {2});
  interpret(*k.build(), std::vector<Argument>{&count, &buffer});
  EXPECT_EQ(values_of(buffer), (Values{3, 0}));
}

TEST(Interpret, TakesSizesFromScalarArguments) {
  KernelBuilder k("iota");
  const Expr n = k.size("n");
  const ArrayHandle out = k.output("out", index_type(), {n, n * 2});
  k.loop("i", 0, n, [&](const Expr& i) {
    k.loop("j", i, n * 2, [&](const Expr& j) { out(i, j) = i * 10 + j; });
  });
  Buffer buffer(index_type(), {2, 4});
  interpret(*k.build(), std::vector<Argument>{index_value(2), &buffer});
  EXPECT_EQ(values_of(buffer), (Values{0, 1, 2, 3, 0, 11, 12, 13}));
}

TEST(Interpret, ReadsTables) {
  KernelBuilder k("lookup");
  const ArrayHandle out = k.output("out", float32_type(), {3});
  const ArrayHandle table = k.table("t", float32_type(), {3}, {0.5, -1.5, 3});
  const ArrayHandle narrow = k.table("s", bfloat16_type(), {3}, {1, 2, 3});
  k.loop("i", 0, 3,
         [&](const Expr& i) { out(i) = table(2 - i) * cast(float32_type(), narrow(i)); });
  Buffer buffer(float32_type(), {3});
  interpret(*k.build(), std::vector<Argument>{&buffer});
  EXPECT_EQ(values_of(buffer), (Values{3, -3, 1.5}));
}

TEST(Interpret, ReducesInTheElementsType) {
  KernelBuilder k("reductions");
  const ArrayHandle x = k.input("x", int_type(8), {4});
  const ArrayHandle sum = k.inout("sum", int_type(8, Overflow::kSaturate), {});
  const ArrayHandle low = k.inout("low", int_type(4), {});
  const ArrayHandle high = k.inout("high", float32_type(), {});
  const ArrayHandle all = k.inout("all", int_type(16, Overflow::kWrap), {});
  k.loop("i", 0, 4, [&](const Expr& i) {
    sum() += x(i);
    low().reduce_min(x(i));
    high().reduce_max(cast(float32_type(), x(i)));
    all() *= x(i);
  });
  Buffer values = filled(int_type(8), {4}, {100, 100, -8, 3});
  Buffer a = filled(int_type(8, Overflow::kSaturate), {}, {0});
  Buffer b = filled(int_type(4), {}, {7});
  Buffer c = filled(float32_type(), {}, {-1});
  Buffer d = filled(int_type(16, Overflow::kWrap), {}, {1});
  interpret(*k.build(), std::vector<Argument>{&values, &a, &b, &c, &d});
  EXPECT_EQ(a.real(0), 122);  // 100, 127, 119, 122
  EXPECT_EQ(b.real(0), -8);
  EXPECT_EQ(c.real(0), 100);
  EXPECT_EQ(d.real(0), static_cast<std::int16_t>(10000 * -24));
}

TEST(Interpret, EvaluatesOnlyTheChosenSideOfASelect) {
  KernelBuilder k("lazy");
  const ArrayHandle x = k.input("x", kInt8, {4});
  const ArrayHandle out = k.output("out", kInt8, {6});
  k.loop("i", 0, 6, [&](const Expr& i) {
    out(i) = select(i < 4 && x(i) > 1, Expr(x(i)), select(i >= 4 || x(i) == 0, 7, 8));
  });
  Buffer in = filled(kInt8, {4}, {0, 1, 2, 3});
  Buffer buffer(kInt8, {6});
  interpret(*k.build(), std::vector<Argument>{&in, &buffer});
  EXPECT_EQ(values_of(buffer), (Values{7, 8, 2, 3, 7, 7}));
}

// Mistakes.

TEST(InterpretMistakes, NameTheSubscriptThatIsOutside) {
  KernelBuilder k("shifted");
  const ArrayHandle x = k.input("x", kInt8, {3, 4});
  const ArrayHandle out = k.output("out", kInt8, {3, 4});
  k.loop("i", 0, 3, [&](const Expr& i) {
    k.loop("j", 0, 4, [&](const Expr& j) { out(i, j) = x(i, j + 1); });
  });
  Buffer in(kInt8, {3, 4});
  Buffer buffer(kInt8, {3, 4});
  const std::string text = mistake(k.build(), {&in, &buffer});
  EXPECT_TRUE(says(text, {"subscript 1 of x is 4, outside of 0 ... 3", "`out[i, j] = x[i, j + 1]`",
                          "i=0, j=3"}));
}

TEST(InterpretMistakes, CatchNegativeSubscriptsOfStores) {
  KernelBuilder k("negative");
  const ArrayHandle out = k.output("out", kInt8, {3});
  k.loop("i", 0, 3, [&](const Expr& i) { out(1 - i) = 1; });
  Buffer buffer(kInt8, {3});
  EXPECT_TRUE(says(mistake(k.build(), {&buffer}),
                   {"subscript 0 of out is -1, outside of 0 ... 2", "at i=2"}));
}

TEST(InterpretMistakes, NameElementsThatHaveNoValue) {
  KernelBuilder k("early");
  const ArrayHandle out = k.output("out", kInt8, {4});
  k.loop("i", 0, 4, [&](const Expr& i) {
    const ArrayHandle local = k.local("local", kInt8, {2, 2});
    local(0, 0) = 1;
    k.when(i == 2, [&] { local(1, 0) = 1; });
    k.when(i >= 2, [&] { out(i) = local(1, 0); });
  });
  Buffer buffer(kInt8, {4});
  // The value of iteration 2 is forgotten where iteration 3 declares the array again.
  EXPECT_TRUE(says(mistake(k.build(), {&buffer}),
                   {"element 1, 0 of local is read before it has a value", "at i=3"}));
}

TEST(InterpretMistakes, NameOutElementsThatHaveNoValue) {
  KernelBuilder k("early");
  const ArrayHandle out = k.output("out", kInt8, {4});
  out(0) += 1;
  Buffer buffer(kInt8, {4});
  EXPECT_TRUE(
      says(mistake(k.build(), {&buffer}), {"element 0 of out is read before it has a value"}));
}

TEST(InterpretMistakes, NameTheValueThatAnExactTypeCannotHold) {
  KernelBuilder k("narrow");
  const ArrayHandle x = k.input("x", kInt8, {3});
  const ArrayHandle out = k.output("out", kInt8, {3});
  k.loop("i", 0, 3, [&](const Expr& i) { out(i) = x(i) * x(i); });
  Buffer in = filled(kInt8, {3}, {3, 11, 12});
  Buffer buffer(kInt8, {3});
  EXPECT_TRUE(says(mistake(k.build(), {&in, &buffer}),
                   {"144 does not fit int<8>", "`out[i] = x[i] * x[i]`", "at i=2", "saturates"}));
}

TEST(InterpretMistakes, CatchOverflowOfIndices) {
  KernelBuilder k("far");
  const Expr n = k.size("n");
  const ArrayHandle out = k.output("out", index_type(), {1});
  out(0) = n * n;
  Buffer buffer(index_type(), {1});
  EXPECT_TRUE(says(mistake(k.build(), {index_value(std::int64_t{1} << 32), &buffer}),
                   {"overflow: 4294967296 * 4294967296 does not fit index"}));
  EXPECT_EQ(mistake(k.build(), {index_value(std::int64_t{1} << 31), &buffer}), "");
}

TEST(InterpretMistakes, CatchDivisionsAndShiftsWithoutMeaning) {
  const auto with = [](const std::function<Expr(Expr)>& make, const Type& type, double value) {
    KernelBuilder k("ratio");
    const ArrayHandle x = k.input("x", type, {1});
    const ArrayHandle out = k.output("out", index_type(), {1});
    out(0) = to_index(make(x(0)));
    Buffer in = filled(type, {1}, {value});
    Buffer buffer(index_type(), {1});
    return mistake(k.build(), {&in, &buffer});
  };
  EXPECT_TRUE(
      says(with([](const Expr& x) { return Expr(7) / x; }, kInt8, 0), {"division by zero: 7 / 0"}));
  EXPECT_TRUE(
      says(with([](const Expr& x) { return Expr(7) % x; }, kInt8, 0), {"division by zero: 7 % 0"}));
  EXPECT_TRUE(
      says(with([](const Expr& x) { return Expr(7) / x; }, index_type(), 0), {"division by zero"}));
  EXPECT_TRUE(says(with([](const Expr& x) { return Expr(7) % x; }, index_type(), -2),
                   {"divided by a negative number: 7 % -2"}));
  EXPECT_TRUE(says(with([](const Expr& x) { return Expr(7) >> x; }, kInt8, -1),
                   {"a shift by a negative amount: 7 >> -1"}));
  EXPECT_TRUE(says(with([](const Expr& x) { return Expr(7) << x; }, kInt8, -1),
                   {"a shift by a negative amount"}));
  EXPECT_TRUE(says(with([](const Expr& x) { return Expr(7) << x; }, kInt8, 1),
                   {"overflow: 7 << 1 does not fit uint<3>"}));
}

TEST(InterpretMistakes, StopAtTheStatementLimit) {
  Buffer a(kInt8, {2, 3});
  Buffer b(kInt8, {3, 2});
  Buffer c(kInt32, {2, 2});
  EXPECT_EQ(mistake(product(2, 2, 3), {&a, &b, &c}, {20, false}), "");
  EXPECT_TRUE(says(mistake(product(2, 2, 3), {&a, &b, &c}, {19, false}),
                   {"more than 19 statements", "i=1, j=1"}));
}

TEST(InterpretMistakes, StopLoopsThatDoNothingAtTheLimitToo) {
  KernelBuilder k("idle");
  const ArrayHandle out = k.output("out", kInt8, {1});
  k.loop("i", 0, std::int64_t{1} << 60, [&](const Expr& i) { k.when(i < 0, [&] { out(0) = 1; }); });
  Buffer buffer(kInt8, {1});
  EXPECT_TRUE(says(mistake(k.build(), {&buffer}, {1000, false}), {"more than 1000 statements"}));
}

TEST(InterpretMistakes, RefuseBuffersThatHoldNoValuesOfTheirTypes) {
  KernelBuilder k("copy");
  const ArrayHandle x = k.input("x", int_type(5), {2});
  const ArrayHandle out = k.output("out", int_type(5), {2});
  k.loop("i", 0, 2, [&](const Expr& i) { out(i) = x(i); });
  Buffer in(int_type(5), {2});
  Buffer buffer(int_type(5), {2});
  in.as<std::int8_t>()[1] = 16;
  EXPECT_TRUE(says(mistake(k.build(), {&in, &buffer}), {"element 1 (row-major) of x is 16"}));
}

TEST(InterpretMistakes, RefuseLocalArraysThatFitNoMemory) {
  KernelBuilder k("huge");
  const Expr n = k.size("n");
  const ArrayHandle local = k.local("local", kInt8, {n, n});
  local(0, 0) = 1;
  EXPECT_TRUE(says(mistake(k.build(), {index_value(std::int64_t{1} << 40)}),
                   {"local array local has more than"}));
  EXPECT_TRUE(says(mistake(k.build(), {index_value(-1)}), {"dimension 0 has the extent -1"}));
  EXPECT_TRUE(says(mistake(k.build(), {index_value(0)}), {"there is no element"}));
}

TEST(InterpretMistakes, RefuseFunctionsThatBlowUp) {
  std::string text = "func f0(x: float32) -> float32 {\n  return x + 1.0\n}\n";
  for (int i = 1; i < 40; ++i) {
    text += fmt::format("func f{}(x: float32) -> float32 {{\n  return f{}(f{}(x))\n}}\n", i, i - 1,
                        i - 1);
  }
  text += "kernel k(y: out float32[1]) {\n  y[0] = f39(1.0)\n}\n";
  Buffer buffer(float32_type(), {1});
  EXPECT_TRUE(says(mistake(parse_kernel(text, "blow-up"), {&buffer}), {"operations"}));
}

// Calls.

KernelPtr row_sum(std::int64_t extra = 0) {
  KernelBuilder k("row_sum");
  const Expr n = k.size("n");
  const ArrayHandle x = k.input("x", kInt8, {n});
  const ArrayHandle y = k.output("y", kInt32, {});
  y() = 0;
  k.loop("e", 0, n + extra, [&](const Expr& e) { y() += x(e); });
  return k.build();
}

TEST(InterpretCalls, PassWindowsAndScalars) {
  KernelBuilder k("sums");
  const ArrayHandle x = k.input("x", kInt8, {2, 3, 4});
  const ArrayHandle out = k.output("out", kInt32, {2, 3});
  k.loop("i", 0, 2, [&](const Expr& i) {
    k.loop("j", 0, 3, [&](const Expr& j) {
      k.call(row_sum(), {Expr(j + 1), x.slice({i, j}), out.slice({i, j})});
    });
  });
  Buffer in(kInt8, {2, 3, 4});
  for (std::int64_t e = 0; e < 24; ++e) in.set(e, static_cast<double>(e));
  Buffer buffer(kInt32, {2, 3});
  interpret(*k.build(), std::vector<Argument>{&in, &buffer});
  EXPECT_EQ(values_of(buffer), (Values{0, 4 + 5, 8 + 9 + 10, 12, 16 + 17, 20 + 21 + 22}));
}

TEST(InterpretCalls, PassWindowsOfWindowsAlongAnyDimension) {
  const KernelPtr kernel = parse_kernel(R"(
kernel fill(v: index, x: out index[2]) {
  for a in 0..2 {
    x[a] = v * 10 + a
  }
}
kernel columns(x: out index[2, 3]) {
  for c in 0..3 {
    call fill(c, x[0 :, c])
  }
}
kernel main(x: inout index[4, 2, 4]) {
  call columns(x[1 :, 1, 1 :])
}
)",
                                        "windows");
  Buffer buffer(index_type(), {4, 2, 4});
  interpret(*kernel, std::vector<Argument>{&buffer});
  std::vector<double> expected(32, 0);
  for (int row = 0; row < 2; ++row) {
    for (int c = 0; c < 3; ++c) expected[(row + 1) * 8 + 4 + c + 1] = c * 10 + row;
  }
  EXPECT_EQ(values_of(buffer), expected);
}

TEST(InterpretCalls, ReportMistakesInsideWithTheCallsThatLedThere) {
  KernelBuilder k("outer");
  const ArrayHandle x = k.input("x", kInt8, {2, 4});
  const ArrayHandle out = k.output("out", kInt32, {2});
  k.loop("i", 0, 2,
         [&](const Expr& i) { k.call(row_sum(1), {Expr(i + 2), x.slice({i}), out.slice({i})}); });
  Buffer in(kInt8, {2, 4});
  Buffer buffer(kInt32, {2});
  EXPECT_TRUE(says(mistake(k.build(), {&in, &buffer}),
                   {"kernel row_sum: subscript 0 of x is 2, outside", "e=2",
                    "called by kernel outer at i=0, in `call row_sum(", "at i=0"}));
}

TEST(InterpretCalls, RefuseWindowsThatReachOutside) {
  KernelBuilder k("outer");
  const ArrayHandle x = k.input("x", kInt8, {4});
  const ArrayHandle out = k.output("out", kInt32, {});
  const Window window{"x", {{to_index(2), true}}};
  k.call(row_sum(), {Expr(to_index(3)), window, out.all()});
  Buffer in(kInt8, {4});
  Buffer buffer(kInt32, {});
  EXPECT_TRUE(says(mistake(k.build(), {&in, &buffer}),
                   {"x of row_sum needs 3 elements of x in dimension 0, and there are 2",
                    "called by kernel outer"}));
}

TEST(InterpretCalls, RefuseWindowsThatBeginOutside) {
  KernelBuilder k("outer");
  const ArrayHandle x = k.input("x", kInt8, {2, 4});
  const ArrayHandle out = k.output("out", kInt32, {});
  const Expr n = k.size("n");
  k.call(row_sum(), {Expr(to_index(3)), x.slice({n}), out.all()});
  Buffer in(kInt8, {2, 4});
  Buffer buffer(kInt32, {});
  EXPECT_EQ(mistake(k.build(), {&in, &buffer, index_value(1)}), "");
  EXPECT_TRUE(says(mistake(k.build(), {&in, &buffer, index_value(2)}),
                   {"the window of x begins at 2 in dimension 0, whose extent is 2"}));
  EXPECT_TRUE(says(mistake(k.build(), {&in, &buffer, index_value(-1)}), {"begins at -1"}));
}

KernelPtr overlapping(const std::string& first, const std::string& second,
                      const std::string& direction = "inout") {
  return parse_kernel(fmt::format(R"(
kernel copy(from: {} int<8>[2], to: out int<8>[2]) {{
  for e in 0..2 {{
    to[e] = from[e]
  }}
}}
kernel main(x: inout int<8>[2, 4]) {{
  call copy(x[{}], x[{}])
}}
)",
                                  direction, first, second),
                      "overlap");
}

TEST(InterpretCalls, RefuseWrittenWindowsThatOverlap) {
  Buffer x(kInt8, {2, 4});
  EXPECT_TRUE(says(mistake(overlapping("0, 0 :", "0, 1 :"), {&x}),
                   {"from and to, which are written, share elements of x", "kernel main"}));
  EXPECT_EQ(mistake(overlapping("0, 0 :", "0, 2 :"), {&x}), "");
  EXPECT_EQ(mistake(overlapping("0, 0 :", "1, 0 :"), {&x}), "");
  EXPECT_TRUE(says(mistake(overlapping("0 :, 1", "1, 0 :"), {&x}), {"share elements"}));
  EXPECT_EQ(mistake(overlapping("0 :, 2", "1, 0 :"), {&x}), "");
}

TEST(InterpretCalls, LetAWrittenWindowOverlapOneThatIsRead) {
  Buffer x = filled(kInt8, {2, 4}, {1, 2, 3, 4});
  interpret(*overlapping("0, 1 :", "0, 0 :", "in"), std::vector<Argument>{&x});
  EXPECT_EQ(values_of(x), (Values{2, 3, 3, 4, 0, 0, 0, 0}));
}

TEST(InterpretCalls, RefuseOneBufferForTwoArguments) {
  KernelBuilder k("copy");
  const ArrayHandle from = k.inout("from", kInt8, {2});
  const ArrayHandle to = k.output("to", kInt8, {2});
  k.loop("i", 0, 2, [&](const Expr& i) {
    to(i) = from(i);
    from(i) = 0;
  });
  Buffer x(kInt8, {2});
  EXPECT_TRUE(says(mistake(k.build(), {&x, &x}), {"share elements of from"}));
}

KernelPtr writes_some(bool reads) {
  KernelBuilder k("some");
  const ArrayHandle y = k.output("y", kInt8, {3});
  y(1) = 5;
  if (reads) y(1) = y(0);
  return k.build();
}

TEST(InterpretCalls, LendOutArgumentsWithoutValuesAndGiveThemBackAsTheyWere) {
  const auto caller = [](bool reads) {
    KernelBuilder k("outer");
    const ArrayHandle out = k.output("out", kInt8, {3});
    const ArrayHandle local = k.local("local", kInt8, {2, 3});
    k.loop("i", 0, 3, [&](const Expr& i) { local(1, i) = i - i; });
    k.call(writes_some(reads), {local.slice({1})});
    k.loop("j", 0, 3, [&](const Expr& j) { out(j) = local(1, j); });
    return k.build();
  };
  Buffer buffer(kInt8, {3});
  EXPECT_EQ(mistake(caller(false), {&buffer}), "");
  EXPECT_EQ(values_of(buffer), (Values{0, 5, 0}));
  EXPECT_TRUE(
      says(mistake(caller(true), {&buffer}), {"element 0 of y is read before it has a value"}));
}

// The port check.

std::vector<PortConflict> conflicts(const std::string& mark, const std::string& local,
                                    const std::string& subscript) {
  const KernelPtr kernel = parse_kernel(fmt::format(R"(
kernel main(out: out index[8]) {{
  var t: index[8, 8]{}
  for a in 0..8 {{
    for b in 0..8 {{
      t[a, b] = a * b
    }}
  }}
  for i in 0..8 {} {{
    var sum: index @register
    sum = 0
    for j in 0..8 unroll {{
      sum += t[{}]
    }}
    out[i] = sum
  }}
}}
)",
                                                    local, mark, subscript),
                                        "ports");
  Buffer out(index_type(), {8});
  return interpret(*kernel, std::vector<Argument>{&out}, {0, true}).conflicts;
}

TEST(PortCheck, FindsABankThatIsReadTooOften) {
  const std::vector<PortConflict> found = conflicts("pipeline(1)", "", "i, j");
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].array, "t");
  EXPECT_EQ(found[0].loop, "i");
  EXPECT_EQ(found[0].accesses, 8);
  EXPECT_EQ(found[0].available, 2);
}

TEST(PortCheck, IsContentWithEnoughCycles) {
  EXPECT_EQ(conflicts("pipeline(3)", "", "i, j").size(), 1U);
  EXPECT_EQ(conflicts("pipeline(4)", "", "i, j").size(), 0U);
  EXPECT_EQ(conflicts("", "", "i, j").size(), 0U);
}

TEST(PortCheck, KnowsPartitions) {
  EXPECT_EQ(conflicts("pipeline(1)", " partition(none, cyclic(4))", "i, j").size(), 0U);
  EXPECT_EQ(conflicts("pipeline(1)", " partition(none, block(4))", "i, j").size(), 0U);
  EXPECT_EQ(conflicts("pipeline(1)", " partition(none, complete)", "i, j").size(), 0U);
  EXPECT_EQ(conflicts("pipeline(1)", " partition(complete, complete)", "j, i").size(), 0U);
  EXPECT_EQ(conflicts("pipeline(1)", " partition(complete, none)", "j, i").size(), 0U);
  EXPECT_EQ(conflicts("pipeline(1)", " @register", "i, j").size(), 0U);
  const std::vector<PortConflict> found =
      conflicts("pipeline(1)", " partition(none, cyclic(2))", "i, j");
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].accesses, 4);
  EXPECT_EQ(conflicts("pipeline(1)", " partition(none, cyclic(4))", "j, i").size(), 1U);
}

TEST(PortCheck, TellsBlocksFromCycles) {
  // Elements 0, 2, 4, 6: two of four cyclic banks, but all four blocks.
  EXPECT_EQ(conflicts("pipeline(1)", " partition(none, cyclic(4))", "i, j / 2 * 2").size(), 0U);
  EXPECT_EQ(conflicts("pipeline(1)", " partition(none, cyclic(2))", "i, j / 2 * 2").size(), 1U);
  EXPECT_EQ(conflicts("pipeline(1)", " partition(none, block(2))", "i, j / 2 * 2").size(), 0U);
}

TEST(PortCheck, CountsWordsOfLanesAndSharedReadsOnce) {
  EXPECT_EQ(conflicts("pipeline(1)", " lanes(4)", "i, j").size(), 0U);
  EXPECT_EQ(conflicts("pipeline(1)", " lanes(2)", "i, j").size(), 1U);
  EXPECT_EQ(conflicts("pipeline(1)", " lanes(4)", "j, i").size(), 1U);
  EXPECT_EQ(conflicts("pipeline(1)", "", "i, j / 4").size(), 0U);
}

TEST(PortCheck, KeepsTheWorstIteration) {
  const std::vector<PortConflict> found = conflicts("pipeline(1)", "", "i, min(i, j)");
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].accesses, 8);
}

TEST(PortCheck, LooksIntoCalls) {
  const KernelPtr kernel = parse_kernel(R"(
kernel dot(x: in int<8>[4], y: out int<32>) {
  y = 0
  for e in 0..4 {
    y += x[e]
  }
}
kernel main(out: out int<32>[2]) {
  var t: int<8>[2, 4]
  for a in 0..2 {
    for b in 0..4 {
      t[a, b] = int<8>(a + b)
    }
  }
  for i in 0..2 pipeline(1) {
    call dot(t[i, 0 :], out[i])
  }
}
)",
                                        "ports");
  Buffer out(kInt32, {2});
  const InterpretReport report = interpret(*kernel, std::vector<Argument>{&out}, {0, true});
  ASSERT_EQ(report.conflicts.size(), 1U);
  EXPECT_EQ(report.conflicts[0].array, "t");
  EXPECT_EQ(report.conflicts[0].accesses, 4);
}

}  // namespace
}  // namespace heddle::kernel
