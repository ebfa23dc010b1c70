#include "kernel/schedule/polyhedra.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <ctime>

#include "kernel/schedule/evaluate.h"

namespace heddle::kernel {
namespace {

using Kind = Answer::Kind;

TEST(Polyhedra, IntegersAreNotRationals) {
  Formula formula;
  formula.require("2 * i", "=", "2 * j + 1");
  EXPECT_EQ(formula.solve().kind, Kind::kNone);
}

TEST(Polyhedra, ASolutionHasAValueForEachVariable) {
  Formula formula;
  formula.require(formula.term(index("i") / 4), "=", "1");
  formula.require(formula.term(index("i") % 4), "=", "3");
  const Answer answer = formula.solve();
  ASSERT_EQ(answer.kind, Kind::kSolution);
  EXPECT_EQ(answer.solution.at("i"), 7);
  EXPECT_TRUE(formula.exact());
}

TEST(Polyhedra, QuotientsRoundDown) {
  Formula formula;
  formula.require("i", "=", "0 - 5");
  formula.require(formula.term(index("i") / 4), "!=", "-2");
  EXPECT_EQ(formula.solve().kind, Kind::kNone);
}

TEST(Polyhedra, RenamingTellsIterationsApartAndKeepsArguments) {
  const auto distance_can_be = [](const std::string& distance) {
    Formula formula;
    const Expr e = index("i") + index("n");
    formula.require(formula.term(e, {{"i", "a"}}), "=", formula.term(e, {{"i", "b"}}));
    formula.require("a - b", "=", distance);
    return formula.solve().kind;
  };
  EXPECT_EQ(distance_can_be("1"), Kind::kNone);
  EXPECT_EQ(distance_can_be("0"), Kind::kSolution);
}

TEST(Polyhedra, AnyAlternativeWillDo) {
  Formula formula;
  formula.require_any({{{"i", "<", "0"}, {"i", ">", "0"}}, {{"i", "=", "5"}}});
  EXPECT_EQ(formula.solve().solution.at("i"), 5);
  formula.require("i", "<", "5");
  EXPECT_EQ(formula.solve().kind, Kind::kNone);
  Formula none;
  none.require_any({});
  EXPECT_EQ(none.solve().kind, Kind::kNone);
}

TEST(Polyhedra, LoadsAreUnknown) {
  Formula formula;
  const Expr loaded = to_index(load("p", int_type(32), {index("i")}));
  formula.require(formula.term(loaded), "=", "3");
  EXPECT_EQ(formula.solve().kind, Kind::kSolution);
  EXPECT_FALSE(formula.exact());
}

TEST(Polyhedra, ProductsOfVariablesAreUnknown) {
  Formula formula;
  formula.term(index("i") * index("j"));
  EXPECT_FALSE(formula.exact());
}

TEST(Polyhedra, WhatIsUnknownInAConditionIsLeftOut) {
  const Expr loaded = load("flag", bool_type(), {});
  Formula both;
  both.require(loaded && index("i") < 0, true);
  both.require("i", ">=", "0");
  EXPECT_EQ(both.solve().kind, Kind::kNone) << "the other part still counts";
  Formula either;
  either.require(loaded || index("i") < 0, true);
  either.require("i", ">=", "0");
  EXPECT_EQ(either.solve().kind, Kind::kSolution);
  EXPECT_FALSE(either.exact());
}

TEST(Polyhedra, EveryNameOfAKernelCanBeAVariable) {
  for (const char* name : {"mod", "floor", "and", "exists", "v0", "max", "i_src"}) {
    Formula formula;
    formula.require(formula.term(index(name)), "=", "3");
    EXPECT_EQ(formula.solve().solution.at(name), 3);
  }
}

TEST(Polyhedra, QuestionsThatShareNoVariableAreAllAnswered) {
  Formula formula;
  formula.require("i + j", "=", "7");
  formula.require("i", "=", "j + 1");
  formula.require("k", ">=", "5");
  formula.require("k", "<", "6");
  const Answer answer = formula.solve();
  ASSERT_EQ(answer.kind, Answer::Kind::kSolution);
  EXPECT_EQ(answer.solution.at("i"), 4);
  EXPECT_EQ(answer.solution.at("j"), 3);
  EXPECT_EQ(answer.solution.at("k"), 5);
  formula.require("k", "!=", "5");
  EXPECT_EQ(formula.solve().kind, Answer::Kind::kNone);
}

TEST(Polyhedra, LargeLiteralsAreUnknown) {
  Formula formula;
  const Expr large = constant(index_type(), Int128{1} << 62);
  formula.require(formula.term(index("i") * large), "=", formula.term(index("j") * large + 1));
  EXPECT_FALSE(formula.exact());
  EXPECT_EQ(formula.solve().kind, Kind::kSolution);
}

TEST(Polyhedra, ASetThatIsTooHardIsGivenUp) {
  Formula formula;
  formula.require("12223 * a + 12224 * b + 36674 * c + 61119 * d", "=", "89643481");
  for (const char* name : {"a", "b", "c", "d"}) formula.require(name, ">=", "0");
  EXPECT_EQ(formula.solve(200).kind, Kind::kUnknown);
  EXPECT_NE(formula.solve().kind, Kind::kUnknown);
}

TEST(Polyhedra, TooManyAlternativesAreGivenUp) {
  Formula pigeons;  // nine in eight holes
  for (int i = 0; i < 9; ++i) {
    const std::string name = "x" + std::to_string(i);
    pigeons.require(name, ">=", "0");
    pigeons.require(name, "<", "8");
    for (int j = 0; j < i; ++j) pigeons.require(name, "!=", "x" + std::to_string(j));
  }
  const std::clock_t start = std::clock();
  EXPECT_EQ(pigeons.solve().kind, Kind::kUnknown);
  EXPECT_LT(std::clock() - start, 2 * CLOCKS_PER_SEC);
}

/// i op e for random e: isl must agree with trying every point.
RC_GTEST_PROP(PolyhedraProperty, AnswersAreThoseOfTryingAllPoints, ()) {
  const std::vector<std::string> names = {"i", "j"};
  const Expr a = *index_expressions(names, 2);
  const Expr b = *index_expressions(names, 2);
  const Expr c = *index_expressions(names, 2);
  const bool holds = *rc::gen::arbitrary<bool>();
  const Expr condition = (a < b || b == c) && a != c;

  Formula formula;
  for (const std::string& name : names) {
    formula.require(name, ">=", "-2");
    formula.require(name, "<=", "2");
  }
  formula.require(condition, holds);
  const Answer answer = formula.solve();
  if (answer.kind == Kind::kUnknown) return;
  RC_ASSERT(formula.exact());
  bool exists = false;
  for_each_point(names, -2, 2, [&](const Point& point) {
    exists = exists || (evaluate(condition, point) != 0) == holds;
  });
  RC_ASSERT((answer.kind == Kind::kSolution) == exists);
  if (!exists) return;
  const Point point = {{"i", answer.solution.at("i")}, {"j", answer.solution.at("j")}};
  RC_ASSERT((evaluate(condition, point) != 0) == holds);
}

TEST(Polyhedra, ATypicalQuestionTakesWellBelowAMillisecond) {
  const std::vector<std::pair<std::string, int>> loops = {{"i_o", 8},  {"j_o", 8},  {"k_o", 16},
                                                          {"i_i", 32}, {"j_i", 32}, {"k_i", 64}};
  std::clock_t best = CLOCKS_PER_SEC;
  for (int repeat = 0; repeat < 20; ++repeat) {
    const std::clock_t start = std::clock();
    Formula formula;
    for (const std::string side : {"1", "2"}) {
      for (const auto& [name, trip] : loops) {
        formula.require(name + side, ">=", "0");
        formula.require(name + side, "<", std::to_string(trip));
      }
    }
    formula.require("32 * i_o1 + i_i1", "=", "32 * i_o2 + i_i2");
    formula.require("32 * j_o1 + j_i1", "=", "32 * j_o2 + j_i2");
    formula.require("i_o1", "<", "i_o2");
    ASSERT_EQ(formula.solve().kind, Kind::kNone);
    best = std::min(best, std::clock() - start);
  }
  EXPECT_LT(best, CLOCKS_PER_SEC / 1000);
}

}  // namespace
}  // namespace heddle::kernel
