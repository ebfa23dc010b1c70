#include "kernel/library/moe.h"

#include <cmath>
#include <numeric>

#include "base/error.h"
#include "kernel/library/checks.h"

namespace heddle::kernel {
namespace {

// Routing.

/// choose_experts on one row of probabilities.
std::vector<int> chosen(const std::vector<float>& probabilities, std::int64_t top_k) {
  const auto experts = static_cast<std::int64_t>(probabilities.size());
  Operands o = run(choose_experts({.experts = experts, .top_k = top_k}), {}, [&](Operands& p) {
    std::copy(probabilities.begin(), probabilities.end(),
              p.buffer("probabilities").as<float>().begin());
  });
  std::vector<int> choice;
  for (int s = 0; s < top_k; ++s) {
    choice.push_back(o.grid<std::int32_t>("choice")(0, s));
    const float expected = probabilities[choice.back()];
    const float share = o.grid<float>("share")(0, s);
    EXPECT_TRUE(share == expected || (std::isnan(share) && std::isnan(expected)));
  }
  return choice;
}

TEST(ChooseExperts, TakesTheMostProbableInOrderOfTheExperts) {
  EXPECT_EQ(chosen({0.1F, 0.2F, 0.6F, 0.1F}, 1), (std::vector<int>{2}));
  EXPECT_EQ(chosen({0.5F, 0.1F, 0.1F, 0.3F}, 2), (std::vector<int>{0, 3}));
  EXPECT_EQ(chosen({0.3F, 0.1F, 0.1F, 0.5F}, 2), (std::vector<int>{0, 3}));
  EXPECT_EQ(chosen({0.3F, 0.1F, 0.6F}, 3), (std::vector<int>{0, 1, 2}));
  EXPECT_EQ(chosen({1.0F}, 1), (std::vector<int>{0}));
}

TEST(ChooseExperts, TakesTheFirstOfEqualOnes) {
  EXPECT_EQ(chosen({0.25F, 0.25F, 0.25F, 0.25F}, 1), (std::vector<int>{0}));
  EXPECT_EQ(chosen({0.1F, 0.4F, 0.4F, 0.1F}, 1), (std::vector<int>{1}));
  EXPECT_EQ(chosen({0.2F, 0.2F, 0.4F, 0.2F}, 2), (std::vector<int>{0, 2}));
}

TEST(ChooseExperts, TakesSomeExpertsEvenOfNans) {
  EXPECT_EQ(chosen({NAN, NAN, NAN}, 2), (std::vector<int>{0, 1}));
  EXPECT_EQ(chosen({0.5F, 0.3F, NAN}, 1), (std::vector<int>{0}));
}

TEST(SortByExpert, ListsTheTokensOfEachExpertAndPassesOverThoseWithout) {
  const std::vector<std::vector<int>> choices = {{3, 4}, {0, 3}, {0, 4}, {3, 4}};
  Operands o = run(sort_by_expert({.tokens = 4, .experts = 6, .top_k = 2}), {}, [&](Operands& p) {
    for (int t = 0; t < 4; ++t) {
      for (int s = 0; s < 2; ++s) p.grid<std::int32_t>("choice")(t, s) = choices[t][s];
    }
  });
  const auto list = [&](const char* name) {
    const auto values = o.buffer(name).as<std::int32_t>();
    return std::vector<int>(values.begin(), values.end());
  };
  EXPECT_EQ(list("first"), (std::vector<int>{0, 2, 2, 2, 5, 8, 8}));
  EXPECT_EQ(list("token_of"), (std::vector<int>{1, 2, 0, 1, 3, 0, 2, 3}));
  EXPECT_EQ(list("place"), (std::vector<int>{2, 5, 0, 3, 1, 6, 4, 7}));
}

// The mixture.

const std::vector<MoeShape> kShapes = {
    {.tokens = 1, .hidden = 1, .inner = 1, .experts = 1, .top_k = 1},
    {.tokens = 9, .hidden = 6, .inner = 5, .experts = 4, .top_k = 1},
    {.tokens = 7, .hidden = 5, .inner = 8, .experts = 5, .top_k = 2},
    {.tokens = 3, .hidden = 4, .inner = 3, .experts = 8, .top_k = 3},
    {.tokens = 2, .hidden = 3, .inner = 4, .experts = 3, .top_k = 3},
};

/// Spreads the router's logits, so that experts differ.
void sharpen(Operands& o) {
  randomise(o.buffer("router_weight"), -3, 3, 21);
}

std::vector<double> probabilities(Operands& o, const MoeShape& shape, std::int64_t t) {
  std::vector<double> p;
  for (std::int64_t e = 0; e < shape.experts; ++e) {
    double logit = 0;
    for (std::int64_t c = 0; c < shape.hidden; ++c) {
      logit += o.buffer("x").real(t * shape.hidden + c) *
               o.buffer("router_weight").real(e * shape.hidden + c);
    }
    p.push_back(std::exp(logit));
  }
  const double sum = std::accumulate(p.begin(), p.end(), 0.0);
  for (double& value : p) value /= sum;
  return p;
}

/// The experts of a token, the most probable first.
std::vector<std::int64_t> ranked(const std::vector<double>& p) {
  std::vector<std::int64_t> order(p.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::int64_t a, std::int64_t b) { return p[a] > p[b]; });
  return order;
}

double expert(Operands& o, const MoeShape& shape, std::int64_t e, std::int64_t t, std::int64_t c) {
  double y = 0;
  for (std::int64_t n = 0; n < shape.inner; ++n) {
    double up = 0;
    for (std::int64_t k = 0; k < shape.hidden; ++k) {
      up += o.buffer("x").real(t * shape.hidden + k) *
            o.buffer("up_weight").real((e * shape.inner + n) * shape.hidden + k);
    }
    y += std::max(up, 0.0) * o.buffer("down_weight").real((e * shape.hidden + c) * shape.inner + n);
  }
  return y;
}

TEST(Moe, IsCloseToItsDefinition) {
  for (const MoeShape& shape : kShapes) {
    Operands o = run(moe(shape), {}, sharpen);
    for (std::int64_t t = 0; t < shape.tokens; ++t) {
      const std::vector<double> p = probabilities(o, shape, t);
      const std::vector<std::int64_t> order = ranked(p);
      for (std::int64_t c = 0; c < shape.hidden; ++c) {
        double exact = 0;
        for (std::int64_t s = 0; s < shape.top_k; ++s) {
          exact += p[order[s]] * expert(o, shape, order[s], t, c);
        }
        EXPECT_NEAR(o.buffer("y").real(t * shape.hidden + c), exact, 1e-5);
      }
    }
  }
}

TEST(Moe, GatheredByExpertGivesTheBitsOfComputingAllExperts) {
  for (const MoeShape& shape : kShapes) {
    const Operands dense = run(moe_dense(shape), {}, sharpen);
    EXPECT_EQ(run(moe(shape), {}, sharpen).difference(dense), "");
  }
}

void scale_int8(Operands& o) {
  sharpen(o);
  set_scaling(o, "up", 15);
  set_scaling(o, "down", 15);
}

TEST(Moe, OfInt8GatheredByExpertGivesTheBitsOfComputingAllExperts) {
  for (MoeShape shape : kShapes) {
    shape.number = Number::kInt8;
    const Scalars scalars = {{"router_scale", 0.01}};
    Operands dense = run(moe_dense(shape), scalars, scale_int8);
    EXPECT_EQ(run(moe(shape), scalars, scale_int8).difference(dense), "");
  }
}

TEST(Moe, OfInt8GivesTheBitsOfPlainCppWithOneExpert) {
  const MoeShape shape{.tokens = 4, .hidden = 5, .inner = 7, .number = Number::kInt8};
  const auto layer = [](Operands& o, const std::string& name, const std::vector<int>& x, int j) {
    std::int64_t sum = 0;
    for (int k = 0; k < static_cast<int>(x.size()); ++k) {
      sum += x[k] * o.grid<std::int8_t>(name + "_weight")(0, j, k);
    }
    return requantised(sum, o.grid<std::int32_t>(name + "_multiplier")(0, j),
                       o.grid<std::uint8_t>(name + "_shift")(0, j));
  };
  expect_bits(
      moe(shape), {{"router_scale", 1}},
      [&](Operands& o) {
        for (int t = 0; t < 4; ++t) {
          std::vector<int> x;
          std::vector<int> middle;
          for (int c = 0; c < 5; ++c) x.push_back(o.grid<std::int8_t>("x")(t, c));
          for (int n = 0; n < 7; ++n) middle.push_back(std::max<int>(layer(o, "up", x, n), 0));
          // The only expert's probability is 1.
          for (int c = 0; c < 5; ++c) {
            o.grid<std::int8_t>("y")(t, c) = layer(o, "down", middle, c);
          }
        }
      },
      scale_int8);
}

/// All tokens to expert 1 of 4, by a router that sees a constant column.
void send_all_to_one(Operands& o) {
  const Grid<float> x = o.grid<float>("x");
  const Grid<float> router = o.grid<float>("router_weight");
  for (int t = 0; t < x.extent(0); ++t) x(t, 0) = 1;
  for (int e = 0; e < router.extent(0); ++e) router(e, 0) = e == 1 ? 50.0F : -50.0F;
}

TEST(Moe, NeitherComputesNorReadsExpertsWithoutTokens) {
  const MoeShape shape{.tokens = 6, .hidden = 4, .inner = 3, .experts = 4, .top_k = 1};
  Operands o = run(moe(shape), {}, [](Operands& p) {
    send_all_to_one(p);
    // What reads other experts' weights shows.
    for (const char* name : {"up_weight", "down_weight"}) {
      const auto weights = p.buffer(name).as<float>();
      for (std::size_t i = 0; i < weights.size(); ++i) {
        if (i < 12 || i >= 24) weights[i] = NAN;
      }
    }
  });
  EXPECT_EQ(o.not_finite(), (std::vector<std::string>{"up_weight", "down_weight"}));
}

std::uint64_t statements(const KernelPtr& kernel) {
  Operands o(kernel, {});
  return interpret(*kernel, o.arguments()).statements;
}

TEST(Moe, WorksForTheChosenExpertsAlone) {
  MoeShape shape{.tokens = 8, .hidden = 12, .inner = 12, .experts = 8, .top_k = 1};
  const std::uint64_t sparse = statements(moe(shape));
  EXPECT_GT(statements(moe_dense(shape)), 4 * sparse);
  // With more experts only routing grows.
  shape.experts = 16;
  EXPECT_LT(statements(moe(shape)), 2 * sparse);
}

TEST(Moe, RefusesMoreChoicesThanExperts) {
  EXPECT_THROW(moe({.experts = 2, .top_k = 3}), UserError);
  EXPECT_THROW(moe_dense({.experts = 2, .top_k = 3}), UserError);
}

}  // namespace
}  // namespace heddle::kernel
