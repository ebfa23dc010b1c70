// Every instruction set's kernels against plain double-precision loops, on lengths that leave every
// possible remainder.
#include "engine/float/kernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <random>
#include <vector>

#include "tensor/dtype.h"

namespace heddle {
namespace {

std::vector<float> numbers(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, 2);
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

/// A row of results with guards behind it, and what a kernel wrote there as float.
struct Target {
  Target(std::size_t count, bool bf16) : memory(count * (bf16 ? 2 : 4) + 64, std::byte{0x5a}) {
    row = {memory.data(), bf16};
    size = count;
  }
  [[nodiscard]] float operator[](std::size_t i) const {
    if (!row.bf16) return static_cast<const float*>(row.data)[i];
    return bf16_to_f32(static_cast<const std::uint16_t*>(row.data)[i]);
  }
  void expect(const std::vector<double>& wanted, double tolerance, const char* what) const {
    const double step = row.bf16 ? 1.0 / 256 : 0;
    for (std::size_t i = 0; i < size; ++i) {
      ASSERT_NEAR((*this)[i], wanted[i], tolerance + (step + tolerance) * std::abs(wanted[i]))
          << what << " element " << i << " of " << size;
    }
    for (std::size_t i = size * (row.bf16 ? 2 : 4); i < memory.size(); ++i) {
      ASSERT_EQ(memory[i], std::byte{0x5a}) << what << " wrote past its end";
    }
  }
  std::vector<std::byte> memory;
  RowOut row;
  std::size_t size = 0;
};

template <typename Element>
std::vector<double> each(std::size_t count, Element element) {
  std::vector<double> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = element(i);
  return values;
}

class KernelsTest : public testing::TestWithParam<const Kernels*> {
 protected:
  const Kernels& kernel = *GetParam();
};

TEST_P(KernelsTest, RowsOfEveryLength) {
  for (const bool bf16 : {false, true}) {
    for (std::size_t n = 1; n <= 70; ++n) {
      const auto count = static_cast<std::int64_t>(n);
      const auto x = numbers(n, 1), w = numbers(n, 2), b = numbers(n, 3);
      {
        Target out(n, bf16);
        const Function silu = Function::kSilu;
        kernel.finish(x.data(), b.data(), &silu, w.data(), count, out.row);
        out.expect(each(n,
                        [&](std::size_t i) {
                          const double s = double{x[i]} + b[i];
                          return s / (1 + std::exp(-s)) + w[i];
                        }),
                   2e-6, "finish");
      }
      {
        Target out(n, bf16);
        kernel.gate(Function::kRelu, x.data(), w.data(), count, out.row);
        out.expect(each(n, [&](std::size_t i) { return std::max(x[i], 0.F) * double{w[i]}; }), 1e-6,
                   "gate");
      }
      {
        Target out(n, bf16);
        kernel.scale(-3.5F, x.data(), count, out.row);
        out.expect(each(n, [&](std::size_t i) { return -3.5 * x[i]; }), 1e-6, "scale");
      }
      double mean = 0, variance = 0, square = 0;
      for (const float v : x) mean += v / static_cast<double>(n);
      for (const float v : x) variance += (v - mean) * (v - mean) / static_cast<double>(n);
      for (const float v : x) square += double{v} * v / static_cast<double>(n);
      {
        Target out(n, bf16);
        kernel.layer_norm(x.data(), w.data(), b.data(), 1e-6F, count, out.row);
        out.expect(each(n,
                        [&](std::size_t i) {
                          return (x[i] - mean) / std::sqrt(variance + 1e-6) * w[i] + b[i];
                        }),
                   1e-5, "layer_norm");
      }
      {
        Target out(n, bf16);
        kernel.rms_norm(x.data(), w.data(), 1e-5F, count, out.row);
        out.expect(each(n, [&](std::size_t i) { return x[i] / std::sqrt(square + 1e-5) * w[i]; }),
                   5e-6, "rms_norm");
      }
    }
  }
}

TEST_P(KernelsTest, FunctionsOverTheirWholeRange) {
  std::vector<float> x;
  for (float v = -110; v < 110; v += 0.0137F) x.push_back(v);
  const auto n = static_cast<std::int64_t>(x.size());
  const auto check = [&](Function function, auto exact) {
    Target out(x.size(), false);
    kernel.finish(x.data(), nullptr, &function, nullptr, n, out.row);
    double worst = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double wanted = exact(double{x[i]});
      worst = std::max(worst, std::abs(out[i] - wanted) / std::max(1.0, std::abs(wanted)));
    }
    std::printf("  %s %s: error %.1e\n", kernel.name, std::string(name_of(function)).c_str(),
                worst);
    EXPECT_LE(worst, 5e-7);
  };
  check(Function::kSilu, [](double v) { return v / (1 + std::exp(-v)); });
  check(Function::kRelu, [](double v) { return std::max(v, 0.0); });
  check(Function::kGeluErf,
        [](double v) { return v / 2 * (1 + std::erf(v / std::numbers::sqrt2)); });
  check(Function::kGeluTanh, [](double v) {
    return v / 2 * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (v + 0.044715 * v * v * v)));
  });
}

TEST_P(KernelsTest, BFloat16RoundsToNearestEven) {
  std::vector<float> x = numbers(4096, 5);
  x.insert(x.end(), {1.00390625F, 1.01171875F, -1.00390625F, 3.0e38F, 0.0F, -0.0F});
  Target out(x.size(), true);
  kernel.finish(x.data(), nullptr, nullptr, nullptr, static_cast<std::int64_t>(x.size()), out.row);
  for (std::size_t i = 0; i < x.size(); ++i) {
    ASSERT_EQ(static_cast<const std::uint16_t*>(out.row.data)[i], f32_to_bf16(x[i])) << x[i];
  }
}

TEST_P(KernelsTest, RopeTurnsPairs) {
  for (const auto& [dim, rotary] : {std::pair{16, 16}, {80, 32}, {64, 64}, {10, 6}}) {
    const auto n = static_cast<std::size_t>(dim) * 3, half = static_cast<std::size_t>(rotary) / 2;
    const auto x = numbers(n, 4), angle = numbers(half, 6);
    std::vector<float> cosine, sine;
    for (const float a : angle) {
      cosine.push_back(std::cos(a));
      sine.push_back(std::sin(a));
    }
    Target out(n, false);
    kernel.rope(x.data(), cosine.data(), sine.data(), 3, dim, rotary, out.row);
    out.expect(each(n,
                    [&](std::size_t i) -> double {
                      const std::size_t k = i % static_cast<std::size_t>(dim);
                      if (k < half) return x[i] * cosine[k] - x[i + half] * sine[k];
                      if (k >= 2 * half) return x[i];
                      return x[i] * cosine[k - half] + x[i - half] * sine[k - half];
                    }),
               1e-6, "rope");
  }
}

/// One head of attention on elements of the given precision.
void check_attention(const Kernels& kernel, std::int64_t rows, std::int64_t keys, std::int64_t dim,
                     std::int64_t prefix, bool causal, bool bf16, bool biased) {
  const auto q = numbers(static_cast<std::size_t>(rows * dim), 1);
  const auto k = numbers(static_cast<std::size_t>(keys * dim), 2);
  const auto v = numbers(static_cast<std::size_t>(keys * dim), 3);
  const auto bias = numbers(static_cast<std::size_t>(rows * keys), 5);
  const auto narrow = [&](const std::vector<float>& from) {
    Target to(from.size(), bf16);
    kernel.finish(from.data(), nullptr, nullptr, nullptr, static_cast<std::int64_t>(from.size()),
                  to.row);
    return to;
  };
  const Target nq = narrow(q), nk = narrow(k), nv = narrow(v);
  std::vector<float> packed_keys(static_cast<std::size_t>(kernel.packed_keys_size(keys, dim)));
  std::vector<float> packed_values(static_cast<std::size_t>(kernel.packed_values_size(keys, dim)));
  std::vector<float> scratch(static_cast<std::size_t>(kernel.attention_scratch(keys)));
  kernel.pack_keys(nk.memory.data(), dim, keys, dim, bf16, packed_keys.data());
  kernel.pack_values(nv.memory.data(), dim, keys, dim, bf16, packed_values.data());
  Target out(q.size(), false);
  const AttentionBlock block = {nq.memory.data(),
                                dim,
                                packed_keys.data(),
                                packed_values.data(),
                                rows,
                                dim,
                                0.1F,
                                keys,
                                prefix,
                                causal ? keys - rows + 1 : 0,
                                causal ? 1 : 0,
                                biased ? bias.data() : nullptr,
                                keys,
                                out.row,
                                dim,
                                scratch.data()};
  kernel.attend(block, bf16);
  std::vector<double> wanted(q.size());
  for (std::int64_t r = 0; r < rows; ++r) {
    const std::int64_t seen = causal ? std::max(prefix, keys - rows + 1 + r) : prefix;
    std::vector<double> weight;
    double total = 0;
    for (std::int64_t key = 0; key < seen; ++key) {
      double score = 0;
      for (std::int64_t d = 0; d < dim; ++d) {
        score += double{nq[static_cast<std::size_t>(r * dim + d)]} *
                 nk[static_cast<std::size_t>(key * dim + d)];
      }
      const double own = biased ? bias[static_cast<std::size_t>(r * keys + key)] : 0;
      weight.push_back(std::exp(0.1 * score + own));
      total += weight.back();
    }
    for (std::int64_t d = 0; d < dim; ++d) {
      for (std::int64_t key = 0; key < seen; ++key) {
        wanted[static_cast<std::size_t>(r * dim + d)] +=
            weight[static_cast<std::size_t>(key)] / total *
            nv[static_cast<std::size_t>(key * dim + d)];
      }
    }
  }
  out.expect(wanted, bf16 ? 2e-2 : 1e-5, "attention");
}

TEST_P(KernelsTest, Attention) {
  for (const bool bf16 : {false, true}) {
    if (bf16 && !kernel.has_bf16) continue;
    for (const std::int64_t dim : {2, 16, 64, 72}) {
      for (const std::int64_t keys : {1, 2, 15, 16, 63, 64, 65, 113}) {
        for (const std::int64_t rows : {1, 5, 6, 7, 48}) {
          for (const bool biased : {false, true}) {
            check_attention(kernel, rows, keys, dim, keys, false, bf16, biased);
            if (rows <= keys) check_attention(kernel, rows, keys, dim, 1, true, bf16, biased);
          }
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(AllSets, KernelsTest, testing::ValuesIn(supported_kernels()),
                         [](const auto& set) { return std::string(set.param->name); });

}  // namespace
}  // namespace heddle
