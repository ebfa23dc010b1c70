#include "kernel/library/exact_gelu.h"

#include "kernel/library/exact_checks.h"

namespace heddle::kernel {
namespace {

TEST(ExactGelu, HasTheTableOfTheArithmetic) {
  const arith::TailTable& table = arith::tail_table(heddle::Function::kGeluTanh);
  const std::vector<double> tails = gelu_tails();
  const std::vector<double> steps = gelu_steps();
  ASSERT_EQ(tails.size(), 512);
  ASSERT_EQ(steps.size(), 512);
  for (std::size_t i = 0; i < 512; ++i) {
    EXPECT_EQ(tails[i], table.entries[i]) << i;
    EXPECT_EQ(steps[i], table.entries[i + 1] - table.entries[i]) << i;
  }
  // Why z may stay at the table's end.
  EXPECT_EQ(table.entries[511], 0);
  EXPECT_EQ(table.entries[512], 0);
}

TEST(ExactGelu, GivesTheBitsOfTheArithmetic) {
  std::vector<std::int64_t> x = extremes(-arith::kLimit, arith::kLimit, 2000, 1);
  for (std::int64_t e = -3000; e < 3000; ++e) x.push_back(e * 193);
  const auto count = static_cast<std::int64_t>(x.size());
  const std::vector<std::int32_t> numbers(x.begin(), x.end());
  for (const auto& [from, to] : std::vector<std::pair<int, int>>{{16, 16},
                                                                 {22, 18},
                                                                 {17, 24},
                                                                 {18, 20},
                                                                 {24, 12},
                                                                 {0, 0},
                                                                 {-20, 40},
                                                                 {40, -20},
                                                                 {40, 40}}) {
    std::vector<std::int32_t> expected(x.size());
    arith::map(heddle::Function::kGeluTanh, {numbers, from}, {expected, to});
    KernelBuilder k("gelu_test");
    const ArrayHandle in = k.input("x", fixed_number(), {count});
    const ArrayHandle y = k.output("y", fixed_number(), {count});
    const ExactGelu gelu(k, from, to);
    k.loop("i", 0, count, [&](const Expr& i) { y(i) = gelu.of(in(i)); });
    Operands operands = run_in_both(k.build(), [&](Operands& o) { fill(o.buffer("x"), x); });
    const std::vector<std::int64_t> values = numbers_in(operands.buffer("y"));
    for (std::size_t i = 0; i < x.size(); ++i) {
      ASSERT_EQ(values[i], expected[i]) << x[i] << " from " << from << " to " << to;
    }
  }
}

}  // namespace
}  // namespace heddle::kernel
