#include "kernel/library/attention.h"

#include <cmath>

#include "base/error.h"
#include "kernel/library/checks.h"

namespace heddle::kernel {
namespace {

// Rotary position embedding.

const std::vector<RopeShape> kRopes = {
    {.tokens = 1, .heads = 1, .head_dim = 2, .rotary_dim = 2},
    {.tokens = 5, .heads = 3, .head_dim = 8, .rotary_dim = 8},
    {.tokens = 3, .heads = 2, .head_dim = 10, .rotary_dim = 4},
    {.tokens = 2, .heads = 1, .head_dim = 7, .rotary_dim = 2},
};

template <typename T, typename Turn, typename Rounded>
void plain_rope(Operands& o, const RopeShape& shape, Rounded rounded) {
  const Grid<T> x = o.grid<T>("x");
  const Grid<T> y = o.grid<T>("y");
  const int half = static_cast<int>(shape.rotary_dim / 2);
  for (int t = 0; t < shape.tokens; ++t) {
    for (int h = 0; h < shape.heads; ++h) {
      for (int i = 0; i < shape.head_dim; ++i) {
        const int at = h * static_cast<int>(shape.head_dim) + i;
        if (i >= shape.rotary_dim) {
          y(t, at) = x(t, at);
          continue;
        }
        const bool is_first = i < half;
        const auto c = o.grid<Turn>("cosine")(t, i % half);
        const auto s = o.grid<Turn>("sine")(t, i % half);
        const auto own = x(t, at);
        const auto other = x(t, is_first ? at + half : at - half);
        y(t, at) = rounded(is_first ? own * c - other * s : own * c + other * s);
      }
    }
  }
}

TEST(Rope, GivesTheBitsOfPlainCpp) {
  for (const RopeShape& shape : kRopes) {
    expect_bits(rope(shape), {}, [&](Operands& o) {
      plain_rope<float, float>(o, shape, [](float v) { return v; });
    });
  }
}

TEST(Rope, OfInt8RoundsTheExactResultToEven) {
  const auto nearest = [](std::int32_t raw) {
    const double real = std::nearbyint(std::ldexp(raw, -14));
    return static_cast<std::int8_t>(std::clamp(real, -128.0, 127.0));
  };
  for (RopeShape shape : kRopes) {
    shape.number = Number::kInt8;
    expect_bits(
        rope(shape), {},
        [&](Operands& o) { plain_rope<std::int8_t, std::int16_t>(o, shape, nearest); },
        [](Operands& o) {
          for (const char* name : {"cosine", "sine"}) {
            std::int64_t raw = -16384;
            for (std::int16_t& turn : o.buffer(name).as<std::int16_t>()) {
              turn = static_cast<std::int16_t>(raw);
              raw = -raw / 2 + 1111;
            }
          }
        });
  }
}

TEST(Rope, OfInt8RoundsTiesToEven) {
  const KernelPtr kernel =
      rope({.tokens = 3, .head_dim = 2, .rotary_dim = 2, .number = Number::kInt8});
  Operands o = run(kernel, {}, [](Operands& operands) {
    const std::vector<int> x = {1, 3, -1, -3, 5, -5};
    for (int i = 0; i < 6; ++i) operands.buffer("x").set(i, x[i]);
    for (std::int16_t& c : operands.buffer("cosine").as<std::int16_t>()) c = 1 << 13;  // 0.5
    for (std::int16_t& s : operands.buffer("sine").as<std::int16_t>()) s = 0;
  });
  const std::vector<int> expected = {0, 2, 0, -2, 2, -2};
  for (int i = 0; i < 6; ++i) EXPECT_EQ(o.buffer("y").as<std::int8_t>()[i], expected[i]);
}

TEST(Rope, RefusesARotaryPartThatIsOddOrTooLong) {
  EXPECT_THROW(rope({.head_dim = 8, .rotary_dim = 3}), UserError);
  EXPECT_THROW(rope({.head_dim = 8, .rotary_dim = 10}), UserError);
}

// Attention.

const std::vector<AttentionShape> kAttentions = {
    {.tokens = 1, .keys = 1, .heads = 1, .kv_heads = 1, .head_dim = 1},
    {.tokens = 5, .keys = 5, .heads = 2, .kv_heads = 2, .head_dim = 4},  // self
    {.tokens = 3, .keys = 7, .heads = 3, .kv_heads = 3, .head_dim = 5},  // cross
    {.tokens = 4, .keys = 4, .heads = 6, .kv_heads = 2, .head_dim = 3},  // grouped-query
    {.tokens = 4, .keys = 4, .heads = 2, .kv_heads = 2, .head_dim = 4, .mask = Mask::kCausal},
    {.tokens = 2, .keys = 6, .heads = 4, .kv_heads = 1, .head_dim = 4, .mask = Mask::kCausal},
};

/// Sums over keys in double precision: the definition.
struct ExactAttention {
  Operands& o;
  const AttentionShape& shape;
  double scale;

  [[nodiscard]] double element(const std::string& name, std::int64_t row, std::int64_t width,
                               std::int64_t head, std::int64_t d) const {
    return o.buffer(name).real(row * width + head * shape.head_dim + d);
  }

  [[nodiscard]] double at(std::int64_t t, std::int64_t h, std::int64_t d) const {
    const std::int64_t kv_head = h * shape.kv_heads / shape.heads;
    const std::int64_t visible =
        shape.mask == Mask::kNone ? shape.keys : std::min(shape.keys, o.size("offset") + t + 1);
    std::vector<double> scores;
    double largest = -1e300;
    for (std::int64_t k = 0; k < visible; ++k) {
      double score = 0;
      for (std::int64_t i = 0; i < shape.head_dim; ++i) {
        score +=
            element("q", t, shape.width(), h, i) * element("keys", k, shape.kv_width(), kv_head, i);
      }
      scores.push_back(scale * score);
      largest = std::max(largest, scores.back());
    }
    double sum = 0;
    double mixed = 0;
    for (std::int64_t k = 0; k < visible; ++k) {
      const double weight = std::exp(scores[k] - largest);
      sum += weight;
      mixed += weight * element("values", k, shape.kv_width(), kv_head, d);
    }
    return visible <= 0 ? 0 : mixed / sum;
  }
};

void expect_attention(Operands& o, const AttentionShape& shape, double scale, double out_scale,
                      double tolerance) {
  const ExactAttention exact{o, shape, scale};
  for (std::int64_t t = 0; t < shape.tokens; ++t) {
    for (std::int64_t h = 0; h < shape.heads; ++h) {
      for (std::int64_t d = 0; d < shape.head_dim; ++d) {
        const std::int64_t at = t * shape.width() + h * shape.head_dim + d;
        EXPECT_NEAR(o.buffer("y").real(at), exact.at(t, h, d) * out_scale, tolerance)
            << "token " << t << ", head " << h << ", element " << d;
      }
    }
  }
}

Scalars attention_scalars(const AttentionShape& shape, Scalars scalars, double offset) {
  if (shape.mask == Mask::kCausal) scalars["offset"] = offset;
  return scalars;
}

TEST(Attention, InFloatIsCloseToItsDefinition) {
  for (const AttentionShape& shape : kAttentions) {
    for (const double offset : {-1, 0, 3}) {
      Operands o = run(attention(shape), attention_scalars(shape, {{"scale", 0.5}}, offset));
      expect_attention(o, shape, 0.5, 1, 2e-6);
    }
  }
}

TEST(Attention, IgnoresWhatHiddenKeysHold) {
  const AttentionShape& shape = kAttentions.back();  // 2 tokens, 6 keys, causal
  Operands o = run(attention(shape), {{"scale", 1}, {"offset", 1}}, [&](Operands& operands) {
    for (std::int64_t i = 3 * shape.kv_width(); i < 6 * shape.kv_width(); ++i) {
      operands.buffer("keys").as<float>()[i] = NAN;
      operands.buffer("values").as<float>()[i] = INFINITY;
    }
  });
  EXPECT_EQ(o.not_finite(), (std::vector<std::string>{"keys", "values"}));
}

/// Scores become real by 2^-12; values keep their scale.
Scalars int8_scalars() {
  return {{"score_multiplier", std::round(256 * std::log2(std::exp(1.0)) * (1 << 18))},
          {"score_shift", 30},
          {"context_multiplier", 1 << 30},
          {"context_shift", 46}};
}

TEST(Attention, OfInt8IsWithinTwoStepsOfItsDefinition) {
  for (AttentionShape shape : kAttentions) {
    shape.number = Number::kInt8;
    for (const double offset : {-1, 0, 3}) {
      Operands o = run(attention(shape), attention_scalars(shape, int8_scalars(), offset));
      expect_attention(o, shape, std::ldexp(1, -12), 1, 2);
    }
  }
}

TEST(Attention, OfInt8OverManyEqualKeysIsTheirMean) {
  const AttentionShape shape{.tokens = 1, .keys = 2000, .head_dim = 2, .number = Number::kInt8};
  Operands o = run(attention(shape), int8_scalars(), [](Operands& operands) {
    randomise(operands.buffer("keys"), 3, 3, 1);
    for (int k = 0; k < 2000; ++k) {
      operands.grid<std::int8_t>("values")(k, 0) = static_cast<std::int8_t>(k % 2 == 0 ? 100 : 51);
      operands.grid<std::int8_t>("values")(k, 1) = -128;
    }
  });
  EXPECT_EQ(o.grid<std::int8_t>("y")(0, 0), 75);  // 75.5 from below
  EXPECT_EQ(o.grid<std::int8_t>("y")(0, 1), -128);
}

/// The int8 softmax of one row of scores, as its description says: weights, their total.
std::int64_t int8_weights(const std::vector<std::int64_t>& scores, std::vector<std::int64_t>& w) {
  const Scalars scalars = int8_scalars();
  const auto multiplier = static_cast<std::int64_t>(scalars.at("score_multiplier"));
  const std::int64_t largest = *std::max_element(scores.begin(), scores.end());
  std::int64_t total = 0;
  for (const std::int64_t score : scores) {
    const std::int64_t steps = std::min<std::int64_t>(
        ((largest - score) * multiplier + (std::int64_t{1} << 29)) >> 30, 4095);
    const double entry = std::round(65280 * std::exp2(-static_cast<double>(steps % 256) / 256));
    w.push_back(static_cast<std::int64_t>(
        std::floor(std::ldexp(entry, -8 - static_cast<int>(steps / 256)) + 0.5)));
    total += w.back();
  }
  return total;
}

TEST(Attention, OfInt8GivesTheBitsOfPlainCpp) {
  const AttentionShape shape{
      .tokens = 3, .keys = 11, .heads = 4, .kv_heads = 2, .head_dim = 5, .number = Number::kInt8};
  expect_bits(attention(shape), int8_scalars(), [&](Operands& o) {
    const auto q = o.grid<std::int8_t>("q");
    const auto keys = o.grid<std::int8_t>("keys");
    const auto values = o.grid<std::int8_t>("values");
    for (int t = 0; t < 3; ++t) {
      for (int h = 0; h < 4; ++h) {
        std::vector<std::int64_t> scores(11);
        for (int k = 0; k < 11; ++k) {
          for (int i = 0; i < 5; ++i) scores[k] += q(t, h * 5 + i) * keys(k, h / 2 * 5 + i);
        }
        std::vector<std::int64_t> weights;
        const std::int64_t total = int8_weights(scores, weights);
        for (int d = 0; d < 5; ++d) {
          std::int64_t sum = 0;
          for (int k = 0; k < 11; ++k) sum += weights[k] * values(k, h / 2 * 5 + d);
          const std::int64_t mean = (sum * ((std::int64_t{1} << 38) / total)) >> 22;
          o.grid<std::int8_t>("y")(t, h * 5 + d) = requantised(mean, 1 << 30, 46);
        }
      }
    }
  });
}

TEST(Attention, RefusesKeyHeadsThatDoNotDivideTheHeads) {
  EXPECT_THROW(attention({.heads = 6, .kv_heads = 4}), UserError);
  EXPECT_THROW(attention({.heads = 2, .kv_heads = 4}), UserError);
  EXPECT_THROW(attention({.keys = 65537, .number = Number::kInt8}), UserError);
}

// The layer.

/// The rows of an array times a weight's rows, in double precision.
std::vector<double> projected(const std::vector<double>& x, std::int64_t inner, Operands& o,
                              const std::string& name, bool bias) {
  Buffer& weight = o.buffer(name + "_weight");
  const std::int64_t columns = weight.shape()[0];
  std::vector<double> y;
  for (std::size_t i = 0; i < x.size() / inner; ++i) {
    for (std::int64_t j = 0; j < columns; ++j) {
      double sum = bias ? o.buffer(name + "_bias").real(j) : 0;
      for (std::int64_t k = 0; k < inner; ++k) {
        sum += x[i * inner + k] * weight.real(j * inner + k);
      }
      y.push_back(sum);
    }
  }
  return y;
}

std::vector<double> reals(const Buffer& buffer) {
  std::vector<double> values;
  for (std::int64_t i = 0; i < buffer.size(); ++i) values.push_back(buffer.real(i));
  return values;
}

void fill_with_reals(Buffer& buffer, const std::vector<double>& values) {
  for (std::int64_t i = 0; i < buffer.size(); ++i) buffer.set(i, values[i]);
}

TEST(AttentionLayer, InFloatIsItsProjectionsAroundAttention) {
  for (const bool cross : {false, true}) {
    AttentionLayerShape shape;
    shape.attention = {.tokens = 4,
                       .keys = cross ? 6 : 4,
                       .heads = 4,
                       .kv_heads = 2,
                       .head_dim = 3,
                       .mask = cross ? Mask::kNone : Mask::kCausal};
    shape.hidden = 10;
    shape.cross = cross;
    shape.bias = cross;
    const AttentionShape& a = shape.attention;
    const Scalars scalars = attention_scalars(a, {{"scale", 0.3}}, 0);
    Operands o = run(attention_layer(shape), scalars);

    const std::vector<double> x = reals(o.buffer("x"));
    const std::vector<double> source = cross ? reals(o.buffer("memory")) : x;
    Operands inside(attention(a), scalars);
    fill_with_reals(inside.buffer("q"), projected(x, 10, o, "query", shape.bias));
    fill_with_reals(inside.buffer("keys"), projected(source, 10, o, "key", shape.bias));
    fill_with_reals(inside.buffer("values"), projected(source, 10, o, "value", shape.bias));
    const ExactAttention exact{inside, a, 0.3};
    std::vector<double> context;
    for (int i = 0; i < 4 * 12; ++i) context.push_back(exact.at(i / 12, i % 12 / 3, i % 3));
    const std::vector<double> y = projected(context, 12, o, "output", shape.bias);
    for (int i = 0; i < 40; ++i) EXPECT_NEAR(o.buffer("y").real(i), y[i], 2e-5);
  }
}

/// A requantised projection in plain C++.
std::vector<std::int64_t> int8_projected(const std::vector<double>& x, std::int64_t inner,
                                         Operands& o, const std::string& name) {
  const std::vector<double> sums = projected(x, inner, o, name, true);
  const auto columns = static_cast<std::size_t>(o.buffer(name + "_bias").size());
  std::vector<std::int64_t> y;
  for (std::size_t i = 0; i < sums.size(); ++i) {
    const auto column = static_cast<int>(i % columns);
    y.push_back(requantised(static_cast<std::int64_t>(sums[i]),
                            o.grid<std::int32_t>(name + "_multiplier")(column),
                            o.grid<std::uint8_t>(name + "_shift")(column)));
  }
  return y;
}

std::vector<double> widened(const std::vector<std::int64_t>& values) {
  return {values.begin(), values.end()};
}

TEST(AttentionLayer, OfInt8RequantisesAfterEachProjection) {
  AttentionLayerShape shape;
  shape.attention = {
      .tokens = 3, .keys = 3, .heads = 2, .kv_heads = 1, .head_dim = 4, .number = Number::kInt8};
  shape.hidden = 6;
  shape.bias = true;
  Operands o = run(attention_layer(shape), int8_scalars(), [](Operands& operands) {
    for (const char* name : {"query", "key", "value", "output"}) set_scaling(operands, name, 15);
  });
  const std::vector<double> x = reals(o.buffer("x"));
  const KernelPtr inner = attention(shape.attention);
  Operands inside = run(inner, int8_scalars(), [&](Operands& operands) {
    fill_with_reals(operands.buffer("q"), widened(int8_projected(x, 6, o, "query")));
    fill_with_reals(operands.buffer("keys"), widened(int8_projected(x, 6, o, "key")));
    fill_with_reals(operands.buffer("values"), widened(int8_projected(x, 6, o, "value")));
  });
  const std::vector<std::int64_t> y = int8_projected(reals(inside.buffer("y")), 8, o, "output");
  EXPECT_NE(*std::max_element(y.begin(), y.end()), 0);
  for (int i = 0; i < 18; ++i) EXPECT_EQ(o.buffer("y").as<std::int8_t>()[i], y[i]);
}

}  // namespace
}  // namespace heddle::kernel
