#include "kernel/library/exact_mlp.h"

#include "kernel/library/exact_checks.h"

namespace heddle::kernel {
namespace {

TEST(ExactMlp, GivesTheBitsOfTheArithmetic) {
  Tally tally;
  std::uint64_t seed = 100;
  for (const auto& [rows, block, hidden, inner] : std::vector<std::array<int, 4>>{
           {1, 1, 1, 1}, {7, 7, 5, 3}, {14, 2, 6, 19}, {8, 4, 16, 64}, {9, 3, 33, 70}}) {
    for (const auto& [fx, fu, fg, fy] : std::vector<std::array<int, 4>>{
             {20, 20, 21, 18}, {17, 19, 22, 20}, {18, 21, 20, 25}, {40, 24, -20, 40}}) {
      const std::vector<std::int32_t> x = fixed_rows(rows, hidden, ++seed);
      const RandomLinear up(inner, hidden, fx - fu, seed);
      const RandomLinear down(hidden, inner, fg - fy, seed + 50);
      const std::vector<std::int32_t> raised = up.of(x, fx, fu);
      std::vector<std::int32_t> active(raised.size());
      arith::map(heddle::Function::kGeluTanh, {raised, fu}, {active, fg});
      Operands o = run_in_both(mlp_exact({.rows = rows,
                                          .hidden = hidden,
                                          .inner = inner,
                                          .x_fraction = fx,
                                          .up_fraction = fu,
                                          .gelu_fraction = fg,
                                          .y_fraction = fy,
                                          .block = block}),
                               [&](Operands& p) {
                                 quantised(x, hidden).put_into(p, "x");
                                 up.put_into(p, "up_");
                                 down.put_into(p, "down_");
                               });
      tally.expect_numbers(o, "y", down.of(active, fg, fy));
    }
  }
}

}  // namespace
}  // namespace heddle::kernel
