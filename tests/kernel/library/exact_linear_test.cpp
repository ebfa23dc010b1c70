#include "kernel/library/exact_linear.h"

#include "base/error.h"
#include "kernel/library/exact_checks.h"

namespace heddle::kernel {
namespace {

TEST(ExactLinear, QuantisesRows) {
  for (const auto& [rows, columns] :
       std::vector<std::pair<int, int>>{{1, 1}, {7, 5}, {14, 33}, {3, 128}}) {
    const std::vector<std::int32_t> x = fixed_rows(rows, columns, 1);
    Operands o = run_in_both(quantise_exact(rows, columns), [&](Operands& p) { put(p, "x", x); });
    Operands expected = o;
    quantised(x, columns).put_into(expected, "y");
    EXPECT_EQ(o.difference(expected), "");
  }
}

TEST(ExactLinear, GivesTheBitsOfTheArithmetic) {
  Tally tally;
  std::uint64_t seed = 0;
  for (const auto& [rows, columns, inner] : std::vector<std::array<int, 3>>{
           {1, 1, 1}, {7, 5, 3}, {8, 16, 33}, {3, 9, 129}, {2, 3, 5000}}) {
    for (const auto& [from, to] :
         std::vector<std::pair<int, int>>{{20, 18}, {17, 22}, {40, -20}, {-20, 40}}) {
      const std::vector<std::int32_t> x = fixed_rows(rows, inner, ++seed);
      const RandomLinear layer(columns, inner, from - to, seed);
      Operands o = run_in_both(linear_exact({.rows = rows,
                                             .columns = columns,
                                             .inner = inner,
                                             .x_fraction = from,
                                             .y_fraction = to}),
                               [&](Operands& p) {
                                 quantised(x, inner).put_into(p, "x");
                                 layer.put_into(p, "");
                               });
      tally.expect_numbers(o, "y", layer.of(x, from, to));
    }
  }
}

TEST(ExactLinear, AddsNothingWithoutABias) {
  const std::vector<std::int32_t> x = fixed_rows(3, 6, 5);
  const RandomLinear layer(4, 6, 0, 6);
  Operands o = run_in_both(
      linear_exact(
          {.rows = 3, .columns = 4, .inner = 6, .x_fraction = 8, .y_fraction = 8, .bias = false}),
      [&](Operands& p) {
        quantised(x, 6).put_into(p, "x");
        layer.weight.put_into(p, "weight");
      });
  std::vector<std::int32_t> expected(12);
  arith::linear({x, 8}, layer.weight.view(), {}, {expected, 8});
  Tally tally;
  tally.expect_numbers(o, "y", expected);
}

TEST(ExactLinear, RefusesFractionsAndBlocksThatDoNotExist) {
  EXPECT_THROW(made("linear_exact", {{"x_fraction", "41"}}), UserError);
  EXPECT_THROW(made("linear_exact", {{"y_fraction", "-21"}}), UserError);
  EXPECT_NO_THROW(made("linear_exact", {{"x_fraction", "40"}, {"y_fraction", "-20"}}));
  EXPECT_THROW(made("mlp_exact", {{"rows", "6"}, {"block", "4"}}), UserError);
}

}  // namespace
}  // namespace heddle::kernel
