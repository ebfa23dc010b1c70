#include "kernel/library/exact_moe.h"

#include <set>

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

/// A layer with random weights on random rows.
struct RandomMoe {
  ExactMoeShape shape;
  std::vector<std::int32_t> x;
  ScaledCodes router;
  ScaledCodes up;
  ScaledCodes down;

  RandomMoe(const ExactMoeShape& of, std::uint64_t seed)
      : shape(of),
        x(fixed_rows(of.tokens, of.hidden, seed)),
        router(
            random_codes(of.experts, of.hidden, of.x_fraction - of.logit_fraction - 31, seed + 1)),
        up(random_codes(of.experts * of.inner, of.hidden, of.x_fraction - of.up_fraction - 31,
                        seed + 2)),
        down(random_codes(of.experts * of.hidden, of.inner,
                          of.relu_fraction - of.down_fraction - 31, seed + 3)) {}

  void put_into(Operands& operands) const {
    quantised(x, shape.hidden).put_into(operands, "x");
    router.put_into(operands, "router_weight");
    up.put_into(operands, "up_weight");
    down.put_into(operands, "down_weight");
  }

  /// Of each token.
  [[nodiscard]] std::vector<arith::Route> routes() const {
    std::vector<arith::Route> found;
    for (std::int64_t t = 0; t < shape.tokens; ++t) {
      const std::vector<std::int32_t> logits =
          linear_of(row_of(x, shape.hidden, t), shape.x_fraction, router, shape.logit_fraction);
      found.push_back(arith::route({logits, shape.logit_fraction}));
    }
    return found;
  }

  /// y by the operators of the arithmetic, token by token.
  [[nodiscard]] std::vector<std::int32_t> expected() const {
    std::vector<std::int32_t> y;
    const std::vector<arith::Route> chosen = routes();
    for (std::int64_t t = 0; t < shape.tokens; ++t) {
      const arith::Route& route = chosen[static_cast<std::size_t>(t)];
      const std::vector<std::int32_t> raised =
          linear_of(row_of(x, shape.hidden, t), shape.x_fraction,
                    expert_of(up, shape.inner, route.expert), shape.up_fraction);
      std::vector<std::int32_t> active(raised.size());
      arith::map(heddle::Function::kRelu, {raised, shape.up_fraction},
                 {active, shape.relu_fraction});
      const std::vector<std::int32_t> result =
          linear_of(active, shape.relu_fraction, expert_of(down, shape.hidden, route.expert),
                    shape.down_fraction);
      std::vector<std::int32_t> weighed(result.size());
      arith::weigh(route.weight, {result, shape.down_fraction}, {weighed, shape.y_fraction});
      y.insert(y.end(), weighed.begin(), weighed.end());
    }
    return y;
  }

  [[nodiscard]] std::size_t unused_experts() const {
    std::set<std::int32_t> used;
    for (const arith::Route& route : routes()) used.insert(route.expert);
    return static_cast<std::size_t>(shape.experts) - used.size();
  }
};

TEST(ExactMoe, GivesTheBitsOfTheArithmetic) {
  Tally tally;
  std::size_t unused = 0;
  std::uint64_t seed = 1000;
  for (const auto& [tokens, hidden, inner, experts] : std::vector<std::array<int, 4>>{
           {1, 1, 1, 1}, {5, 3, 7, 8}, {14, 16, 33, 4}, {21, 9, 20, 8}, {12, 40, 64, 3}}) {
    for (const auto& [fx, fl, fu, fr, fd, fy] :
         std::vector<std::array<int, 6>>{{20, 20, 20, 20, 20, 19}, {18, 21, 19, 20, 22, 18}}) {
      const RandomMoe layer({.tokens = tokens,
                             .hidden = hidden,
                             .inner = inner,
                             .experts = experts,
                             .x_fraction = fx,
                             .logit_fraction = fl,
                             .up_fraction = fu,
                             .relu_fraction = fr,
                             .down_fraction = fd,
                             .y_fraction = fy},
                            seed += 4);
      unused += layer.unused_experts();
      Operands o = run_in_both(moe_exact(layer.shape), [&](Operands& p) { layer.put_into(p); });
      tally.expect_numbers(o, "y", layer.expected());
    }
  }
  EXPECT_GT(unused, 5);
}

TEST(ExactMoe, GivesThemAtTheShapeOfARealModel) {
  Tally tally;
  const RandomMoe layer({.tokens = 128,
                         .hidden = 768,
                         .inner = 3072,
                         .experts = 8,
                         .x_fraction = 20,
                         .logit_fraction = 24,
                         .up_fraction = 16,
                         .relu_fraction = 16,
                         .down_fraction = 12,
                         .y_fraction = 12},
                        2000);
  Operands o = run_native(moe_exact(layer.shape), [&](Operands& p) { layer.put_into(p); });
  tally.expect_numbers(o, "y", layer.expected());
}

}  // namespace
}  // namespace heddle::kernel
