#include "kernel/library/exact_norm.h"

#include "base/error.h"
#include "kernel/library/exact_norm_inputs.h"

namespace heddle::kernel {
namespace {

TEST(ExactLayerNorm, GivesTheBitsOfTheArithmetic) {
  Tally tally;
  std::uint64_t seed = 700;
  for (const auto& [rows, columns] :
       std::vector<std::pair<int, int>>{{3, 1}, {9, 2}, {16, 5}, {17, 33}, {8, 129}, {3, 768}}) {
    for (const auto& [from, to, epsilon] :
         std::vector<std::tuple<int, int, double>>{{20, 20, 1e-6},
                                                   {17, 22, 1e-5},
                                                   {18, 19, 0},
                                                   {40, 20, 1e-5},
                                                   {-20, 21, 1e-6},
                                                   {31, 21, 1e-6},
                                                   {20, -20, 1e9},
                                                   {35, 40, 1e-12}}) {
      const std::vector<std::int32_t> x = rows_with_means(rows, columns, ++seed);
      const RandomNorm norm(columns, to, seed);
      std::vector<std::int32_t> expected(x.size());
      arith::layer_norm({x, from}, norm.factors, norm.offset, epsilon, {expected, to});
      Operands o = run_in_both(layer_norm_exact({.rows = rows,
                                                 .columns = columns,
                                                 .x_fraction = from,
                                                 .y_fraction = to,
                                                 .epsilon = epsilon}),
                               [&](Operands& p) {
                                 put(p, "x", x);
                                 norm.put_into(p);
                               });
      tally.expect_numbers(o, "y", expected);
    }
  }
}

TEST(ExactNorm, GivesTheBitsOfTheArithmetic) {
  Tally tally;
  std::uint64_t seed = 800;
  for (const auto& [rows, block, columns] :
       std::vector<std::array<int, 3>>{{1, 1, 1}, {6, 3, 5}, {16, 4, 32}, {7, 7, 70}}) {
    for (const auto& [fa, fb, fs, fn] :
         std::vector<std::array<int, 4>>{{20, 20, 20, 20}, {18, 22, 19, 21}, {25, 16, 15, 22}}) {
      const std::vector<std::int32_t> a = fixed_rows(rows, columns, ++seed);
      const std::vector<std::int32_t> b = rows_with_means(rows, columns, ++seed);
      const RandomNorm norm(columns, fn, seed);
      std::vector<std::int32_t> sum(a.size());
      arith::add({a, fa}, {b, fb}, {sum, fs});
      std::vector<std::int32_t> y(a.size());
      arith::layer_norm({sum, fs}, norm.factors, norm.offset, 1e-6, {y, fn});
      Operands o = run_in_both(norm_exact({.rows = rows,
                                           .columns = columns,
                                           .a_fraction = fa,
                                           .b_fraction = fb,
                                           .sum_fraction = fs,
                                           .norm_fraction = fn,
                                           .epsilon = 1e-6,
                                           .block = block}),
                               [&](Operands& p) {
                                 put(p, "a", a);
                                 put(p, "b", b);
                                 norm.put_into(p);
                               });
      tally.expect_numbers(o, "sum", sum);
      Operands expected = o;
      quantised(y, columns).put_into(expected, "y");
      EXPECT_EQ(o.difference(expected), "");
    }
  }
}

TEST(ExactLayerNorm, RefusesSumsThatMayOverflow) {
  EXPECT_THROW(layer_norm_exact({.columns = 65537}), UserError);
}

}  // namespace
}  // namespace heddle::kernel
