#include "kernel/schedule/affine.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "kernel/schedule/evaluate.h"

namespace heddle::kernel {
namespace {

std::string simplified(const Expr& e, const Ranges& ranges = {}) {
  return to_string(simplify(e, ranges));
}

TEST(Affine, SumsAreCollected) {
  const Expr i = index("i");
  const Expr j = index("j");
  EXPECT_EQ(simplified((i + 3) * 4 + j - i - 5), "i * 3 + j + 7");
  EXPECT_EQ(simplified(i - i), "0");
  EXPECT_EQ(simplified(j - i * 2 - 1), "j - i * 2 - 1");
  EXPECT_EQ(simplified(5 - i), "5 - i");
}

TEST(Affine, QuotientsAndRemaindersOfWholePartsAreCarriedOut) {
  const Expr i = index("i");
  const Expr j = index("j");
  const Ranges ranges = {{"j", {0, 3}}};
  EXPECT_EQ(simplified((i * 4 + j) / 4, ranges), "i");
  EXPECT_EQ(simplified((i * 4 + j) % 4, ranges), "j");
  EXPECT_EQ(simplified((i * 4 + j + 4) % 4, ranges), "j");
  EXPECT_EQ(simplified((i * 4 + j) / 4), "i + j / 4");
  EXPECT_EQ(simplified((i * 4 + 2) / 8), "i / 2");
  EXPECT_EQ(simplified(i / 4 / 2), "i / 8");
  EXPECT_EQ(simplified((i / 4) * 4 + i % 4), "i");
  EXPECT_EQ(simplified((i / 4) * 4 + j % 4), "i / 4 * 4 + j % 4");
  EXPECT_EQ(simplified((j - 1) / 4, ranges), "(j - 1) / 4") << "j - 1 may be negative";
}

TEST(Affine, ExtremaThatRangesDecideVanish) {
  const Expr i = index("i");
  EXPECT_EQ(simplified(min(i, Expr(8)), {{"i", {0, 7}}}), "i");
  EXPECT_EQ(simplified(min(i, Expr(7)), {{"i", {0, 8}}}), "min(i, 7)");
}

TEST(Affine, NumbersBeyond64BitsStayAsTheyAre) {
  const Expr i = index("i");
  const Expr large = constant(index_type(), Int128{1} << 62);
  const Expr e = i * large + i * large;
  EXPECT_EQ(simplified(e), to_string(e));
}

TEST(Affine, WrappingCastsAreAtoms) {
  const Expr narrow = to_index(cast(int_type(4, Overflow::kWrap), index("i")));
  EXPECT_FALSE(difference(narrow, index("i")));
  EXPECT_EQ(range_of(narrow, {})->high, 7);
  EXPECT_EQ(
      difference(to_index(variable("x", int_type(8))) + 3, to_index(variable("x", int_type(8)))),
      3);
}

RC_GTEST_PROP(AffineProperty, SimplifyKeepsTheValue, ()) {
  const std::vector<std::string> names = {"i", "j"};
  const Expr e = *index_expressions(names, 3);
  const auto low = *rc::gen::inRange<std::int64_t>(-6, 3);
  const auto high = *rc::gen::inRange<std::int64_t>(low, 8);
  const Range range{low, high};
  const Expr simple = simplify(e, {{"i", range}, {"j", range}});
  const std::optional<Range> bounds = range_of(e, {{"i", range}, {"j", range}});
  for_each_point(names, low, high, [&](const Point& point) {
    const std::int64_t value = evaluate(e, point);
    RC_ASSERT(evaluate(simple, point) == value);
    RC_ASSERT(!bounds || (bounds->low <= value && value <= bounds->high));
  });
}

}  // namespace
}  // namespace heddle::kernel
