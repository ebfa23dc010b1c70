// Every set of integer kernels against the definition of each operator, on random and extreme
// inputs: all must give the same bits.
#include "engine/integer/kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "../arith/vectors/random_inputs.h"
#include "base/error.h"
#include "engine/arith/operators.h"
#include "engine/integer/integer_attention.h"
#include "engine/integer/integer_matrix.h"

namespace heddle {
namespace {

using arith::kLimit;
using arith::Numbers;

/// Elements that a test of random inputs compares at least.
constexpr std::size_t kEnough = 100'000;

/// What stands behind every result and must still stand there afterwards.
constexpr std::size_t kGuard = 64;
constexpr std::int32_t kUntouched = 0x5A5A5A5A;

/// A result to be written, with its guard.
struct Room {
  explicit Room(std::int64_t count)
      : numbers(static_cast<std::size_t>(count) + kGuard, kUntouched) {}

  [[nodiscard]] std::int32_t* data() { return numbers.data(); }
  [[nodiscard]] arith::Result at(int fraction) {
    return {std::span(numbers).first(numbers.size() - kGuard), fraction};
  }

  Numbers numbers;
};

class IntegerKernelsTest : public testing::TestWithParam<const IntegerKernels*> {
 protected:
  ~IntegerKernelsTest() override { std::printf("  %s: %zu elements\n", kernels.name, compared); }

  /// `what` describes the inputs.
  void expect_equal(const Room& found, const Room& wanted, const std::string& what) {
    const Numbers& a = found.numbers;
    const Numbers& b = wanted.numbers;
    compared += b.size() - kGuard;
    const auto [x, y] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
    if (x == a.end()) return;
    FAIL() << what << ": element " << x - a.begin() << " of " << b.size() - kGuard << " is " << *x
           << ", not " << *y;
  }

  /// Widths around those of vectors, and any other.
  std::int64_t width() {
    constexpr std::array kSpecial = {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65};
    return random.between(0, 1) == 0
               ? kSpecial[static_cast<std::size_t>(random.between(0, kSpecial.size() - 1))]
               : random.between(1, 300);
  }

  void check_product(std::int64_t rows, std::int64_t depth, std::int64_t outputs);
  void check_product(const Numbers& x, int f_x, const arith::Codes& weight, const Numbers& bias,
                     int f_y);
  void check_attention(const Attention& op, std::int64_t batches, std::int64_t queries,
                       std::int64_t keys);
  void check_attention(const Attention& op, const std::array<Numbers, 3>& qkv, int f_q, int f_k,
                       int f_v, int f_y, std::int64_t batches);

  const IntegerKernels& kernels = *GetParam();
  arith::RandomInputs random;
  std::array<ThreadPool, 3> pools{ThreadPool{1}, ThreadPool{2}, ThreadPool{4}};

  std::size_t compared = 0;
};

INSTANTIATE_TEST_SUITE_P(Sets, IntegerKernelsTest, testing::ValuesIn(supported_integer_kernels()),
                         [](const auto& test) { return test.param->name; });

// ---- rows and elements ----

TEST_P(IntegerKernelsTest, Quantise) {
  for (int n = 0; n < 50000; ++n) {
    const std::int64_t count = width();
    const std::int64_t padded = (count + 3) / 4 * 4;
    const Numbers x = random.fixed(1, count);
    std::vector<std::int8_t> codes(x.size());
    const arith::Scale scale = arith::quantise(x, codes);
    Room wanted(padded + 2);
    for (std::size_t i = 0; i < static_cast<std::size_t>(padded); ++i) {
      wanted.numbers[i] = 128 + (i < codes.size() ? codes[i] : 0);
    }
    wanted.numbers[static_cast<std::size_t>(padded)] = scale.mantissa;
    wanted.numbers[static_cast<std::size_t>(padded) + 1] = scale.exponent;

    std::vector<std::uint8_t> found_codes(static_cast<std::size_t>(padded));
    Room found(padded + 2);
    kernels.quantise(x.data(), count, padded, found_codes.data(), found.data() + padded,
                     found.data() + padded + 1);
    std::copy(found_codes.begin(), found_codes.end(), found.data());
    expect_equal(found, wanted, fmt::format("row {} of {}", n, count));
  }
  EXPECT_GE(compared, kEnough);
}

TEST_P(IntegerKernelsTest, Norms) {
  for (int n = 0; n < 5000; ++n) {
    const bool centred = n % 2 == 0;
    const std::int64_t count = n < 4 ? 65536 : width();
    const int f_x = random.fraction();
    const int f_y = random.fraction();
    const double epsilon =
        std::array{1e-6, 1e-5, 0.0, 0.1, 1e9}[static_cast<std::size_t>(random.between(0, 4))];
    const Numbers x = random.fixed(1, count);
    const Numbers offset = centred ? random.fixed(1, count) : Numbers();
    // Results of all sizes; half of the rows hold some far beyond the limit.
    const int most = std::min(127, (n % 4 < 2 ? 8 : 40) - f_y);
    std::vector<arith::Factor> factors;
    Numbers mantissas;
    Numbers exponents;
    for (const arith::Scale& scale : random.scales(count, -26 - f_y, most)) {
      factors.push_back({scale, random.between(0, 1) == 0});
      mantissas.push_back(factors.back().negative ? -scale.mantissa : scale.mantissa);
      exponents.push_back(scale.mantissa == 0 ? -26 - f_y : scale.exponent);
    }
    const arith::Scale added = arith::nearest_scale(epsilon * static_cast<double>(count));
    const arith::Scale root = arith::nearest_scale(std::sqrt(static_cast<double>(count)));

    Room wanted(count);
    if (centred) {
      arith::layer_norm({x, f_x}, factors, offset, epsilon, wanted.at(f_y));
    } else {
      arith::rms_norm({x, f_x}, factors, epsilon, wanted.at(f_y));
    }
    Room found(count);
    kernels.norm({
        .x = x.data(),
        .width = count,
        .x_fraction = f_x,
        .factors = mantissas.data(),
        .exponents = exponents.data(),
        .greatest_exponent = *std::max_element(exponents.begin(), exponents.end()),
        .offset = centred ? offset.data() : nullptr,
        .epsilon_mantissa = added.mantissa,
        .epsilon_exponent = added.exponent,
        .root_mantissa = root.mantissa,
        .root_exponent = root.exponent,
        .y = found.data(),
        .y_fraction = f_y,
    });
    expect_equal(
        found, wanted,
        fmt::format("row {} of {}, f_x {}, f_y {}, epsilon {}", n, count, f_x, f_y, epsilon));
  }
  EXPECT_GE(compared, kEnough);
}

constexpr std::array kFunctions = {Function::kGeluTanh, Function::kGeluErf, Function::kSilu,
                                   Function::kRelu};

TEST_P(IntegerKernelsTest, Functions) {
  for (int n = 0; n < 8000; ++n) {
    const Function function = kFunctions[static_cast<std::size_t>(n) % kFunctions.size()];
    const std::int64_t count = width();
    const int f_a = random.fraction();
    const int f_b = random.fraction();
    const int f_y = random.fraction();
    const Numbers a = random.fixed(1, count);
    const Numbers b = random.fixed(1, count);
    const std::string what =
        fmt::format("{} {}, f_a {}, f_b {}, f_y {}", name_of(function), n, f_a, f_b, f_y);
    Room wanted(count);
    Room found(count);
    arith::map(function, {a, f_a}, wanted.at(f_y));
    kernels.map(tail_of(function), a.data(), count, f_a, f_y, found.data());
    expect_equal(found, wanted, what);
    arith::gate(function, {a, f_a}, {b, f_b}, wanted.at(f_y));
    kernels.gate(tail_of(function), a.data(), b.data(), count, f_a, f_a + f_b - f_y, found.data());
    expect_equal(found, wanted, "gate " + what);
  }
  EXPECT_GE(compared, kEnough);
}

/// All of [-2^4 - 1, 2^4 + 1] in steps of 2^-12: every entry of every table, and its end.
TEST_P(IntegerKernelsTest, FunctionsOverTheirWholeRange) {
  constexpr int kFraction = 12;
  Numbers x;
  for (std::int32_t i = -(17 << kFraction); i <= 17 << kFraction; ++i) x.push_back(i);
  const auto count = static_cast<std::int64_t>(x.size());
  for (const Function function : kFunctions) {
    Room wanted(count);
    Room found(count);
    arith::map(function, {x, kFraction}, wanted.at(kFraction + 3));
    kernels.map(tail_of(function), x.data(), count, kFraction, kFraction + 3, found.data());
    expect_equal(found, wanted, std::string(name_of(function)));
  }
}

TEST_P(IntegerKernelsTest, AddScaleAndAlign) {
  for (int n = 0; n < 8000; ++n) {
    const std::int64_t count = width();
    const int f_a = random.fraction();
    const int f_b = random.fraction();
    const int f_y = random.fraction();
    const Numbers a = random.fixed(1, count);
    const Numbers b = random.fixed(1, count);
    const std::string what = fmt::format("case {}, f_a {}, f_b {}, f_y {}", n, f_a, f_b, f_y);
    Room wanted(count);
    Room found(count);
    arith::add({a, f_a}, {b, f_b}, wanted.at(f_y));
    kernels.add(a.data(), b.data(), count, f_a - f_y, f_b - f_y, found.data());
    expect_equal(found, wanted, "add " + what);

    arith::align({a, f_a}, wanted.at(f_y));
    kernels.scale(a.data(), count, 1, false, f_a - f_y, found.data());
    expect_equal(found, wanted, "align " + what);

    const double factor = n % 9 == 0 ? 0 : double{random.real()};
    const arith::Scale own = arith::nearest_scale(std::abs(factor));
    arith::scale(factor, {a, f_a}, wanted.at(f_y));
    kernels.scale(a.data(), count, own.mantissa, factor < 0, f_a - f_y - own.exponent,
                  found.data());
    expect_equal(found, wanted, fmt::format("scale by {} {}", factor, what));
  }
  EXPECT_GE(compared, kEnough);
}

TEST_P(IntegerKernelsTest, Rope) {
  for (int n = 0; n < 3000; ++n) {
    const std::int64_t heads = random.between(1, 3);
    const std::int64_t rotary_dim = 2 * random.between(1, 40);
    const std::int64_t head_dim = rotary_dim + (n % 2) * random.between(0, 20);
    const heddle::Rope op{head_dim, rotary_dim, 10000, random.between(0, 4000)};
    const arith::RotaryTable table = arith::rotary_table(op, 1);
    const int f_x = random.fraction();
    const int f_y = random.fraction();
    const Numbers x = random.fixed(1, heads * head_dim);
    Room wanted(heads * head_dim);
    Room found(heads * head_dim);
    arith::rope(op, table, {x, f_x}, wanted.at(f_y));
    kernels.rope(x.data(), table.cosine.data(), table.sine.data(), heads, head_dim, rotary_dim,
                 f_x - f_y, found.data());
    expect_equal(
        found, wanted,
        fmt::format("case {}, {} of {}, f_x {}, f_y {}", n, rotary_dim, head_dim, f_x, f_y));
  }
  EXPECT_GE(compared, kEnough);
}

// ---- products ----

/// With 1, 2 and 4 threads.
void IntegerKernelsTest::check_product(const Numbers& x, int f_x, const arith::Codes& weight,
                                       const Numbers& bias, int f_y) {
  const auto rows = static_cast<std::int64_t>(x.size()) / weight.depth;
  const auto outputs = static_cast<std::int64_t>(weight.scales.size());
  Room wanted(rows * outputs);
  arith::linear({x, f_x}, weight, bias, wanted.at(f_y));
  for (ThreadPool& pool : pools) {
    Slab slab;
    const IntegerMatrix matrix(weight, slab, pool);
    Numbers padded_bias = bias;
    padded_bias.resize(static_cast<std::size_t>(matrix.padded_rows()));
    Room found(rows * outputs);
    std::byte* scratch = slab.allocate(matrix.scratch_size(rows));
    matrix.prepare(x.data(), rows, scratch, kernels, pool);
    matrix.multiply(f_x, rows, bias.empty() ? nullptr : padded_bias.data(), found.data(), f_y,
                    scratch, kernels, pool);
    expect_equal(found, wanted,
                 fmt::format("{} x {} x {}, f_x {}, f_y {}, {} threads", rows, weight.depth,
                             outputs, f_x, f_y, pool.size()));
  }
}

void IntegerKernelsTest::check_product(std::int64_t rows, std::int64_t depth,
                                       std::int64_t outputs) {
  const int f_x = random.fraction();
  const int f_y = random.fraction();
  // Around what makes results of the size of their inputs, or as far from it as shifts below 1.
  const int middle = f_x - f_y - 35;
  const int spread = random.between(0, 1) == 0 ? 12 : 45;
  const std::vector<std::int8_t> codes = random.codes(outputs * depth);
  const std::vector<arith::Scale> scales =
      random.scales(outputs, std::max(-128, middle - spread), std::min(127, middle + spread));
  const Numbers bias = random.between(0, 1) == 0 ? Numbers() : random.fixed(1, outputs);
  check_product(random.fixed(rows, depth), f_x, {codes, scales, depth}, bias, f_y);
}

TEST_P(IntegerKernelsTest, Products) {
  for (int n = 0; n < 250; ++n) check_product(random.between(1, 40), width(), width());
  check_product(100, 4101, 7);  // more than one block of rows; k0 is 1
  check_product(30, 50, 700);   // several groups of panels
  check_product(1, 1, 1);
  EXPECT_GE(compared, kEnough);
}

TEST_P(IntegerKernelsTest, TheLongestProducts) {
  constexpr std::int64_t kDepth = 131072;
  check_product(5, kDepth, 40);
  // The greatest sums that there are, of both signs.
  Numbers x(3 * kDepth, kLimit);
  std::fill(x.begin() + kDepth, x.end(), -kLimit);
  std::vector<std::int8_t> codes(2 * kDepth, 127);
  std::fill(codes.begin() + kDepth, codes.end(), -127);
  const std::vector<arith::Scale> scales = {{65535, -45}, {32768, -40}};
  check_product(x, 16, {codes, scales, kDepth}, {}, 16);
}

// ---- attention ----

/// With 1, 2 and 4 threads.
void IntegerKernelsTest::check_attention(const Attention& op, const std::array<Numbers, 3>& qkv,
                                         int f_q, int f_k, int f_v, int f_y, std::int64_t batches) {
  const auto& [q, k, v] = qkv;
  const auto query_size = static_cast<std::int64_t>(q.size()) / batches;
  const auto key_size = static_cast<std::int64_t>(k.size()) / batches;
  const std::int64_t queries = query_size / (op.heads * op.head_dim);
  const std::int64_t keys = key_size / (op.kv_heads * op.head_dim);
  Room wanted(batches * query_size);
  for (std::int64_t b = 0; b < batches; ++b) {
    const auto part = [b](auto numbers, std::int64_t size) {
      return numbers.subspan(static_cast<std::size_t>(b * size), static_cast<std::size_t>(size));
    };
    const arith::Result y = wanted.at(f_y);
    arith::attention(op, {part(std::span(q), query_size), f_q}, {part(std::span(k), key_size), f_k},
                     {part(std::span(v), key_size), f_v}, {part(y.numbers, query_size), f_y});
  }
  const IntegerAttention attention(op, batches, queries, keys);
  for (ThreadPool& pool : pools) {
    Slab slab;
    Room found(batches * query_size);
    attention.run({q, f_q}, {k, f_k}, {v, f_v}, found.at(f_y),
                  slab.allocate(attention.scratch_size(pool.size())), kernels, pool);
    expect_equal(found, wanted,
                 fmt::format("{} x {} queries, {} keys, {}, f {} {} {} {}, {} threads", batches,
                             queries, keys, parameters_of(op), f_q, f_k, f_v, f_y, pool.size()));
  }
}

void IntegerKernelsTest::check_attention(const Attention& op, std::int64_t batches,
                                         std::int64_t queries, std::int64_t keys) {
  const std::array<Numbers, 3> qkv = {
      random.fixed(batches * queries, op.heads * op.head_dim),
      random.fixed(batches * keys, op.kv_heads * op.head_dim),
      random.fixed(batches * keys, op.kv_heads * op.head_dim),
  };
  check_attention(op, qkv, random.fraction(), random.fraction(), random.fraction(),
                  random.fraction(), batches);
}

TEST_P(IntegerKernelsTest, Attention) {
  const auto check = [&](std::int64_t queries, std::int64_t keys, std::int64_t head_dim) {
    heddle::Attention op;
    op.kv_heads = random.between(1, 3);
    op.heads = op.kv_heads * random.between(1, 3);
    op.head_dim = head_dim;
    op.scale = 1 / std::sqrt(static_cast<double>(head_dim));
    op.visible_prefix = random.between(0, 3) == 0 ? 0 : random.between(0, keys);
    // From before the first key, where some queries see none, to beyond the last.
    if (random.between(0, 1) == 0) op.causal_offset = random.between(-10, keys);
    check_attention(op, random.between(1, 2), queries, keys);
  };
  for (int n = 0; n < 150; ++n) {
    check(random.between(1, 40), random.between(1, 200), random.between(1, 130));
  }
  check(3, 5, 4096);
  check(17, 2048, 5);
  check(17, 2049, 5);
  check(5, 3000, 33);
  EXPECT_GE(compared, kEnough);
}

/// All weights as great as they get, all values at their limit: 2048 keys fill 32 bits, more do not
/// fit.
TEST_P(IntegerKernelsTest, AttentionWithTheGreatestSums) {
  for (const std::int64_t keys : {2048, 2049, 65536}) {
    for (const std::int32_t value : {kLimit, -kLimit}) {
      const heddle::Attention op{1, 1, 3, 1, keys, {}};
      const auto size = static_cast<std::size_t>(keys * 3);
      check_attention(op, {Numbers(3 * 20), Numbers(size), Numbers(size, value)}, 16, 16, 16, 16,
                      1);
    }
  }
}

}  // namespace
}  // namespace heddle
