#include "kernel/library/exact_attention.h"

#include <cmath>

#include "base/error.h"
#include "kernel/library/exact_checks.h"
#include "kernel/library/exact_softmax.h"

namespace heddle::kernel {
namespace {

TEST(ExactSoftmax, HasTheTableOfTheArithmetic) {
  const arith::ExponentialTable& table = arith::exponential_table();
  const std::vector<double> powers = octave_powers();
  const std::vector<double> drops = octave_drops();
  ASSERT_EQ(powers.size(), 64);
  ASSERT_EQ(drops.size(), 64);
  for (std::size_t a = 0; a < 64; ++a) {
    EXPECT_EQ(powers[a], table[a]);
    EXPECT_EQ(drops[a], table[a] - table[a + 1]);
  }
}

TEST(ExactSoftmax, HasTheScalesOfTheArithmetic) {
  std::mt19937_64 random(1);
  for (int n = 0; n < 5000; ++n) {
    const double real =
        std::ldexp(static_cast<double>(random() >> 11), static_cast<int>(random() % 80) - 90);
    const double near_tie = 1 - std::ldexp(1.0, -17 - n % 20);
    for (const double r : {real + 1e-30, near_tie}) {
      const arith::Scale expected = arith::nearest_scale(r);
      const ScaleConstant got = nearest_scale(r);
      ASSERT_EQ(got.mantissa, expected.mantissa) << r;
      ASSERT_EQ(got.exponent, expected.exponent) << r;
    }
  }
}

/// e for a delta, by docs/arithmetic.md.
std::int64_t power(std::int64_t delta, std::int64_t octaves) {
  const arith::ExponentialTable& table = arith::exponential_table();
  const std::int64_t n = (delta >> 12) - octaves;
  if (n >= 16) return 0;
  const auto a = static_cast<std::size_t>((delta >> 6) & 63);
  const std::int64_t between = (table[a] - table[a + 1]) * (delta & 63);
  return static_cast<std::int64_t>(
      arith::round_shift(table[a] - arith::round_shift(between, 6), static_cast<int>(n)));
}

TEST(ExactSoftmax, RaisesTwoToPowers) {
  std::vector<std::int64_t> delta;
  std::vector<std::int64_t> octaves;
  std::mt19937_64 random(2);
  for (int n = 0; n < 20000; ++n) {
    const auto below = static_cast<std::int64_t>(random() % 40000);
    const auto whole = static_cast<std::int64_t>(n % 3 == 0 ? random() % (1 << 18) : n % 18);
    const std::int64_t d = n % 5 == 0 ? whole << 12 : n % 5 == 1 ? 16 << 12 : below + (whole << 12);
    delta.push_back(std::min(d, std::int64_t{1} << 30));
    octaves.push_back(n % 2 == 0 ? 0 : std::min(whole, delta.back() >> 12));
  }
  const auto count = static_cast<std::int64_t>(delta.size());
  KernelBuilder k("powers_test");
  const ArrayHandle d = k.input("d", distance_type(), {count});
  const ArrayHandle o = k.input("o", uint_type(19), {count});
  const ArrayHandle y = k.output("y", power_type(), {count});
  const ExactPowers powers(k);
  k.loop("i", 0, count, [&](const Expr& i) { y(i) = powers.of(d(i), o(i)); });
  Operands operands = run_in_both(k.build(), [&](Operands& p) {
    put(p, "d", delta);
    put(p, "o", octaves);
  });
  const std::vector<std::int64_t> values = numbers_in(operands.buffer("y"));
  for (std::size_t i = 0; i < values.size(); ++i) {
    ASSERT_EQ(values[i], power(delta[i], octaves[i])) << delta[i] << " " << octaves[i];
  }
}

TEST(ExactSoftmax, CountsTheStepsOfScores) {
  constexpr std::size_t kCases = 20000;
  for (const std::int64_t head_dim : {1, 16, 17, 64, 4096}) {
    for (const int fractions : {-40, 38, 80}) {
      const std::int64_t most = std::int64_t{127} * 127 * head_dim;
      const std::vector<std::int64_t> s = drawn(-most, most, kCases, 3);
      const std::vector<std::int64_t> mq = mantissas(kCases, 4);
      const std::vector<std::int64_t> mk = mantissas(kCases, 5);
      std::vector<std::int64_t> eq = drawn(-500, 500, kCases, 6);
      const std::vector<std::int64_t> ek = drawn(-128, 127, kCases, 7);
      const int reduce = std::max(
          0, arith::bits(static_cast<std::uint64_t>(std::int64_t{127} * 127 * head_dim)) - 18);
      // Most cases have shifts from 0 to 33.
      for (std::size_t i = 0; i < kCases; ++i) {
        if (i % 8 == 0) continue;
        eq[i] = fractions - 32 - reduce - ek[i] - static_cast<std::int64_t>(i % 34);
      }
      const std::vector<std::int64_t> t =
          values_of(score_steps(head_dim, fractions), {s, mq, eq, mk, ek});
      for (std::size_t i = 0; i < kCases; ++i) {
        const std::int64_t shift = fractions - 12 - eq[i] - ek[i] - reduce - 20;
        const auto expected =
            arith::round_shift(arith::round_shift(s[i], reduce) * ((mq[i] * mk[i]) >> 20),
                               static_cast<int>(std::clamp<std::int64_t>(shift, 1, 31)));
        ASSERT_EQ(t[i], static_cast<std::int64_t>(expected)) << s[i] << " by " << shift;
      }
    }
  }
}

/// What arith::attention needs to know beside the numbers.
heddle::Attention attention_of(std::int64_t keys, std::int64_t heads, std::int64_t head_dim,
                               double scale) {
  heddle::Attention attention;
  attention.heads = heads;
  attention.kv_heads = heads;
  attention.head_dim = head_dim;
  attention.scale = scale;
  attention.visible_prefix = keys;
  return attention;
}

TEST(ExactHead, GivesTheBitsOfTheArithmetic) {
  Tally tally;
  std::uint64_t seed = 300;
  for (const auto& [queries, keys, head_dim] : std::vector<std::array<int, 3>>{
           {1, 1, 1}, {7, 3, 5}, {2, 64, 16}, {3, 65, 4}, {7, 200, 8}, {2, 129, 40}}) {
    for (const auto& [fq, fk, fv, fy] : std::vector<std::array<int, 4>>{
             {20, 20, 20, 20}, {17, 19, 22, 20}, {22, 22, 18, 21}, {30, 30, 20, 22}}) {
      const double scale = seed % 3 == 0 ? 1.7 : 1 / std::sqrt(head_dim);
      const std::vector<std::int32_t> q = fixed_rows(queries, head_dim, ++seed);
      const std::vector<std::int32_t> k = fixed_rows(keys, head_dim, ++seed);
      const std::vector<std::int32_t> v = fixed_rows(keys, head_dim, ++seed);
      std::vector<std::int32_t> expected(q.size());
      arith::attention(attention_of(keys, 1, head_dim, scale), {q, fq}, {k, fk}, {v, fv},
                       {expected, fy});
      Operands o = run_in_both(head_exact({.queries = queries,
                                           .keys = keys,
                                           .head_dim = head_dim,
                                           .q_fraction = fq,
                                           .k_fraction = fk,
                                           .v_fraction = fv,
                                           .y_fraction = fy,
                                           .scale = scale}),
                               [&](Operands& p) {
                                 quantised(q, head_dim).put_into(p, "q");
                                 quantised(k, head_dim).put_into(p, "k");
                                 quantised(v, head_dim).put_into(p, "v");
                               });
      tally.expect_numbers(o, "y", expected);
    }
  }
}

TEST(ExactHead, TakesTheExponentOfValuesThatAreNotZeros) {
  // Rows of small numbers have exponents below 0, which is the one of rows of zeros.
  std::vector<std::int32_t> v = {5, -3, 0, 0, 0, 0, 0, 0, 2, 1, -1, 0, 300, -7, 20, 100};
  const std::vector<std::int32_t> q = fixed_rows(3, 4, 1);
  const std::vector<std::int32_t> k = fixed_rows(4, 4, 2);
  std::vector<std::int32_t> expected(12);
  arith::attention(attention_of(4, 1, 4, 0.1), {q, 22}, {k, 22}, {v, 10}, {expected, 25});
  Tally tally;
  Operands o = run_in_both(head_exact({.queries = 3,
                                       .keys = 4,
                                       .head_dim = 4,
                                       .q_fraction = 22,
                                       .k_fraction = 22,
                                       .v_fraction = 10,
                                       .y_fraction = 25,
                                       .scale = 0.1}),
                           [&](Operands& p) {
                             quantised(q, 4).put_into(p, "q");
                             quantised(k, 4).put_into(p, "k");
                             quantised(v, 4).put_into(p, "v");
                           });
  tally.expect_numbers(o, "y", expected);
}

TEST(ExactHead, GivesZerosWhereAllValuesAreZeros) {
  const std::vector<std::int32_t> q = fixed_rows(3, 4, 1);
  const std::vector<std::int32_t> zeros(20);
  Operands o = run_in_both(head_exact({.queries = 3, .keys = 5, .head_dim = 4, .y_fraction = 40}),
                           [&](Operands& p) {
                             quantised(q, 4).put_into(p, "q");
                             quantised(fixed_rows(5, 4, 2), 4).put_into(p, "k");
                             quantised(zeros, 4).put_into(p, "v");
                           });
  EXPECT_EQ(numbers_in(o.buffer("y")), std::vector<std::int64_t>(12, 0));
}

TEST(ExactAttention, GivesTheBitsOfTheArithmetic) {
  Tally tally;
  std::uint64_t seed = 500;
  for (const auto& [tokens, block, hidden, heads, head_dim] : std::vector<std::array<int, 5>>{
           {1, 1, 1, 1, 1}, {6, 2, 5, 3, 3}, {16, 4, 32, 4, 8}, {70, 7, 9, 2, 5}}) {
    for (const auto& [fx, fq, fv, fc, fy] :
         std::vector<std::array<int, 5>>{{20, 20, 20, 20, 20}, {17, 21, 22, 19, 18}}) {
      const std::int64_t width = std::int64_t{heads} * head_dim;
      const double scale = 1 / std::sqrt(head_dim);
      const std::vector<std::int32_t> x = fixed_rows(tokens, hidden, ++seed);
      const RandomLinear to_q(width, hidden, fx - fq, ++seed);
      const RandomLinear to_k(width, hidden, fx - fq, ++seed);
      const RandomLinear to_v(width, hidden, fx - fv, ++seed);
      const RandomLinear out(hidden, width, fc - fy, ++seed);
      const std::vector<std::int32_t> q = to_q.of(x, fx, fq);
      const std::vector<std::int32_t> k = to_k.of(x, fx, fq);
      const std::vector<std::int32_t> v = to_v.of(x, fx, fv);
      std::vector<std::int32_t> context(q.size());
      arith::attention(attention_of(tokens, heads, head_dim, scale), {q, fq}, {k, fq}, {v, fv},
                       {context, fc});
      Operands o = run_in_both(attention_exact({.tokens = tokens,
                                                .hidden = hidden,
                                                .heads = heads,
                                                .head_dim = head_dim,
                                                .x_fraction = fx,
                                                .q_fraction = fq,
                                                .k_fraction = fq,
                                                .v_fraction = fv,
                                                .context_fraction = fc,
                                                .y_fraction = fy,
                                                .scale = scale,
                                                .block = block}),
                               [&](Operands& p) {
                                 quantised(x, hidden).put_into(p, "x");
                                 to_q.put_into(p, "q_");
                                 to_k.put_into(p, "k_");
                                 to_v.put_into(p, "v_");
                                 out.put_into(p, "out_");
                               });
      tally.expect_numbers(o, "y", out.of(context, fc, fy));
    }
  }
}

TEST(ExactHead, RefusesSumsThatMayOverflow) {
  EXPECT_THROW(head_exact({.head_dim = 4097}), UserError);
  EXPECT_THROW(head_exact({.keys = 65537}), UserError);
}

}  // namespace
}  // namespace heddle::kernel
