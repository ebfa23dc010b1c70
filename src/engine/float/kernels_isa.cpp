// The kernels, compiled once per instruction set into the namespace HEDDLE_ISA (see
// CMakeLists.txt).
//
// Written on the compiler's vector type, whose width follows the target. Only plain functions are
// used: an inline function of the standard library compiled here for a newer processor could be the
// copy that the linker keeps for the whole program.
#include "engine/float/kernels.h"

#if defined(__AVX512BF16__)
#include <immintrin.h>
#endif

namespace heddle::HEDDLE_ISA {
namespace {

#if defined(__AVX512F__)
constexpr int kLanes = 16;
constexpr int kPanelVectors = 4;
#elif defined(__AVX__)
constexpr int kLanes = 8;
constexpr int kPanelVectors = 2;
#else
constexpr int kLanes = 4;
constexpr int kPanelVectors = 2;
#endif
constexpr int kPanel = kLanes * kPanelVectors;
// Rows of a register tile: kTileRows * kPanelVectors accumulators leave registers for operands.
constexpr int kTileRows = 6;

using Index = std::int64_t;
typedef float Vec __attribute__((vector_size(4 * kLanes)));
typedef std::int32_t IntVec __attribute__((vector_size(4 * kLanes)));
// Rows and panels hold float32 or pairs of bfloat16; both are moved as units of 32 bits.
typedef std::uint32_t Unit __attribute__((may_alias));
typedef std::uint16_t HalfVec __attribute__((vector_size(2 * kLanes)));

Vec splat(float value) {
  return Vec{} + value;
}

Vec load(const float* from) {
  Vec value;
  __builtin_memcpy(&value, from, sizeof value);
  return value;
}

Vec load(const float* from, Index count) {
  if (count >= kLanes) return load(from);
  Vec value{};
  __builtin_memcpy(&value, from, static_cast<std::size_t>(count) * sizeof(float));
  return value;
}

Vec select(IntVec condition, Vec yes, Vec no) {
  return condition ? yes : no;
}
Vec maximum(Vec a, Vec b) {
  return select(a > b, a, b);
}
Vec minimum(Vec a, Vec b) {
  return select(a < b, a, b);
}

float sum(Vec value) {
  float total = 0;
  for (int lane = 0; lane < kLanes; ++lane) total += value[lane];
  return total;
}

float largest(Vec value) {
  float result = value[0];
  for (int lane = 1; lane < kLanes; ++lane) result = value[lane] > result ? value[lane] : result;
  return result;
}

/// Rounds to bfloat16, ties to even; NaN gives NaN.
HalfVec to_bf16(Vec value) {
#if defined(__AVX512BF16__)
  const __m256bh half = _mm512_cvtneps_pbh(value);
  HalfVec result;
  __builtin_memcpy(&result, &half, sizeof result);
  return result;
#else
  IntVec bits;
  __builtin_memcpy(&bits, &value, sizeof bits);
  const IntVec rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  const IntVec quiet_nan = (bits >> 16) | 0x40;
  return __builtin_convertvector((bits & 0x7fffffff) > 0x7f800000 ? quiet_nan : rounded, HalfVec);
#endif
}

/// Stores the first `count` lanes as elements from `index` on.
void store(RowOut out, Index index, Vec value, Index count = kLanes) {
  const auto lanes = static_cast<std::size_t>(count < kLanes ? count : kLanes);
  if (out.bf16) {
    const HalfVec half = to_bf16(value);
    auto* to = static_cast<std::uint16_t*>(out.data) + index;
    if (lanes == kLanes) {
      __builtin_memcpy(to, &half, sizeof half);
    } else {
      __builtin_memcpy(to, &half, lanes * sizeof(std::uint16_t));
    }
    return;
  }
  auto* to = static_cast<float*>(out.data) + index;
  if (lanes == kLanes) {
    __builtin_memcpy(to, &value, sizeof value);
  } else {
    __builtin_memcpy(to, &value, lanes * sizeof(float));
  }
}

/// exp(x): argument reduction by ln 2 in two parts, then a Taylor polynomial of degree 7 on
/// [-ln2/2, ln2/2] whose remainder is below 2^-27. Underflows to about 1e-38 instead of 0.
Vec exponential(Vec x) {
  x = minimum(maximum(x, splat(-87.3F)), splat(88.3F));
  const Vec round_bias = splat(12582912.0F);  // 1.5 * 2^23: adding it rounds to an integer.
  const Vec n = (x * 1.44269504F + round_bias) - round_bias;
  const Vec r = (x - n * 0.693359375F) - n * -2.12194440e-4F;
  Vec p = splat(1.0F / 5040);
  p = p * r + 1.0F / 720;
  p = p * r + 1.0F / 120;
  p = p * r + 1.0F / 24;
  p = p * r + 1.0F / 6;
  p = p * r + 0.5F;
  p = p * r + 1.0F;
  p = p * r + 1.0F;
  const IntVec power = (__builtin_convertvector(n, IntVec) + 127) << 23;
  Vec two_to_n;
  __builtin_memcpy(&two_to_n, &power, sizeof two_to_n);
  return p * two_to_n;
}

Vec logistic(Vec x) {
  return 1.0F / (1.0F + exponential(-x));
}

Vec apply(Function function, Vec x) {
  switch (function) {
    // 0.5(1 + tanh(u)) is logistic(2u).
    case Function::kGeluTanh:
      return x * logistic(1.59576912F * (x + 0.044715F * x * x * x));
    case Function::kGeluErf: {
      Vec y;
      for (int lane = 0; lane < kLanes; ++lane) {
        y[lane] = 0.5F * x[lane] * (1.0F + __builtin_erff(x[lane] * 0.70710678F));
      }
      return y;
    }
    case Function::kSilu:
      return x * logistic(x);
    case Function::kRelu:
      return maximum(x, Vec{});
  }
  __builtin_unreachable();
}

void finish(const float* x, const float* bias, const Function* function, const float* addend,
            Index n, RowOut out) {
  for (Index i = 0; i < n; i += kLanes) {
    Vec value = load(x + i, n - i);
    if (bias != nullptr) value += load(bias + i, n - i);
    if (function != nullptr) value = apply(*function, value);
    if (addend != nullptr) value += load(addend + i, n - i);
    store(out, i, value, n - i);
  }
}

void gate(Function function, const float* a, const float* b, Index n, RowOut out) {
  for (Index i = 0; i < n; i += kLanes) {
    store(out, i, apply(function, load(a + i, n - i)) * load(b + i, n - i), n - i);
  }
}

void scale(float factor, const float* x, Index n, RowOut out) {
  for (Index i = 0; i < n; i += kLanes) store(out, i, factor * load(x + i, n - i), n - i);
}

void layer_norm(const float* x, const float* weight, const float* bias, float epsilon, Index n,
                RowOut out) {
  Vec total{};
  for (Index i = 0; i < n; i += kLanes) total += load(x + i, n - i);
  const float mean = sum(total) / static_cast<float>(n);
  // A second pass over the deviations: the one-pass formula cancels when the mean is large.
  Vec squares{};
  for (Index i = 0; i < n; i += kLanes) {
    Vec deviation = load(x + i, n - i) - mean;
    for (Index lane = n - i; lane < kLanes; ++lane) deviation[lane] = 0;
    squares += deviation * deviation;
  }
  const float factor = 1.0F / __builtin_sqrtf(sum(squares) / static_cast<float>(n) + epsilon);
  for (Index i = 0; i < n; i += kLanes) {
    const Vec normal = (load(x + i, n - i) - mean) * factor;
    store(out, i, normal * load(weight + i, n - i) + load(bias + i, n - i), n - i);
  }
}

void rms_norm(const float* x, const float* weight, float epsilon, Index n, RowOut out) {
  Vec squares{};
  for (Index i = 0; i < n; i += kLanes) {
    const Vec value = load(x + i, n - i);
    squares += value * value;
  }
  const float factor = 1.0F / __builtin_sqrtf(sum(squares) / static_cast<float>(n) + epsilon);
  for (Index i = 0; i < n; i += kLanes) {
    store(out, i, load(x + i, n - i) * factor * load(weight + i, n - i), n - i);
  }
}

void rope(const float* x, const float* cosine, const float* sine, Index heads, Index head_dim,
          Index rotary_dim, RowOut out) {
  const Index half = rotary_dim / 2;
  for (Index head = 0; head < heads; ++head) {
    const Index base = head * head_dim;
    for (Index i = 0; i < half; i += kLanes) {
      const Index count = half - i;
      const Vec low = load(x + base + i, count);
      const Vec high = load(x + base + half + i, count);
      const Vec c = load(cosine + i, count);
      const Vec s = load(sine + i, count);
      store(out, base + i, low * c - high * s, count);
      store(out, base + half + i, high * c + low * s, count);
    }
    for (Index i = rotary_dim; i < head_dim; i += kLanes) {
      store(out, base + i, load(x + base + i, head_dim - i), head_dim - i);
    }
  }
}

// ---- attention ----
//
// Both products of an attention have the form tile = rows x depth times a packed panel depth x
// kPanel. A depth step is one element in float32 and a pair in bfloat16, where a panel holds pairs
// side by side as the dot-product instruction wants them. Either way a step is a 32-bit unit of
// each row against kPanel 32-bit units of the panel, so packing moves 32-bit units in both.

/// tile[rows][kPanel] = rows of a (stride in 32-bit units) times panel[steps][kPanel].
template <int kRows, bool kBF16>
void multiply_panel(const Unit* a, Index stride, const Unit* panel, Index steps, float* tile,
                    Index tile_stride) {
  Vec sums[kRows][kPanelVectors] = {};
  for (Index k = 0; k < steps; ++k) {
    Vec columns[kPanelVectors];
    for (int v = 0; v < kPanelVectors; ++v) {
      __builtin_memcpy(&columns[v], panel + k * kPanel + Index{v} * kLanes, sizeof(Vec));
    }
    for (int r = 0; r < kRows; ++r) {
#if defined(__AVX512BF16__)
      if constexpr (kBF16) {
        const __m512i pair = _mm512_set1_epi32(static_cast<int>(a[r * stride + k]));
        for (int v = 0; v < kPanelVectors; ++v) {
          sums[r][v] = _mm512_dpbf16_ps(sums[r][v], reinterpret_cast<__m512bh>(pair),
                                        reinterpret_cast<__m512bh>(columns[v]));
        }
        continue;
      }
#endif
      float element;
      __builtin_memcpy(&element, a + r * stride + k, sizeof element);
      for (int v = 0; v < kPanelVectors; ++v) sums[r][v] += element * columns[v];
    }
  }
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kPanelVectors; ++v) {
      __builtin_memcpy(tile + r * tile_stride + Index{v} * kLanes, &sums[r][v], sizeof(Vec));
    }
  }
}

template <bool kBF16>
void multiply_rows(Index rows, const Unit* a, Index stride, const Unit* panel, Index steps,
                   float* tile, Index tile_stride) {
  Index r = 0;
  for (; r + kTileRows <= rows; r += kTileRows) {
    multiply_panel<kTileRows, kBF16>(a + r * stride, stride, panel, steps, tile + r * tile_stride,
                                     tile_stride);
  }
  for (; r < rows; ++r) {
    multiply_panel<1, kBF16>(a + r * stride, stride, panel, steps, tile + r * tile_stride,
                             tile_stride);
  }
}

void pack_keys(const void* keys, Index stride, Index count, Index head_dim, bool bf16,
               void* packed) {
  const Index steps = bf16 ? head_dim / 2 : head_dim;
  const Index unit_stride = bf16 ? stride / 2 : stride;
  const auto* from = static_cast<const Unit*>(keys);
  auto* to = static_cast<Unit*>(packed);
  for (Index first = 0; first < count; first += kPanel) {
    for (Index k = 0; k < steps; ++k) {
      for (Index column = 0; column < kPanel; ++column) {
        const Index key = first + column;
        *to++ = key < count ? from[key * unit_stride + k] : 0;
      }
    }
  }
}

void pack_values(const void* values, Index stride, Index count, Index head_dim, bool bf16,
                 void* packed) {
  for (Index first = 0; first < head_dim; first += kPanel) {
    const Index columns = head_dim - first < kPanel ? head_dim - first : kPanel;
    if (!bf16) {
      const auto* from = static_cast<const float*>(values) + first;
      auto* to = static_cast<float*>(packed) + first * ((count + 1) / 2 * 2);
      for (Index key = 0; key < count; ++key) {
        for (Index c = 0; c < kPanel; ++c) {
          to[key * kPanel + c] = c < columns ? from[key * stride + c] : 0;
        }
      }
      continue;
    }
    const auto* from = static_cast<const std::uint16_t*>(values) + first;
    auto* to = static_cast<std::uint16_t*>(packed) + first * ((count + 1) / 2 * 2);
    for (Index key = 0; key < count; key += 2) {
      for (Index c = 0; c < kPanel; ++c) {
        to[(key * kPanel) + 2 * c] = c < columns ? from[key * stride + c] : 0;
        const bool inside = c < columns && key + 1 < count;
        to[(key * kPanel) + 2 * c + 1] = inside ? from[(key + 1) * stride + c] : 0;
      }
    }
  }
}

/// Turns the first `visible` scores into exp(scale (score - largest)) and the rest of `width` into
/// zeros, in place (as bfloat16 from the row's start if bf16); returns the sum of the exponentials.
float exponentials(float* scores, Index visible, Index width, float factor, bool bf16) {
  Vec top = splat(scores[0]);
  for (Index i = 0; i < visible; i += kLanes) {
    Vec value = load(scores + i);
    for (Index lane = visible - i; lane < kLanes; ++lane) value[lane] = scores[0];
    top = maximum(top, value);
  }
  const float shift = largest(top) * factor;
  const RowOut out{scores, bf16};
  Vec total{};
  for (Index i = 0; i < width; i += kLanes) {
    Vec value{};
    if (i < visible) value = exponential(load(scores + i) * factor - shift);
    for (Index lane = visible - i < 0 ? 0 : visible - i; lane < kLanes; ++lane) value[lane] = 0;
    total += value;
    store(out, i, value);
  }
  return sum(total);
}

/// Turns the first `count` scores into factor score + bias, in place.
void add_bias(float* scores, const float* bias, Index count, float factor) {
  for (Index i = 0; i < count; i += kLanes) {
    const Vec value = load(scores + i) * factor + load(bias + i, count - i);
    store({scores, false}, i, value);
  }
}

template <bool kBF16>
void attend_as(const AttentionBlock& block) {
  constexpr Index kPerUnit = kBF16 ? 2 : 1;
  const Index width = (block.keys + kPanel - 1) / kPanel * kPanel;
  const auto visible = [&](Index row) {
    const Index causal = block.causal_first + row * block.causal_step;
    const Index wanted = causal > block.visible_prefix ? causal : block.visible_prefix;
    return wanted < block.keys ? wanted : block.keys;
  };
  const Index seen = visible(block.rows - 1);  // No other row of the block sees more.
  const Index seen_even = (seen + 1) / 2 * 2;

  const auto* keys = static_cast<const Unit*>(block.packed_keys);
  const Index key_steps = block.head_dim / kPerUnit;
  for (Index first = 0; first < seen; first += kPanel) {
    multiply_rows<kBF16>(block.rows, static_cast<const Unit*>(block.queries),
                         block.query_stride / kPerUnit, keys + first * key_steps, key_steps,
                         block.scratch + first, width);
  }
  float factors[Kernels::kAttentionRows];
  for (Index row = 0; row < block.rows; ++row) {
    float* scores = block.scratch + row * width;
    if (block.bias != nullptr) {
      add_bias(scores, block.bias + row * block.bias_stride, seen, block.scale);
    }
    factors[row] =
        1.0F / exponentials(scores, visible(row), (seen_even + kLanes - 1) / kLanes * kLanes,
                            block.bias == nullptr ? block.scale : 1.0F, kBF16);
  }
  const auto* values = static_cast<const Unit*>(block.packed_values);
  const Index value_units = (block.keys + 1) / 2 * 2 / kPerUnit;
  const Index value_steps = kBF16 ? seen_even / 2 : seen;
  for (Index first = 0; first < block.head_dim; first += kPanel) {
    float tile[Kernels::kAttentionRows * kPanel];
    multiply_rows<kBF16>(block.rows, reinterpret_cast<const Unit*>(block.scratch), width,
                         values + first * value_units, value_steps, tile, kPanel);
    for (Index row = 0; row < block.rows; ++row) {
      for (Index i = 0; i < kPanel && first + i < block.head_dim; i += kLanes) {
        store(block.out, row * block.out_stride + first + i,
              load(tile + row * kPanel + i) * factors[row], block.head_dim - first - i);
      }
    }
  }
}

void attend(const AttentionBlock& block, [[maybe_unused]] bool bf16) {
#if defined(__AVX512BF16__)
  if (bf16) return attend_as<true>(block);
#endif
  attend_as<false>(block);
}

#define HEDDLE_TEXT(x) HEDDLE_TEXT_OF(x)
#define HEDDLE_TEXT_OF(x) #x

}  // namespace

#if defined(__AVX512BF16__)
constexpr bool kHasBF16 = true;
#else
constexpr bool kHasBF16 = false;
#endif

extern const Kernels kTable;
const Kernels kTable = {HEDDLE_TEXT(HEDDLE_ISA),
                        kHasBF16,
                        kPanel,
                        finish,
                        gate,
                        scale,
                        layer_norm,
                        rms_norm,
                        rope,
                        pack_keys,
                        pack_values,
                        attend};

}  // namespace heddle::HEDDLE_ISA
