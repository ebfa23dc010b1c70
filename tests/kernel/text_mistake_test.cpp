// Mistakes in a kernel's text: each is one UserError with its place and what to type.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <vector>

#include "kernel/text_support.h"
#include "kernel/verify.h"
#include "support/user_error.h"

namespace heddle::kernel {
namespace {

std::string parse_mistake(const std::string& text) {
  return user_error([&] { (void)parse_kernel(text, "t"); });
}

TEST(KernelTextMistake, IsShownWithItsLineAndACaret) {
  EXPECT_EQ(parse_mistake("kernel k(x: out int<8>) {\n\n  x = \t(1 + ] 2)\n}\n"),
            "t:3:13: expected an expression, found ]\n"
            "  3 |   x =  (1 + ] 2)\n"
            "    |             ^\n"
            "write a number, a name, or brackets around operators");
}

TEST(KernelTextMistake, IsShownWithItsNeighbourhoodOnALongLine) {
  const std::string blanks(500, ' ');
  const std::string message =
      parse_mistake("kernel k(x: out int<64>) { x = 1" + blanks + "+ y" + blanks);
  expect_parts(message, {"t:1:535:", "\n  1 | ...   ", "^\n"});
  EXPECT_LT(message.size(), 500U);
}

struct Mistake {
  const char* text;  ///< lines in around(); the first one is line 3
  std::vector<std::string_view> parts;
};

class BodyMistake : public testing::TestWithParam<Mistake> {};

TEST_P(BodyMistake, IsExplained) {
  const std::string text = around(std::string("var v: int<32>\n") + GetParam().text + "\n");
  const std::string message = parse_mistake(text);
  for (const std::string_view part : GetParam().parts) {
    EXPECT_NE(message.find(part), std::string::npos) << part << " is missing in: " << message;
  }
}

INSTANTIATE_TEST_SUITE_P(
    KernelText, BodyMistake,
    testing::Values(
        Mistake{"v = x9", {"t:3:5: \"x9\" is not the name of a variable", "did you mean x8"}},
        Mistake{"w = 1", {":3:1: \"w\" is not the name of an array or variable"}},
        Mistake{"x8 = 1", {":3:1: \"x8\" is not the name of an array or variable"}},
        Mistake{"v = f + x8", {":3:7: float32 with int<8> has no meaning", "cast"}},
        Mistake{"v = x8 & p", {":3:8: & does not go with bool", "write && between conditions"}},
        Mistake{"if x8 && p { }", {":3:7: && does not go with int<8>", "write & between integers"}},
        Mistake{"v = !x8", {":3:5: ! does not go with int<8>", "write ~"}},
        Mistake{"if f < g < f { }", {":3:10: a comparison of a comparison", "&&"}},
        Mistake{"v = 99999999999999999999", {":3:5: the number", "64 bits", "give it a type"}},
        Mistake{"v = 1e99", {":3:5: the number 1e99 is outside of float32"}},
        Mistake{"v = 12ab", {":3:5: \"12ab\" is not a number"}},
        Mistake{"v = int<8>(300)", {":3:12: the literal 300 is outside of int<8>", "saturate"}},
        Mistake{"v = int<200>(1)", {":3:9: a width in bits is 200", "from 1 to 127"}},
        Mistake{"v = int<8,rund>(1)", {"\"rund\" is not the name of a rounding or overflow mode"}},
        Mistake{"v = int<8>{x8}", {":3:12: expected a literal, found x8"}},
        Mistake{"v = foor(f)", {":3:5: \"foor\" is not the name of a function", "floor"}},
        Mistake{"v = min(x8)", {":3:5: min takes 2 arguments, not 1"}},
        Mistake{"v = a[1", {":4:1: expected ], found }"}},
        Mistake{"v = f[1]", {":3:5: f is a number, not an array"}},
        Mistake{"v = a[f]", {":3:5: float32 cannot count or subscript"}},
        Mistake{"v = a[1, 2]", {":3:1: kernel k: a has 1 dimension and is given 2 subscripts"}},
        Mistake{"v = \"text\"", {":3:5: expected an expression, found \"text\""}},
        Mistake{"v == 1", {":3:3: expected an assignment, found =="}},
        Mistake{"v = 1 $", {":3:7: \"$\" begins nothing"}},
        Mistake{"vra w: int<8>", {":3:1: \"vra\" is not the name of a statement", "var"}},
        Mistake{"var w: int<8> = 1", {"declared and stored to in one", "w = ..."}},
        Mistake{"var w: in8", {":3:8: expected a type, found in8", "int<8>"}},
        Mistake{"var w: int<8>[4] @ ram", {"there is no memory ram", "bram"}},
        Mistake{"var w: int<8>[4] partition(4)", {"expected a partition", "cyclic(4)"}},
        Mistake{"var w: int<8>[4] lanes(0)", {"lanes is 0", "from 1"}},
        Mistake{"for k in 0..4 unrol { }", {":3:15: expected { or a loop's mark, found unrol"}},
        Mistake{"for k in 0..4 unroll unroll { }", {"each at most once"}},
        Mistake{"for k = 0..4 { }", {":3:7: expected in, found ="}},
        Mistake{"for for in 0..4 { }", {"\"for\" cannot be the name", "word of the language"}},
        Mistake{"call relu(v)", {"\"relu\" is not the name of a kernel"}},
        Mistake{"put s, 1", {"\"s\" is not the name of a stream"}},
        Mistake{"dataflow { x { } }", {":3:12: expected process or }, found x"}},
        Mistake{"stream s: int<8> depth(0)", {"a depth is 0", "from 1"}},
        Mistake{"table t: int<8>[2] = {1}", {"table t has 1 values", "give 2 values"}},
        Mistake{"table t: int<8>[2] = {1, 200}", {"the literal 200 is outside of int<8>"}},
        Mistake{"table t: int<8>[2] = {1, x8}", {"expected a literal, found x8"}},
        Mistake{"if x8 { }", {":3:1: kernel k: a condition is int<8>, not bool"}}));

TEST(KernelTextMistake, OutsideOfABodyIsExplained) {
  expect_parts(parse_mistake(""), {"t:1:1: expected a kernel, found the end of the text"});
  expect_parts(parse_mistake("function f"), {"expected func, kernel or instruction"});
  expect_parts(parse_mistake("kernel k(x: int<8>[4]) { }"),
               {"t:1:19: array x has no direction", "in, "});
  expect_parts(parse_mistake("kernel k() { } kernel k() { }"),
               {"there is a kernel named k already"});
  expect_parts(parse_mistake("func f(x: index) -> index { return y }"), {"\"y\" is not the name"});
  expect_parts(parse_mistake("func f(x: index) -> int<8> { return x }"),
               {"f returns index, not int"});
  expect_parts(parse_mistake("func min(x: index) -> index { return x }"),
               {"the language has one so"});
  expect_parts(parse_mistake("func f(x: index, x: bool) -> bool { return x }"),
               {"x is bound twice"});
  expect_parts(parse_mistake("kernel k() { "),
               {"expected a statement or }, found the end of the text"});
  expect_parts(parse_mistake("instruction k() { } native"), {"expected the native text"});
  expect_parts(parse_mistake("instruction k() { } native \"a\\q\""), {"\"\\q\" means nothing"});
  expect_parts(parse_mistake("instruction k() { } native \"a"), {"does not end on its line"});
  expect_parts(parse_mistake("kernel k(s: inout stream int<8>) { }"), {"stream s is inout"});
  expect_parts(parse_mistake("kernel k(x: out int<8>) { \xc3\xa4 }"), {"begins nothing"});
}

std::string repeat(const std::string& part, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += part;
  return text;
}

TEST(KernelTextMistake, OfTooDeepNestingIsNoCrash) {
  constexpr int kDeep = 100000;
  for (const std::string& lines :
       {"v = " + repeat("(", kDeep), "v = " + repeat("-", kDeep) + "x8", repeat("{", kDeep),
        "v = " + repeat("abs(", kDeep), "v = " + repeat("a[", kDeep),
        "z[0] = f" + repeat(" + f", kDeep), "v = " + repeat("index(", kDeep),
        "z[0] = f" + repeat(" * (f", kDeep), repeat("if p { } else ", kDeep) + "{ }",
        repeat("if p { ", kDeep), repeat("for j in 0..2 { ", kDeep),
        "z[0] = " + repeat("(f - ", 250) + "f" + repeat(" - f - f - f - f - f)", 250)}) {
    const std::string message = parse_mistake(around("var v: int<32>\n" + lines + "\n"));
    EXPECT_TRUE(message.find("deep") != std::string::npos ||
                message.find("in a row") != std::string::npos)
        << message.substr(0, 500);
  }
}

TEST(KernelTextMistake, OfTooManyCallsInsideOfCallsIsNoCrash) {
  std::string functions = "func f0(x: float32) -> float32 { return x }\n";
  std::string kernels = "kernel k0(x: inout float32) { x = 1.0 }\n";
  for (int i = 1; i < 100; ++i) {
    functions +=
        fmt::format("func f{}(x: float32) -> float32 {{ return f0(x) + f{}(x) }}\n", i, i - 1);
    kernels += fmt::format("kernel k{}(x: inout float32) {{ call k0(x) call k{}(x) }}\n", i, i - 1);
  }
  expect_parts(parse_mistake(functions), {"t:65:", "functions call each other more than 64 deep"});
  expect_parts(parse_mistake(kernels), {"t:65:", "kernels call each other more than 64 deep"});
}

TEST(KernelText, MayBeAlmostTooDeep) {
  std::string sum = "f";
  std::string row = "f";
  for (int i = 1; i < kMaxNesting; ++i) {
    sum = "(f - " + sum + ")";
    row += " - f";
  }
  (void)round_trip(around("z[0] = " + sum + "\n z[1] = " + row + "\n"));
  expect_parts(parse_mistake(around("z[0] = f - " + sum + "\n")), {"more than 256 deep"});
  (void)round_trip(around(repeat("if p {\n", kMaxNesting - 2) + repeat("}", kMaxNesting - 2)));
}

}  // namespace
}  // namespace heddle::kernel
