// The ends that native code takes for an index expression hold for all of its values.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

#include "kernel/codegen/cpp/ranges.h"
#include "kernel/rewrite.h"

namespace heddle::kernel::native {
namespace {

using Random = std::mt19937;

Expr literal(std::int64_t value) {
  return constant(index_type(), Int128{value});
}

/// Sums, products and the like of x, y and literals.
Expr random_index(Random& random, int depth) {
  if (depth == 0 || random() % 5 == 0) {
    const auto value = static_cast<std::int64_t>(random() % 13) - 4;
    if (random() % 3 == 0) return literal(value);
    return variable(random() % 2 == 0 ? "x" : "y", index_type());
  }
  const Expr a = random_index(random, depth - 1);
  const Expr b = random_index(random, depth - 1);
  switch (random() % 7) {
    case 0:
      return a + b;
    case 1:
      return a - b;
    case 2:
      return a * b;
    case 3:
      return min(a, b);
    case 4:
      return max(a, b);
    case 5:
      return a / max(b, 1);
    default:
      return a % max(b, 1);
  }
}

TEST(NativeRanges, HoldForEveryValueOfTheVariables) {
  Random random(1);
  const std::map<std::string, Range> variables = {{"x", {-3, 5}}, {"y", {2, 9}}};
  int useful = 0;
  for (int i = 0; i < 2000; ++i) {
    const Expr e = random_index(random, 3);
    const Range range = range_of(e, variables);
    if (range.low >= 0) ++useful;
    for (int x = -3; x <= 5; ++x) {
      for (int y = 2; y <= 9; ++y) {
        const Expr value = substitute(e, {{"x", literal(x)}, {"y", literal(y)}});
        const Int128* number = as_integer(value);
        ASSERT_NE(number, nullptr) << to_string(value);
        ASSERT_TRUE(range.low <= *number && *number <= range.high)
            << to_string(e) << " for x = " << x << ", y = " << y;
      }
    }
  }
  EXPECT_GT(useful, 500);
}

TEST(NativeRanges, AreTheTypesWhereNothingIsKnown) {
  const Expr byte = cast(index_type(), load("a", uint_type(8), {Expr(0)}));
  EXPECT_TRUE(range_of(byte, {}).low == 0);
  EXPECT_TRUE(range_of(byte, {}).high == 255);
  EXPECT_TRUE(range_of(variable("n", index_type()), {}).low < -1000000);
}

}  // namespace
}  // namespace heddle::kernel::native
