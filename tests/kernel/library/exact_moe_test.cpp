#include "kernel/library/exact_moe.h"

#include "kernel/library/exact_checks.h"

namespace heddle::kernel {
namespace {

void expect_routes(const std::vector<std::int32_t>& logits, std::int64_t experts, int fraction) {
  const auto tokens = static_cast<std::int64_t>(logits.size()) / experts;
  Operands o = run_in_both(route_exact(tokens, experts, fraction),
                           [&](Operands& p) { put(p, "logits", logits); });
  const std::vector<std::int64_t> choice = numbers_in(o.buffer("choice"));
  const std::vector<std::int64_t> share = numbers_in(o.buffer("share"));
  for (std::size_t t = 0; t < choice.size(); ++t) {
    const auto width = static_cast<std::size_t>(experts);
    const arith::Route expected =
        arith::route({std::span(logits).subspan(t * width, width), fraction});
    ASSERT_EQ(choice[t], expected.expert) << t;
    ASSERT_EQ(share[t], expected.weight) << t;
  }
}

TEST(ExactRouting, GivesTheBitsOfTheArithmetic) {
  std::uint64_t seed = 900;
  for (const std::int64_t experts : {1, 2, 3, 8, 33}) {
    for (const int fraction : {-20, -3, -2, 12, 18, 20, 23, 25, 40}) {
      expect_routes(fixed_rows(140, experts, ++seed), experts, fraction);
    }
  }
}

TEST(ExactRouting, TakesTheFirstOfEqualExperts) {
  expect_routes({5, 7, 7, 1, 0, 0, 0, 0, -4, -9, -9, -4}, 4, 0);
  // Logits that differ, but by less than a step.
  expect_routes({1000, 1001, 1002, 999, -1, 0, 1, 0}, 4, 40);
}

/// Rows token of a matrix.
std::vector<std::int32_t> row_of(const std::vector<std::int32_t>& x, std::int64_t columns,
                                 std::int64_t row) {
  const auto from = x.begin() + row * columns;
  return {from, from + columns};
}

/// The rows of one expert out of all experts'.
ScaledCodes expert_of(const ScaledCodes& all, std::int64_t rows, std::int64_t expert) {
  const auto code = all.codes.begin() + expert * rows * all.depth;
  const auto scale = all.scales.begin() + expert * rows;
  return {.codes = {code, code + rows * all.depth},
          .scales = {scale, scale + rows},
          .depth = all.depth};
}

std::vector<std::int32_t> linear_of(const std::vector<std::int32_t>& x, int from,
                                    const ScaledCodes& weight, int to) {
  std::vector<std::int32_t> y(x.size() / static_cast<std::size_t>(weight.depth) *
                              weight.scales.size());
  arith::linear({x, from}, weight.view(), {}, {y, to});
  return y;
}

TEST(ExactMoe, GivesTheBitsOfTheArithmetic) {
  Tally tally;
  std::size_t unused = 0;
  std::uint64_t seed = 1000;
  for (const auto& [tokens, hidden, inner, experts] : std::vector<std::array<int, 4>>{
           {1, 1, 1, 1}, {5, 3, 7, 8}, {14, 16, 33, 4}, {21, 9, 20, 8}, {12, 40, 64, 3}}) {
    for (const auto& [fx, fl, fu, fr, fd, fy] :
         std::vector<std::array<int, 6>>{{20, 20, 20, 20, 20, 19}, {18, 21, 19, 20, 22, 18}}) {
      const std::vector<std::int32_t> x = fixed_rows(tokens, hidden, ++seed);
      const ScaledCodes router = random_codes(experts, hidden, fx - fl - 31, ++seed);
      const ScaledCodes up =
          random_codes(std::int64_t{experts} * inner, hidden, fx - fu - 31, ++seed);
      const ScaledCodes down =
          random_codes(std::int64_t{experts} * hidden, inner, fr - fd - 31, ++seed);
      std::vector<std::int32_t> expected;
      std::vector<bool> used(static_cast<std::size_t>(experts));
      for (std::int64_t t = 0; t < tokens; ++t) {
        const std::vector<std::int32_t> row = row_of(x, hidden, t);
        const arith::Route route = arith::route({linear_of(row, fx, router, fl), fl});
        used[static_cast<std::size_t>(route.expert)] = true;
        const std::vector<std::int32_t> raised =
            linear_of(row, fx, expert_of(up, inner, route.expert), fu);
        std::vector<std::int32_t> active(raised.size());
        arith::map(heddle::Function::kRelu, {raised, fu}, {active, fr});
        const std::vector<std::int32_t> result =
            linear_of(active, fr, expert_of(down, hidden, route.expert), fd);
        std::vector<std::int32_t> weighed(result.size());
        arith::weigh(route.weight, {result, fd}, {weighed, fy});
        expected.insert(expected.end(), weighed.begin(), weighed.end());
      }
      unused += static_cast<std::size_t>(std::count(used.begin(), used.end(), false));
      Operands o = run_in_both(moe_exact({.tokens = tokens,
                                          .hidden = hidden,
                                          .inner = inner,
                                          .experts = experts,
                                          .x_fraction = fx,
                                          .logit_fraction = fl,
                                          .up_fraction = fu,
                                          .relu_fraction = fr,
                                          .down_fraction = fd,
                                          .y_fraction = fy}),
                               [&](Operands& p) {
                                 quantised(x, hidden).put_into(p, "x");
                                 router.put_into(p, "router_weight");
                                 up.put_into(p, "up_weight");
                                 down.put_into(p, "down_weight");
                               });
      tally.expect_numbers(o, "y", expected);
    }
  }
  EXPECT_GT(unused, 5);
}

}  // namespace
}  // namespace heddle::kernel
