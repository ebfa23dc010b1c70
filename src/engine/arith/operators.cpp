#include "engine/arith/operators.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numbers>

namespace heddle::arith {
namespace {

std::uint64_t magnitude(std::span<const std::int32_t> x) {
  std::int32_t greatest = 0;
  for (const std::int32_t e : x) greatest = std::max(greatest, std::abs(e));
  return static_cast<std::uint64_t>(greatest);
}

std::int64_t row_count(std::span<const std::int32_t> x, std::size_t width) {
  return static_cast<std::int64_t>(x.size() / width);
}

/// F(x, fraction of the result).
std::int32_t apply(Function function, std::int32_t x, int from, int to) {
  if (function == Function::kRelu) return round_saturate(std::max(x, 0), from - to);
  const TailTable& table = tail_table(function);
  const int step = 7 + table.log_range;
  const Int128 z = round_shift(std::abs(x), from - 16);
  Int128 tail = 0;
  if (z < Int128{1} << (16 + table.log_range)) {
    const auto i = static_cast<std::size_t>(z >> step);
    const Int128 rest = z - (static_cast<Int128>(i) << step);
    const std::int32_t slope = table.entries[i + 1] - table.entries[i];
    tail = table.entries[i] + round_shift(slope * rest, step);
  }
  const Int128 share = x < 0 ? tail : (1 << 16) - tail;
  return round_saturate(x * share, 16 + from - to);
}

/// Both norms: `offset` is empty for one that does not centre its rows.
void norm(const Operand& x, std::span<const Factor> factors, std::span<const std::int32_t> offset,
          double epsilon, const Result& y) {
  const std::size_t width = factors.size();
  const Scale added = nearest_scale(epsilon * static_cast<double>(width));
  const Scale root = nearest_scale(std::sqrt(static_cast<double>(width)));
  std::vector<std::int32_t> c(width);
  for (std::int64_t t = 0; t < row_count(x.numbers, width); ++t) {
    const auto from = x.numbers.subspan(static_cast<std::size_t>(t) * width, width);
    const auto to = y.numbers.subspan(static_cast<std::size_t>(t) * width, width);
    std::int64_t mean = 0;
    if (!offset.empty()) {
      for (const std::int32_t e : from) mean += e;
      mean = round_divide(mean, static_cast<Int128>(width));
    }
    for (std::size_t j = 0; j < width; ++j) c[j] = static_cast<std::int32_t>(from[j] - mean);
    const int shift = normal(magnitude(c), 0).exponent;

    Int128 squares = 0;
    for (std::int32_t& d : c) {
      d = static_cast<std::int32_t>(round_shift(d, shift));
      squares += Int128{d} * d;
    }
    const int up = added.exponent + 2 * (x.fraction - shift);
    constexpr Int128 kMost = Int128{1} << 62;
    // Shifted by more than 62 bits, what is not 0 is beyond kMost.
    const auto v = static_cast<std::uint64_t>(
        std::min(kMost, squares + round_shift(added.mantissa, -std::min(up, 62))));

    Scale inverse;
    if (v != 0) {
      int p = bits(v) - 32;
      p += p & 1;
      const std::uint64_t g = square_root((p >= 0 ? v >> p : v << -p) << 30);
      inverse =
          normal((static_cast<std::uint64_t>(root.mantissa) << 45) / g, root.exponent - 30 - p / 2);
    }
    for (std::size_t j = 0; j < width; ++j) {
      const Scale& factor = factors[j].scale;
      const std::int64_t m = (std::int64_t{inverse.mantissa} * factor.mantissa) >> 15;
      const int s = -(inverse.exponent + factor.exponent + y.fraction) - 15;
      const std::int32_t scaled = round_saturate(Int128{c[j]} * m, s);
      to[j] = saturate(Int128{factors[j].negative ? -scaled : scaled} +
                       (offset.empty() ? 0 : offset[j]));
    }
  }
}

/// Rows of codes cut from the heads of a Fixed value.
struct Rows {
  std::vector<std::int8_t> codes;  ///< [rows,heads,head_dim]
  std::vector<Scale> scales;       ///< [rows,heads]
};
Rows quantise_heads(std::span<const std::int32_t> x, std::size_t head_dim) {
  Rows rows{std::vector<std::int8_t>(x.size()), std::vector<Scale>(x.size() / head_dim)};
  for (std::size_t r = 0; r < rows.scales.size(); ++r) {
    rows.scales[r] = quantise(x.subspan(r * head_dim, head_dim),
                              std::span(rows.codes).subspan(r * head_dim, head_dim));
  }
  return rows;
}

std::int32_t dot(const std::int8_t* a, const std::int8_t* b, std::size_t count) {
  std::int32_t sum = 0;
  for (std::size_t k = 0; k < count; ++k) sum += a[k] * b[k];
  return sum;
}

/// 2^15 2^-delta 2^octaves for delta in steps of 2^-12.
std::int32_t exponential(std::int32_t delta, int octaves) {
  const ExponentialTable& table = exponential_table();
  const int n = (delta >> 12) - octaves;
  if (n >= 16) return 0;
  const auto a = static_cast<std::size_t>((delta >> 6) & 63);
  const std::int32_t between = (table[a] - table[a + 1]) * (delta & 63);
  return static_cast<std::int32_t>(round_shift(table[a] - round_shift(between, 6), n));
}

/// Keys that share an exponent.
constexpr std::size_t kBlock = 64;

}  // namespace

Scale quantise(std::span<const std::int32_t> x, std::span<std::int8_t> codes) {
  const Scale scale = normal(magnitude(x), 0);
  const std::int64_t r = scale.mantissa == 0 ? 0 : (std::int64_t{127} << 25) / scale.mantissa;
  for (std::size_t j = 0; j < x.size(); ++j) {
    const Int128 reduced = round_shift(x[j], scale.exponent + 2);
    codes[j] = static_cast<std::int8_t>(round_shift(reduced * r, 23));
  }
  return scale;
}

void align(const Operand& x, const Result& y) {
  for (std::size_t i = 0; i < x.numbers.size(); ++i) {
    y.numbers[i] = round_saturate(x.numbers[i], x.fraction - y.fraction);
  }
}

void linear(const Operand& x, const Codes& weight, std::span<const std::int32_t> bias,
            const Result& y) {
  const auto depth = static_cast<std::size_t>(weight.depth);
  const std::size_t outputs = weight.scales.size();
  const int reduce = std::max(0, bits(127ULL * 127 * depth) - 26);
  std::vector<std::int8_t> codes(depth);
  for (std::int64_t t = 0; t < row_count(x.numbers, depth); ++t) {
    const auto row = static_cast<std::size_t>(t);
    const Scale in = quantise(x.numbers.subspan(row * depth, depth), codes);
    for (std::size_t n = 0; n < outputs; ++n) {
      const Scale& u = weight.scales[n];
      const Int128 sum = dot(codes.data(), &weight.codes[n * depth], depth);
      const std::int64_t m = (std::int64_t{in.mantissa} * u.mantissa) >> 15;
      const int s = x.fraction - y.fraction - in.exponent - u.exponent - reduce - 15;
      const std::int32_t product = round_saturate(round_shift(sum, reduce) * m, s);
      y.numbers[row * outputs + n] = saturate(Int128{product} + (bias.empty() ? 0 : bias[n]));
    }
  }
}

void layer_norm(const Operand& x, std::span<const Factor> factors,
                std::span<const std::int32_t> offset, double epsilon, const Result& y) {
  norm(x, factors, offset, epsilon, y);
}

void rms_norm(const Operand& x, std::span<const Factor> factors, double epsilon, const Result& y) {
  norm(x, factors, {}, epsilon, y);
}

void map(Function function, const Operand& x, const Result& y) {
  for (std::size_t i = 0; i < x.numbers.size(); ++i) {
    y.numbers[i] = apply(function, x.numbers[i], x.fraction, y.fraction);
  }
}

void gate(Function function, const Operand& a, const Operand& b, const Result& y) {
  for (std::size_t i = 0; i < a.numbers.size(); ++i) {
    const Int128 open = apply(function, a.numbers[i], a.fraction, a.fraction);
    y.numbers[i] = round_saturate(open * b.numbers[i], a.fraction + b.fraction - y.fraction);
  }
}

void add(const Operand& a, const Operand& b, const Result& y) {
  for (std::size_t i = 0; i < a.numbers.size(); ++i) {
    const std::int32_t second = b.numbers[i % b.numbers.size()];
    y.numbers[i] = saturate(round_shift(a.numbers[i], a.fraction - y.fraction) +
                            round_shift(second, b.fraction - y.fraction));
  }
}

void scale(double factor, const Operand& x, const Result& y) {
  const Scale f = nearest_scale(std::abs(factor));
  for (std::size_t i = 0; i < x.numbers.size(); ++i) {
    const std::int32_t scaled =
        round_saturate(Int128{x.numbers[i]} * f.mantissa, x.fraction - y.fraction - f.exponent);
    y.numbers[i] = factor < 0 ? -scaled : scaled;
  }
}

void rope(const Rope& rope, const RotaryTable& table, const Operand& x, const Result& y) {
  const auto head_dim = static_cast<std::size_t>(rope.head_dim);
  const auto pairs = static_cast<std::size_t>(rope.rotary_dim / 2);
  const std::size_t width = x.numbers.size() / (table.cosine.size() / pairs);
  const int shift = x.fraction - y.fraction;
  for (std::size_t first = 0; first < x.numbers.size(); first += head_dim) {
    const std::size_t row = first / width;
    const auto from = x.numbers.subspan(first, head_dim);
    const auto to = y.numbers.subspan(first, head_dim);
    for (std::size_t i = 0; i < pairs; ++i) {
      const Int128 low = from[i];
      const Int128 high = from[i + pairs];
      const std::int32_t c = table.cosine[row * pairs + i];
      const std::int32_t s = table.sine[row * pairs + i];
      to[i] = round_saturate(low * c - high * s, 15 + shift);
      to[i + pairs] = round_saturate(high * c + low * s, 15 + shift);
    }
    for (std::size_t i = 2 * pairs; i < head_dim; ++i) to[i] = round_saturate(from[i], shift);
  }
}

void attention(const Attention& attention, const Operand& q, const Operand& k, const Operand& v,
               const Result& y) {
  const auto head_dim = static_cast<std::size_t>(attention.head_dim);
  const auto heads = static_cast<std::size_t>(attention.heads);
  const auto kv_heads = static_cast<std::size_t>(attention.kv_heads);
  const std::size_t queries = q.numbers.size() / (heads * head_dim);
  const std::size_t keys = k.numbers.size() / (kv_heads * head_dim);
  const Rows q_rows = quantise_heads(q.numbers, head_dim);
  const Rows k_rows = quantise_heads(k.numbers, head_dim);
  const Rows v_rows = quantise_heads(v.numbers, head_dim);
  const Scale c = nearest_scale(attention.scale * std::numbers::log2e / (127.0 * 127.0));
  const int reduce = std::max(0, bits(127ULL * 127 * head_dim) - 18);
  std::vector<std::int32_t> t(keys);
  std::vector<std::int64_t> sums(head_dim);
  std::vector<std::int32_t> block_sums(head_dim);

  for (std::size_t i = 0; i < queries; ++i) {
    const auto seen = static_cast<std::size_t>(std::clamp<std::int64_t>(
        attention.visible(static_cast<std::int64_t>(i)), 0, static_cast<std::int64_t>(keys)));
    for (std::size_t h = 0; h < heads; ++h) {
      const std::size_t kv = h / (heads / kv_heads);
      const std::size_t query = i * heads + h;
      const auto out = y.numbers.subspan(query * head_dim, head_dim);
      const Scale of_q = q_rows.scales[query];
      const Scale scaled =
          normal(static_cast<std::uint64_t>(of_q.mantissa) * static_cast<std::uint64_t>(c.mantissa),
                 of_q.exponent + c.exponent);
      std::int32_t top = INT32_MIN;
      int greatest = INT32_MIN;  // nu
      for (std::size_t j = 0; j < seen; ++j) {
        const std::size_t key = j * kv_heads + kv;
        const Scale& of_k = k_rows.scales[key];
        const Int128 score = round_shift(
            dot(&q_rows.codes[query * head_dim], &k_rows.codes[key * head_dim], head_dim), reduce);
        const std::int64_t m = (std::int64_t{scaled.mantissa} * of_k.mantissa) >> 20;
        const int s = q.fraction + k.fraction - 12 - scaled.exponent - of_k.exponent - reduce - 20;
        t[j] = static_cast<std::int32_t>(round_shift(score * m, std::clamp(s, 1, 31)));
        top = std::max(top, t[j]);
        const Scale& of_v = v_rows.scales[key];
        if (of_v.mantissa != 0) greatest = std::max(greatest, of_v.exponent);
      }
      if (greatest == INT32_MIN) {
        std::fill(out.begin(), out.end(), 0);
        continue;
      }
      std::uint64_t total = 0;
      std::fill(sums.begin(), sums.end(), 0);
      for (std::size_t first = 0; first < seen; first += kBlock) {
        const std::size_t last = std::min(seen, first + kBlock);
        std::int32_t most = INT32_MIN;
        for (std::size_t j = first; j < last; ++j) most = std::max(most, t[j]);
        const int octaves = (top - most) >> 12;
        std::int64_t block_total = 0;
        std::fill(block_sums.begin(), block_sums.end(), 0);
        for (std::size_t j = first; j < last; ++j) {
          const std::size_t key = j * kv_heads + kv;
          const Scale& of_v = v_rows.scales[key];
          const std::int64_t e = exponential(top - t[j], octaves);
          const std::int64_t share =
              of_v.mantissa == 0 ? 0 : of_v.mantissa >> std::min(31, greatest - of_v.exponent);
          const auto w =
              static_cast<std::int32_t>(round_shift(Int128{(e * share) >> 16} * 255, 15));
          block_total += e;
          for (std::size_t d = 0; d < head_dim; ++d) {
            block_sums[d] += w * v_rows.codes[key * head_dim + d];
          }
        }
        total += static_cast<std::uint64_t>(round_shift(block_total << 5, octaves));
        for (std::size_t d = 0; d < head_dim; ++d) {
          sums[d] += static_cast<std::int64_t>(round_shift(Int128{block_sums[d]} * 32, octaves));
        }
      }
      const Scale whole = normal(127ULL * 255 * total, 0);
      const Scale inverse =
          normal((std::uint64_t{1} << 46) / static_cast<std::uint64_t>(whole.mantissa),
                 -46 - whole.exponent);
      for (std::size_t d = 0; d < head_dim; ++d) {
        out[d] = round_saturate(Int128{sums[d]} * inverse.mantissa,
                                v.fraction - y.fraction - inverse.exponent - greatest - 31);
      }
    }
  }
}

void embedding(const Codes& table, std::span<const std::int32_t> ids, const Result& y) {
  const auto width = static_cast<std::size_t>(table.depth);
  for (std::size_t t = 0; t < ids.size(); ++t) {
    const auto row = static_cast<std::size_t>(ids[t]);
    const Scale& u = table.scales[row];
    for (std::size_t j = 0; j < width; ++j) {
      y.numbers[t * width + j] = round_saturate(Int128{table.codes[row * width + j]} * u.mantissa,
                                                -(u.exponent + y.fraction));
    }
  }
}

Route route(const Operand& logits) {
  std::vector<Int128> t;
  t.reserve(logits.numbers.size());
  for (const std::int32_t x : logits.numbers) {
    t.push_back(round_shift(Int128{x} * 47274, logits.fraction + 3));
  }
  const auto top = std::max_element(t.begin(), t.end());
  constexpr Int128 kMost = 1 << 30;
  std::int64_t total = 0;
  for (const Int128 e : t) {
    total += exponential(static_cast<std::int32_t>(std::min(*top - e, kMost)), 0);
  }
  return {static_cast<std::int32_t>(top - t.begin()),
          static_cast<std::int32_t>(round_divide(1 << 30, total))};
}

void weigh(std::int32_t weight, const Operand& x, const Result& y) {
  for (std::size_t i = 0; i < x.numbers.size(); ++i) {
    y.numbers[i] = round_saturate(Int128{x.numbers[i]} * weight, 15 + x.fraction - y.fraction);
  }
}

void from_reals(std::span<const float> reals, const Result& y) {
  // Exact: a float has 24 bits, and what the scaling takes beyond a double's range is saturated.
  const double scale = std::ldexp(1.0, y.fraction);
  for (std::size_t i = 0; i < reals.size(); ++i) {
    // In this range a cast cuts off what floor() would, but for negative numbers.
    const double scaled =
        std::clamp(static_cast<double>(reals[i]) * scale + 0.5, -double{kLimit}, double{kLimit});
    const auto cut = static_cast<std::int32_t>(scaled);
    y.numbers[i] = cut - static_cast<std::int32_t>(static_cast<double>(cut) > scaled);
  }
}

float to_real(std::int32_t x, int fraction) {
  return static_cast<float>(std::ldexp(static_cast<double>(x), -fraction));
}

}  // namespace heddle::arith
