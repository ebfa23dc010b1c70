// The kernels, compiled once per instruction set into the namespace HEDDLE_ISA (see
// CMakeLists.txt).
//
// Names are those of docs/arithmetic.md. Only plain functions are used: an inline function of
// another header compiled here for a newer processor could be the copy that the linker keeps for
// the whole program.
#include "engine/integer/kernels.h"

#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace heddle::HEDDLE_ISA {
namespace {

using Index = std::int64_t;
using I32 = std::int32_t;
using I64 = std::int64_t;
__extension__ typedef __int128 I128;

constexpr I32 kLimit = (1 << 26) - 1;
constexpr int kColumns = PanelView::kColumns;

// ---- numbers ----

I32 least(I32 a, I32 b) {
  return a < b ? a : b;
}
I32 most(I32 a, I32 b) {
  return a > b ? a : b;
}
I32 magnitude(I32 x) {
  return x < 0 ? -x : x;
}
I32 saturate(I64 x) {
  return static_cast<I32>(x > kLimit ? kLimit : x < -kLimit ? -kLimit : x);
}

/// rnd(x, shift) for 1 <= shift <= 63 and |x| < 2^62.
I64 round_right(I64 x, int shift) {
  return (x + (I64{1} << (shift - 1))) >> shift;
}

/// sat(rnd(x, shift)) for any shift and |x| < 2^62.
I32 round_saturate(I64 x, int shift) {
  if (shift > 0) return saturate(round_right(x, shift > 63 ? 63 : shift));
  // What is beyond the limit stays there, and what is not 0 gets there within 27 bits.
  const I64 bounded = x > kLimit ? kLimit : x < -kLimit ? -kLimit : x;
  return saturate(bounded * (I64{1} << (shift < -27 ? 27 : -shift)));
}

int bits(std::uint64_t x) {
  return x == 0 ? 0 : 64 - __builtin_clzll(x);
}

/// Sums of codes + 128 may pass 32 bits on their way to the sum of codes, which does not.
I32 wrapping_add(I32 a, I32 b) {
  return static_cast<I32>(static_cast<std::uint32_t>(a) + static_cast<std::uint32_t>(b));
}

struct Scaled {
  I32 mantissa;
  I32 exponent;
};
Scaled normal(std::uint64_t x, int exponent) {
  const int excess = bits(x) - 16;
  if (x == 0) return {0, 0};
  return {static_cast<I32>(excess > 0 ? x >> excess : x << -excess), exponent + excess};
}

I32 greatest_magnitude(const I32* x, Index count) {
  I32 greatest = 0;
  for (Index i = 0; i < count; ++i) greatest = most(greatest, magnitude(x[i]));
  return greatest;
}

#if defined(__AVX512VNNI__)

/// sat(round(x m)) of sixteen numbers, `round` working on products of 64 bits and being told which:
/// even lanes (0) or odd ones (1).
template <typename Round>
__m512i round_products(__m512i x, __m512i m, const Round& round) {
  const auto saturated = [&](__m512i product, int odd) {
    const __m512i limit = _mm512_set1_epi64(kLimit);
    return _mm512_max_epi64(_mm512_min_epi64(round(product, odd), limit),
                            _mm512_set1_epi64(-kLimit));
  };
  const __m512i even = saturated(_mm512_mul_epi32(x, m), 0);
  const __m512i odd =
      saturated(_mm512_mul_epi32(_mm512_srli_epi64(x, 32), _mm512_srli_epi64(m, 32)), 1);
  return _mm512_mask_blend_epi32(0xAAAA, even, _mm512_slli_epi64(odd, 32));
}

/// sat(rnd(x m, s)) for shifts s of at least 1.
__m512i round_products(__m512i x, __m512i m, __m512i s) {
  s = _mm512_min_epi32(s, _mm512_set1_epi32(63));
  return round_products(x, m, [&](__m512i product, int odd) {
    const __m512i shift =
        odd != 0 ? _mm512_srli_epi64(s, 32) : _mm512_and_si512(s, _mm512_set1_epi64(0xFFFFFFFF));
    const __m512i one = _mm512_set1_epi64(1);
    const __m512i half = _mm512_sllv_epi64(one, _mm512_sub_epi64(shift, one));
    return _mm512_srav_epi64(_mm512_add_epi64(product, half), shift);
  });
}

/// sat(x).
__m512i saturate(__m512i x) {
  return _mm512_max_epi32(_mm512_min_epi32(x, _mm512_set1_epi32(kLimit)),
                          _mm512_set1_epi32(-kLimit));
}

/// (a b) >> 15 of mantissas: their product takes all 32 bits.
__m512i mantissa_products(I32 a, __m512i b) {
  return _mm512_srli_epi32(_mm512_mullo_epi32(_mm512_set1_epi32(a), b), 15);
}

#endif

// ---- elements ----

void scale_elements(const I32* x, Index count, I32 mantissa, bool negative, int shift, I32* y) {
  if (shift <= 0) {
    for (Index i = 0; i < count; ++i) {
      const I32 scaled = round_saturate(I64{x[i]} * mantissa, shift);
      y[i] = negative ? -scaled : scaled;
    }
    return;
  }
  const int s = shift > 63 ? 63 : shift;
  const I64 half = I64{1} << (s - 1);
  const I32 sign = negative ? -1 : 1;
  for (Index i = 0; i < count; ++i) {
    y[i] = sign * saturate((I64{x[i]} * mantissa + half) >> s);
  }
}

void add_elements(const I32* a, const I32* b, Index count, int a_shift, int b_shift, I32* y) {
  if (a_shift < -27 || b_shift < -27) {
    // Numbers this long may still cancel.
    for (Index i = 0; i < count; ++i) {
      const auto term = [](I32 x, int shift) {
        return shift > 0 ? I128{round_right(x, shift > 63 ? 63 : shift)}
                         : I128{x} * (I128{1} << -shift);
      };
      const I128 sum = term(a[i], a_shift) + term(b[i], b_shift);
      y[i] = static_cast<I32>(sum > kLimit ? kLimit : sum < -kLimit ? -kLimit : sum);
    }
    return;
  }
  const auto right = [](int shift) { return shift > 63 ? 63 : shift > 0 ? shift : 0; };
  const auto half = [&](int shift) { return shift > 0 ? I64{1} << (right(shift) - 1) : 0; };
  const int a_right = right(a_shift);
  const int b_right = right(b_shift);
  const I64 a_half = half(a_shift);
  const I64 b_half = half(b_shift);
  const I64 a_factor = I64{1} << (a_shift < 0 ? -a_shift : 0);
  const I64 b_factor = I64{1} << (b_shift < 0 ? -b_shift : 0);
  if (a_factor == 1 && b_factor == 1) {
    for (Index i = 0; i < count; ++i) {
      y[i] = saturate(((a[i] + a_half) >> a_right) + ((b[i] + b_half) >> b_right));
    }
    return;
  }
  for (Index i = 0; i < count; ++i) {
    y[i] =
        saturate(((a[i] * a_factor + a_half) >> a_right) + ((b[i] * b_factor + b_half) >> b_right));
  }
}

/// g of F: the share of x that the function keeps, in units of 2^-16; x's magnitude as z.
inline I32 share_of(Tail table, I32 x, I64 z_wide) {
  const int step = 7 + table.log_range;
  const I32 end = 1 << (16 + table.log_range);
  const I32 z = z_wide < end ? static_cast<I32>(z_wide) : end - 1;
  const I32 entry = table.entries[z >> step];
  const I32 rest = z & ((1 << step) - 1);
  const I32 inside = (entry & 0xFFFF) + (((entry >> 16) * rest + (1 << (step - 1))) >> step);
  const I32 tail = z_wide < end ? inside : 0;
  return x < 0 ? tail : (1 << 16) - tail;
}

#if defined(__AVX512VNNI__)

/// Sixteen of map_elements, for from >= 16 and a shift of 1 ... 63.
__m512i map_vector(Tail tail, __m512i x, int from, int shift) {
  const int step = 7 + tail.log_range;
  const auto shifts = [](int count) { return _mm_cvtsi32_si128(count); };
  const __m512i end = _mm512_set1_epi32(1 << (16 + tail.log_range));
  const __m512i half = _mm512_set1_epi32(from > 16 ? 1 << (from - 17) : 0);
  const __m512i z =
      _mm512_sra_epi32(_mm512_add_epi32(_mm512_abs_epi32(x), half), shifts(from - 16));
  const __mmask16 inside = _mm512_cmplt_epi32_mask(z, end);
  const __m512i entry = _mm512_mask_i32gather_epi32(
      _mm512_setzero_si512(), inside, _mm512_sra_epi32(z, shifts(step)), tail.entries, 4);
  const __m512i rest = _mm512_and_si512(z, _mm512_set1_epi32((1 << step) - 1));
  const __m512i rise =
      _mm512_sra_epi32(_mm512_add_epi32(_mm512_mullo_epi32(_mm512_srai_epi32(entry, 16), rest),
                                        _mm512_set1_epi32(1 << (step - 1))),
                       shifts(step));
  const __m512i t =
      _mm512_maskz_add_epi32(inside, _mm512_and_si512(entry, _mm512_set1_epi32(0xFFFF)), rise);
  const __m512i share = _mm512_mask_sub_epi32(t, _mm512_cmpge_epi32_mask(x, _mm512_setzero_si512()),
                                              _mm512_set1_epi32(1 << 16), t);
  const __m512i shift_half = _mm512_set1_epi64(I64{1} << (shift - 1));
  return round_products(x, share, [&](__m512i product, int) {
    return _mm512_sra_epi64(_mm512_add_epi64(product, shift_half), shifts(shift));
  });
}

#endif

void map_elements(Tail tail, const I32* x, Index count, int from, int to, I32* y) {
  if (tail.entries == nullptr) {
    for (Index i = 0; i < count; ++i) y[i] = round_saturate(x[i] > 0 ? x[i] : 0, from - to);
    return;
  }
  const int shift = 16 + from - to;
  Index first = 0;
#if defined(__AVX512VNNI__)
  if (from >= 16 && shift >= 1 && shift <= 63) {
    for (; first + 16 <= count; first += 16) {
      _mm512_storeu_si512(y + first, map_vector(tail, _mm512_loadu_si512(x + first), from, shift));
    }
  }
#endif
  const int right = from > 16 ? from - 16 : 0;
  const I64 half = right > 0 ? I64{1} << (right - 1) : 0;
  const int left = from < 16 ? 16 - from : 0;
  for (Index i = first; i < count; ++i) {
    const I64 z = ((I64{magnitude(x[i])} << left) + half) >> right;
    y[i] = round_saturate(I64{x[i]} * share_of(tail, x[i], z), shift);
  }
}

void gate_elements(Tail tail, const I32* a, const I32* b, Index count, int a_fraction, int shift,
                   I32* y) {
  map_elements(tail, a, count, a_fraction, a_fraction, y);
  if (shift <= 0 || shift > 63) {
    for (Index i = 0; i < count; ++i) y[i] = round_saturate(I64{y[i]} * b[i], shift);
    return;
  }
  const I64 half = I64{1} << (shift - 1);
  for (Index i = 0; i < count; ++i) y[i] = saturate((I64{y[i]} * b[i] + half) >> shift);
}

void rope_row(const I32* x, const I32* cosine, const I32* sine, Index heads, Index head_dim,
              Index rotary_dim, int shift, I32* y) {
  const Index half = rotary_dim / 2;
  for (Index h = 0; h < heads; ++h, x += head_dim, y += head_dim) {
    for (Index i = 0; i < half; ++i) {
      const I64 low = x[i];
      const I64 high = x[i + half];
      y[i] = round_saturate(low * cosine[i] - high * sine[i], 15 + shift);
      y[i + half] = round_saturate(high * cosine[i] + low * sine[i], 15 + shift);
    }
    for (Index i = rotary_dim; i < head_dim; ++i) y[i] = round_saturate(x[i], shift);
  }
}

// ---- rows ----

/// Codes from one on, for |rnd(x, shift)| <= 2^14 and r < 2^17.
void quantise_elements(const I32* x, Index first, Index count, int shift, I32 r,
                       std::uint8_t* codes) {
  // The 128 of all codes goes in with what rounds.
  constexpr I32 kAdded = (1 << 22) + (128 << 23);
  const I32 half = shift > 0 ? 1 << (shift - 1) : 0;
  const I32 factor = shift < 0 ? 1 << -shift : 1;
  const int right = shift > 0 ? shift : 0;
  for (Index i = first; i < count; ++i) {
    codes[i] = static_cast<std::uint8_t>((((x[i] * factor + half) >> right) * r + kAdded) >> 23);
  }
}

void quantise_row(const I32* x, Index count, Index padded, std::uint8_t* codes, I32* mantissa,
                  I32* exponent) {
  const Scaled a = normal(static_cast<std::uint64_t>(greatest_magnitude(x, count)), 0);
  *mantissa = a.mantissa;
  *exponent = a.exponent;
  const I32 r = a.mantissa == 0 ? 0 : static_cast<I32>((I64{127} << 25) / a.mantissa);
  const int shift = a.exponent + 2;
  Index first = 0;
#if defined(__AVX512VNNI__)
  if (shift > 0) {
    const __m512i half = _mm512_set1_epi32(1 << (shift - 1));
    const __m128i right = _mm_cvtsi32_si128(shift);
    const __m512i added = _mm512_set1_epi32((1 << 22) + (128 << 23));
    for (; first + 16 <= count; first += 16) {
      const __m512i y =
          _mm512_sra_epi32(_mm512_add_epi32(_mm512_loadu_si512(x + first), half), right);
      const __m512i scaled = _mm512_add_epi32(_mm512_mullo_epi32(y, _mm512_set1_epi32(r)), added);
      _mm_storeu_si128(reinterpret_cast<__m128i*>(codes + first),
                       _mm512_cvtepi32_epi8(_mm512_srli_epi32(scaled, 23)));
    }
  }
#endif
  quantise_elements(x, first, count, shift, r, codes);
  for (Index i = count; i < padded; ++i) codes[i] = 128;
}

std::uint64_t square_root(std::uint64_t x) {
  // A double is right to one unit for x < 2^62; the loops mend that.
  auto root = static_cast<std::uint64_t>(__builtin_sqrt(static_cast<double>(x)));
  while (root * root > x) --root;
  while ((root + 1) * (root + 1) <= x) ++root;
  return root;
}

void norm_row(const NormRow& n) {
  const bool centred = n.offset != nullptr;
  I64 mean = 0;
  if (centred) {
    I64 sum = 0;
    for (Index i = 0; i < n.width; ++i) sum += n.x[i];
    const I64 numerator = 2 * sum + n.width;
    mean = numerator / (2 * n.width) - (numerator % (2 * n.width) < 0 ? 1 : 0);
  }
  I32 greatest = 0;
  for (Index i = 0; i < n.width; ++i) {
    const I32 c = n.x[i] - static_cast<I32>(mean);
    n.y[i] = c;
    greatest = most(greatest, magnitude(c));
  }
  const int shift = normal(static_cast<std::uint64_t>(greatest), 0).exponent;
  const I32 half = shift > 0 ? 1 << (shift - 1) : 0;
  const I32 factor = shift < 0 ? 1 << -shift : 1;
  const int right = shift > 0 ? shift : 0;
  I64 squares = 0;
  for (Index i = 0; i < n.width; ++i) {
    const I32 d = (n.y[i] * factor + half) >> right;
    n.y[i] = d;
    squares += I64{d} * d;
  }
  // The epsilon in units of d^2, at most 2^62 with the sum.
  constexpr I64 kMost = I64{1} << 62;
  const int up = n.epsilon_exponent + 2 * (n.x_fraction - shift);
  I64 epsilon = 0;
  if (n.epsilon_mantissa != 0) {
    if (up > 62 - 16) {
      epsilon = kMost;
    } else if (up >= 0) {
      epsilon = I64{n.epsilon_mantissa} << up;
    } else {
      epsilon = up < -40 ? 0 : round_right(n.epsilon_mantissa, -up);
    }
  }
  const I64 bounded = epsilon > kMost - squares ? kMost : epsilon + squares;
  const auto v = static_cast<std::uint64_t>(bounded);
  Scaled inverse = {0, 0};
  if (v != 0) {
    int p = bits(v) - 32;
    p += p & 1;
    const std::uint64_t g = square_root((p >= 0 ? v >> p : v << -p) << 30);
    inverse = normal((static_cast<std::uint64_t>(n.root_mantissa) << 45) / g,
                     n.root_exponent - 30 - p / 2);
  }
  const int base = -(inverse.exponent + n.y_fraction) - 15;
  Index first = 0;
#if defined(__AVX512VNNI__)
  if (base - n.greatest_exponent >= 1) {
    for (; first + 16 <= n.width; first += 16) {
      const auto load = [&](const I32* from) { return _mm512_loadu_si512(from + first); };
      const __m512i f = load(n.factors);
      const __m512i m = mantissa_products(inverse.mantissa, _mm512_abs_epi32(f));
      const __m512i s = _mm512_sub_epi32(_mm512_set1_epi32(base), load(n.exponents));
      const __m512i zero = _mm512_setzero_si512();
      __m512i y = round_products(load(n.y), m, s);
      y = _mm512_mask_sub_epi32(y, _mm512_cmplt_epi32_mask(f, zero), zero, y);
      if (centred) y = saturate(_mm512_add_epi32(y, load(n.offset)));
      _mm512_storeu_si512(n.y + first, y);
    }
  }
#endif
  for (Index i = first; i < n.width; ++i) {
    const I32 f = n.factors[i];
    const I64 m = (I64{inverse.mantissa} * magnitude(f)) >> 15;
    const I32 scaled = round_saturate(n.y[i] * m, base - n.exponents[i]);
    const I32 signed_one = f < 0 ? -scaled : scaled;
    n.y[i] = centred ? saturate(I64{signed_one} + n.offset[i]) : signed_one;
  }
}

// ---- products ----

/// What becomes of one row's sums with a panel, for any shifts.
void finish_row(const ProductTile& t, Index row, const I32* sums) {
  const I64 mantissa = t.row_mantissas[row];
  for (int n = 0; n < t.columns; ++n) {
    const I64 sum = wrapping_add(sums[n], -t.offsets[n]);
    const I64 p = t.reduce > 0 ? round_right(sum, t.reduce) : sum;
    const I64 m = (mantissa * t.mantissas[n]) >> 15;
    const I32 product = round_saturate(p * m, t.shift - t.row_exponents[row] - t.exponents[n]);
    t.out[row * t.out_stride + n] =
        t.bias == nullptr ? product : saturate(I64{product} + t.bias[n]);
  }
}

#if defined(__AVX512VNNI__)

/// The least shift at which a product of finish_row, shifted by one less, fits 32 bits: P has
/// bits(127^2 K) - k0 of them, M has 17.
int least_vector_shift(const ProductTile& t) {
  return bits(127ULL * 127 * static_cast<std::uint64_t>(t.panel.depth)) - t.reduce + 17 - 30;
}

/// Sixteen results of finish_row where no shift is below least_vector_shift(): docs/arithmetic.md,
/// Linear. rnd(x, s) is rnd(x >> (s - 1), 1).
__m512i finish_vector(const ProductTile& t, Index row, int column, __m512i sum) {
  const auto load = [&](const I32* from) { return _mm512_loadu_si512(from + column); };
  __m512i p = _mm512_sub_epi32(sum, load(t.offsets));
  if (t.reduce > 0) {
    p = _mm512_srai_epi32(_mm512_add_epi32(p, _mm512_set1_epi32(1 << (t.reduce - 1))),
                          static_cast<unsigned>(t.reduce));
  }
  const __m512i s =
      _mm512_sub_epi32(_mm512_set1_epi32(t.shift - t.row_exponents[row] - 1), load(t.exponents));
  const __m512i m = mantissa_products(t.row_mantissas[row], load(t.mantissas));
  const __m512i even = _mm512_srav_epi64(_mm512_mul_epi32(p, m), _mm512_maskz_mov_epi32(0x5555, s));
  const __m512i odd =
      _mm512_srav_epi64(_mm512_mul_epi32(_mm512_srli_epi64(p, 32), _mm512_srli_epi64(m, 32)),
                        _mm512_srli_epi64(s, 32));
  const __m512i halves = _mm512_mask_blend_epi32(0xAAAA, even, _mm512_slli_epi64(odd, 32));
  const __m512i result =
      saturate(_mm512_srai_epi32(_mm512_add_epi32(halves, _mm512_set1_epi32(1)), 1));
  return t.bias == nullptr ? result : saturate(_mm512_add_epi32(result, load(t.bias)));
}

/// Calls body(first, how many) for all rows, in groups of up to `most` that are as even as they can
/// be.
template <typename Body>
void in_groups(Index rows, Index most, const Body& body) {
  Index groups = (rows + most - 1) / most;
  for (Index row = 0; row < rows; --groups) {
    const Index size = (rows - row + groups - 1) / groups;
    body(row, size);
    row += size;
  }
}

/// sum += x w. GCC 12 would keep sums of loops in memory; like this they stay in their registers.
void accumulate(__m512i& sum, __m512i x, __m512i w) {
  asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(x), "v"(w));
}

/// Four bytes in all lanes.
__m512i four_of(const std::uint8_t* from) {
  I32 four;
  __builtin_memcpy(&four, from, 4);
  return _mm512_set1_epi32(four);
}

/// Sums of some rows with a panel, [rows][kColumns]. Alone in its function, or GCC 12 would keep
/// the sums in memory.
template <int kRows>
void dot_rows(const std::uint8_t* rows, Index stride, const std::int8_t* panel, Index depth,
              const std::int8_t* ahead, Index ahead_step, I32* sums) {
  __m512i low[kRows];
  __m512i high[kRows];
#pragma GCC unroll 12
  for (int r = 0; r < kRows; ++r) low[r] = high[r] = _mm512_setzero_si512();
  for (Index k = 0; k < depth; k += 4, ahead += ahead_step) {
    const __m512i left = _mm512_loadu_si512(panel + k * kColumns);
    const __m512i right = _mm512_loadu_si512(panel + k * kColumns + 64);
    _mm_prefetch(reinterpret_cast<const char*>(ahead), _MM_HINT_T1);
#pragma GCC unroll 12
    for (int r = 0; r < kRows; ++r) {
      const __m512i x = four_of(rows + r * stride + k);
      accumulate(low[r], x, left);
      accumulate(high[r], x, right);
    }
  }
#pragma GCC unroll 12
  for (int r = 0; r < kRows; ++r) {
    I32* own = sums + Index{r} * kColumns;
    _mm512_store_si512(own, low[r]);
    _mm512_store_si512(own + 16, high[r]);
  }
}

/// Twelve rows keep 24 accumulators.
constexpr int kMostRows = 12;

/// Sums of up to kMostRows rows with a panel. Asks for what will be read soon, the bytes from
/// `ahead` on, `ahead_step` for every four of depth.
void dot(const std::uint8_t* rows, Index stride, Index count, PanelView panel,
         const std::int8_t* ahead, Index ahead_step, I32* sums) {
  constexpr void (*kDots[])(const std::uint8_t*, Index, const std::int8_t*, Index,
                            const std::int8_t*, Index, I32*) = {
      dot_rows<1>, dot_rows<2>, dot_rows<3>, dot_rows<4>,  dot_rows<5>,  dot_rows<6>,
      dot_rows<7>, dot_rows<8>, dot_rows<9>, dot_rows<10>, dot_rows<11>, dot_rows<12>};
  kDots[count - 1](rows, stride, panel.codes, panel.depth, ahead, ahead_step, sums);
}

void product(const ProductTile& t) {
  const int least_shift = least_vector_shift(t);
  const Index groups = (t.row_count + kMostRows - 1) / kMostRows;
  const Index step = (4 * Index{kColumns} + groups - 1) / groups;
  const std::int8_t* next = t.panel.codes + t.panel.depth * kColumns;
  in_groups(t.row_count, kMostRows, [&](Index first, Index size) {
    // Few rows are done with a panel before the next one, which most likely follows it, comes from
    // memory: each group asks for its share of that.
    const std::int8_t* ahead = next;
    next += t.panel.depth / 4 * step;
    alignas(64) I32 sums[kMostRows * kColumns];
    dot(t.rows + first * t.row_stride, t.row_stride, size, t.panel, ahead, step, sums);
    for (Index row = first; row < first + size; ++row) {
      const I32* own = sums + (row - first) * kColumns;
      if (t.shift - t.row_exponents[row] - t.greatest_exponent < least_shift) {
        finish_row(t, row, own);
        continue;
      }
      I32* out = t.out + row * t.out_stride;
      for (int column = 0; column < t.columns; column += 16) {
        const __m512i y = finish_vector(t, row, column, _mm512_load_si512(own + column));
        if (column + 16 <= t.columns) {
          _mm512_storeu_si512(out + column, y);
        } else {
          const auto there = static_cast<__mmask16>((1 << (t.columns - column)) - 1);
          _mm512_mask_storeu_epi32(out + column, there, y);
        }
      }
    }
  });
}

#elif defined(__AVX2__)

void product(const ProductTile& t) {
  for (Index row = 0; row < t.row_count; ++row) {
    const std::uint8_t* x = t.rows + row * t.row_stride;
    alignas(32) I32 sums[kColumns];
    // Each vector holds two partial sums of four columns.
    for (int column = 0; column < kColumns; column += 16) {
      __m256i parts[4];
      for (__m256i& part : parts) part = _mm256_setzero_si256();
      for (Index k = 0; k < t.panel.depth; k += 4) {
        I32 four;
        __builtin_memcpy(&four, x + k, 4);
        const __m256i wide = _mm256_broadcastq_epi64(_mm_cvtepu8_epi16(_mm_cvtsi32_si128(four)));
        for (int i = 0; i < 4; ++i) {
          const auto* from = reinterpret_cast<const __m128i*>(t.panel.codes + k * kColumns +
                                                              4 * Index{column + 4 * i});
          const __m256i codes = _mm256_cvtepi8_epi16(_mm_loadu_si128(from));
          parts[i] = _mm256_add_epi32(parts[i], _mm256_madd_epi16(wide, codes));
        }
      }
      for (int i = 0; i < 4; ++i) {
        alignas(32) I32 pairs[8];
        _mm256_store_si256(reinterpret_cast<__m256i*>(pairs), parts[i]);
        I32* to = sums + column + 4 * Index{i};
        for (Index n = 0; n < 4; ++n) to[n] = wrapping_add(pairs[2 * n], pairs[2 * n + 1]);
      }
    }
    finish_row(t, row, sums);
  }
}

#else

void product(const ProductTile& t) {
  for (Index row = 0; row < t.row_count; ++row) {
    const std::uint8_t* x = t.rows + row * t.row_stride;
    I32 sums[kColumns] = {};
    for (Index k = 0; k < t.panel.depth; k += 4) {
      const std::int8_t* codes = t.panel.codes + k * kColumns;
      for (int n = 0; n < kColumns; ++n) {
        for (int i = 0; i < 4; ++i) sums[n] = wrapping_add(sums[n], x[k + i] * codes[4 * n + i]);
      }
    }
    finish_row(t, row, sums);
  }
}

#endif

// ---- attention ----

constexpr Index kRows = IntegerAttentionTile::kRows;
constexpr Index kBlock = HeadRows::kBlock;  // keys that share an exponent

Index round_up(Index x, Index to) {
  return (x + to - 1) / to * to;
}

void pack_keys(const HeadRows& rows, std::int8_t* codes, I32* offsets, I32* mantissas,
               I32* exponents) {
  std::uint8_t row[HeadRows::kWidest];
  const Index depth = round_up(rows.head_dim, 4);
  for (Index j = 0; j < kBlock; ++j) {
    const bool there = j < rows.count;
    quantise_row(rows.x + (there ? j * rows.stride : 0), there ? rows.head_dim : 0, depth, row,
                 mantissas + j, exponents + j);
    std::int8_t* to = codes + j / kColumns * kColumns * depth + j % kColumns * 4;
    I32 sum = 0;
    for (Index d = 0; d < depth; ++d) sum += row[d];
    for (Index d = 0; d < depth; d += 4, to += 4 * Index{kColumns}) {
      std::uint32_t four;
      __builtin_memcpy(&four, row + d, 4);
      four ^= 0x80808080U;  // From code + 128 to code.
      __builtin_memcpy(to, &four, 4);
    }
    offsets[j] = 128 * (sum - static_cast<I32>(128 * depth));
  }
}

void pack_values(const HeadRows& rows, std::int8_t* codes, std::uint16_t* mantissas,
                 std::int16_t* exponents) {
  std::uint8_t four[4][HeadRows::kWidest];
  const Index width = round_up(rows.head_dim, 16);
  for (Index j = 0; j < kBlock; j += 4, codes += 4 * width) {
    for (Index i = 0; i < 4; ++i) {
      const bool there = j + i < rows.count;
      I32 mantissa = 0;
      I32 exponent = 0;
      quantise_row(rows.x + (there ? (j + i) * rows.stride : 0), there ? rows.head_dim : 0, width,
                   four[i], &mantissa, &exponent);
      mantissas[j + i] = static_cast<std::uint16_t>(mantissa);
      exponents[j + i] = static_cast<std::int16_t>(exponent);
    }
    for (Index d = 0; d < width; ++d) {
      for (Index i = 0; i < 4; ++i) codes[4 * d + i] = static_cast<std::int8_t>(four[i][d] ^ 0x80);
    }
  }
}

/// E and the differences to its next entries.
struct Exponentials {
  alignas(64) std::uint16_t entries[64];
  alignas(64) std::uint16_t steps[64];
};

/// The parts of a tile's scratch memory.
struct AttentionScratch {
  std::uint8_t* codes;    ///< [kRows][dim] of the queries
  I32* scores;            ///< [kRows][keys]: t
  std::uint8_t* weights;  ///< [kRows][kBlock]: w
  I32* sums;              ///< [kRows][dim]: O, of up to kShortRow keys
  Index dim;              ///< head_dim in whole vectors
  Index keys;             ///< key_count in whole blocks
};

AttentionScratch divide(const IntegerAttentionTile& t) {
  AttentionScratch s{};
  s.dim = round_up(t.head_dim, 64);
  s.keys = round_up(t.key_count, kBlock);
  std::byte* at = t.scratch;
  s.codes = reinterpret_cast<std::uint8_t*>(at);
  at += kRows * s.dim;
  s.scores = reinterpret_cast<I32*>(at);
  at += kRows * s.keys * 4;
  s.weights = reinterpret_cast<std::uint8_t*>(at);
  at += kRows * kBlock;
  s.sums = reinterpret_cast<I32*>(at);
  return s;
}

Index visible(const IntegerAttentionTile& t, Index row) {
  Index seen = t.causal_first + row * t.causal_step;
  if (seen < t.visible_prefix) seen = t.visible_prefix;
  if (seen < 0) seen = 0;
  return seen < t.key_count ? seen : t.key_count;
}

/// y from O and Lambda.
template <typename Sum>
void finish_attention(const IntegerAttentionTile& t, Index row, int greatest, std::uint64_t total,
                      const Sum* sums) {
  const Scaled whole = normal(127ULL * 255 * total, 0);
  const Scaled inverse = normal(
      (std::uint64_t{1} << 46) / static_cast<std::uint64_t>(whole.mantissa), -46 - whole.exponent);
  const int shift = t.result_shift - inverse.exponent - greatest;
  I32* out = t.out + row * t.stride;
  for (Index d = 0; d < t.head_dim; ++d) {
    out[d] = round_saturate(I64{sums[d]} * inverse.mantissa, shift);
  }
}

void no_attention(const IntegerAttentionTile& t, Index row) {
  for (Index d = 0; d < t.head_dim; ++d) t.out[row * t.stride + d] = 0;
}

/// Codes of the queries, and (mq', eq') of each.
void quantise_queries(const IntegerAttentionTile& t, const AttentionScratch& s, Scaled* scales) {
  for (Index r = 0; r < t.rows; ++r) {
    Scaled own;
    quantise_row(t.queries + r * t.stride, t.head_dim, s.dim, s.codes + r * s.dim, &own.mantissa,
                 &own.exponent);
    scales[r] = normal(
        static_cast<std::uint64_t>(own.mantissa) * static_cast<std::uint64_t>(t.factor_mantissa),
        own.exponent + t.factor_exponent);
  }
}

const std::int8_t* key_codes(const IntegerAttentionTile& t, Index key) {
  const Index dim = round_up(t.head_dim, 4);
  return t.keys.codes + key / kColumns * kColumns * dim + key % kColumns * 4;
}

/// One query after the other, key by key.
void attend_plainly(const IntegerAttentionTile& t, const Exponentials& table) {
  const AttentionScratch s = divide(t);
  Scaled scales[kRows];
  quantise_queries(t, s, scales);
  const Index value_dim = round_up(t.head_dim, 16);
  auto* sums = reinterpret_cast<I64*>(s.sums);
  I32* block_sums = reinterpret_cast<I32*>(sums + s.dim);
  for (Index r = 0; r < t.rows; ++r) {
    const Index seen = visible(t, r);
    const int greatest = t.values.greatest[seen];
    if (greatest == PackedValues::kNoValues) {
      no_attention(t, r);
      continue;
    }
    const std::uint8_t* q = s.codes + r * s.dim;
    I32 top = INT32_MIN;
    for (Index j = 0; j < seen; ++j) {
      const std::int8_t* k = key_codes(t, j);
      I32 sum = -t.keys.offsets[j];
      for (Index d = 0; d < t.head_dim; ++d) sum += q[d] * k[d / 4 * 4 * kColumns + d % 4];
      if (t.reduce > 0) sum = (sum + (1 << (t.reduce - 1))) >> t.reduce;
      const auto m = static_cast<I32>((static_cast<std::uint32_t>(scales[r].mantissa) *
                                       static_cast<std::uint32_t>(t.keys.mantissas[j])) >>
                                      20);
      const int shift =
          least(31, most(1, t.score_shift - scales[r].exponent - t.keys.exponents[j]));
      s.scores[j] = static_cast<I32>(round_right(I64{sum} * m, shift));
      top = most(top, s.scores[j]);
    }
    for (Index d = 0; d < t.head_dim; ++d) sums[d] = 0;
    std::uint64_t total = 0;
    for (Index first = 0; first < seen; first += kBlock) {
      const Index last = first + kBlock < seen ? first + kBlock : seen;
      I32 best = INT32_MIN;
      for (Index j = first; j < last; ++j) best = most(best, s.scores[j]);
      const int octaves = (top - best) >> 12;
      // By 31 bits and more nothing is left: the sums have 26.
      const int right = octaves < 31 ? octaves : 31;
      const I32 half = right > 0 ? 1 << (right - 1) : 0;
      for (Index d = 0; d < t.head_dim; ++d) block_sums[d] = 0;
      I32 block_total = 0;
      for (Index j = first; j < last; ++j) {
        const I32 delta = top - s.scores[j];
        const int n = (delta >> 12) - octaves;
        if (n >= 16) continue;
        const int a = (delta >> 6) & 63;
        const I32 between = (table.steps[a] * (delta & 63) + 32) >> 6;
        const I32 e = (table.entries[a] - between + ((1 << n) >> 1)) >> n;
        const int down = greatest - t.values.exponents[j];
        // Rows of zeros have no exponent to compare.
        const I32 v_mantissa = t.values.mantissas[j];
        const I32 share = v_mantissa != 0 && down < 16 ? v_mantissa >> down : 0;
        const auto kept = static_cast<I32>(
            (static_cast<std::uint32_t>(e) * static_cast<std::uint32_t>(share)) >> 16);
        const I32 w = (kept * 255 + (1 << 14)) >> 15;
        block_total += e;
        const std::int8_t* v = t.values.codes + j / 4 * 4 * value_dim + j % 4;
        for (Index d = 0; d < t.head_dim; ++d) block_sums[d] += w * v[4 * d];
      }
      total += static_cast<std::uint64_t>((block_total * 32 + half) >> right);
      for (Index d = 0; d < t.head_dim; ++d) sums[d] += (block_sums[d] * 32 + half) >> right;
    }
    finish_attention(t, r, greatest, total, sums);
  }
}

#if defined(__AVX512VNNI__)

/// Rows whose sums fit 32 bits.
constexpr Index kShortRow = 2048;

/// What the score of a key takes from its query.
struct QueryScales {
  I32 mantissas[kRows];
  I32 shifts[kRows];  ///< one less than the shift but for the key's exponent
  Index seen[kRows];  ///< keys
  bool clamped;       ///< whether any shift may have to be
};

QueryScales scales_of(const IntegerAttentionTile& t, const Scaled* scales, Index longest) {
  QueryScales q{};
  if (longest == 0) return q;  // no query sees a key
  I32 least_key = INT32_MAX;
  I32 greatest_key = INT32_MIN;
  for (Index j = 0; j < longest; ++j) {
    least_key = least(least_key, t.keys.exponents[j]);
    greatest_key = most(greatest_key, t.keys.exponents[j]);
  }
  for (Index r = 0; r < t.rows; ++r) {
    q.mantissas[r] = scales[r].mantissa;
    q.shifts[r] = t.score_shift - scales[r].exponent - 1;
    q.seen[r] = visible(t, r);
    q.clamped = q.clamped || q.shifts[r] - greatest_key < 0 || q.shifts[r] - least_key > 30;
  }
  return q;
}

/// t of a panel of keys for some queries; raises the queries' greatest ones.
void score(const IntegerAttentionTile& t, const AttentionScratch& s, const QueryScales& q,
           Index first, Index count, Index key, __m512i* greatest) {
  alignas(64) I32 sums[kMostRows * kColumns];
  const Index depth = round_up(t.head_dim, 4);
  const std::int8_t* panel = t.keys.codes + key * depth;
  dot(s.codes + first * s.dim, s.dim, count, {panel, depth}, panel + depth * kColumns,
      4 * kColumns / 2, sums);
  const __m128i reduce = _mm_cvtsi32_si128(t.reduce);
  const __m512i rounding = _mm512_set1_epi32(t.reduce > 0 ? 1 << (t.reduce - 1) : 0);
  for (int half = 0; half < kColumns; half += 16) {
    const auto load = [&](const I32* from) { return _mm512_loadu_si512(from + key + half); };
    const __m512i added = _mm512_sub_epi32(rounding, load(t.keys.offsets));
    const __m512i mantissas = load(t.keys.mantissas);
    const __m512i exponents = load(t.keys.exponents);
    for (Index r = first; r < first + count; ++r) {
      const __m512i sum =
          _mm512_add_epi32(_mm512_load_si512(sums + (r - first) * kColumns + half), added);
      // Mantissas have 16 bits, so the upper halves of all lanes are 0.
      const __m512i m =
          _mm512_srli_epi32(_mm512_mulhi_epu16(_mm512_set1_epi32(q.mantissas[r]), mantissas), 4);
      // rnd(x, s) is rnd(x >> (s - 1), 1).
      __m512i shift = _mm512_sub_epi32(_mm512_set1_epi32(q.shifts[r]), exponents);
      if (q.clamped) {
        shift = _mm512_min_epi32(_mm512_max_epi32(shift, _mm512_setzero_si512()),
                                 _mm512_set1_epi32(30));
      }
      const __m512i product = _mm512_mullo_epi32(_mm512_sra_epi32(sum, reduce), m);
      __m512i result = _mm512_srai_epi32(
          _mm512_add_epi32(_mm512_srav_epi32(product, shift), _mm512_set1_epi32(1)), 1);
      const Index left = q.seen[r] - key - half;
      if (left < 16) {
        const auto mask = static_cast<__mmask16>(left <= 0 ? 0 : (1 << left) - 1);
        result = _mm512_mask_blend_epi32(mask, _mm512_set1_epi32(INT32_MIN), result);
      }
      greatest[r] = _mm512_max_epi32(greatest[r], result);
      _mm512_storeu_si512(s.scores + r * s.keys + key + half, result);
    }
  }
}

/// What thirty-two keys weigh: e, and w of 8 bits at `weights`. `top` is the greatest t less the
/// block's octaves. Keys out of sight weigh nothing.
__m512i weigh(const IntegerAttentionTile& t, const Exponentials& table, const I32* scores,
              Index key, I32 top, int greatest, std::uint8_t* weights) {
  // The distance to what is out of sight does not fit: as an unsigned number it is huge.
  const auto delta = [&](Index from) {
    return _mm512_sub_epi32(_mm512_set1_epi32(top), _mm512_loadu_si512(scores + key + from));
  };
  const __m512i near = delta(0);
  const __m512i far = delta(16);
  const __m512i end = _mm512_set1_epi32(1 << 16);
  const __mmask32 heavy =
      _mm512_kunpackw(_mm512_cmplt_epu32_mask(far, end), _mm512_cmplt_epu32_mask(near, end));
  const __m512i distance = _mm512_inserti64x4(_mm512_castsi256_si512(_mm512_cvtepi32_epi16(near)),
                                              _mm512_cvtepi32_epi16(far), 1);
  const __m512i n = _mm512_srli_epi16(distance, 12);
  const __m512i a = _mm512_srli_epi16(distance, 6);  // Of an index of words the lower 6 bits count.
  const __m512i b = _mm512_and_si512(distance, _mm512_set1_epi16(63));
  const auto look_up = [&](const std::uint16_t* from) {
    return _mm512_permutex2var_epi16(_mm512_load_si512(from), a, _mm512_load_si512(from + 32));
  };
  const __m512i between = _mm512_srli_epi16(
      _mm512_add_epi16(_mm512_mullo_epi16(look_up(table.steps), b), _mm512_set1_epi16(32)), 6);
  const __m512i half = _mm512_srli_epi16(_mm512_sllv_epi16(_mm512_set1_epi16(1), n), 1);
  const __m512i e = _mm512_maskz_srlv_epi16(
      heavy, _mm512_add_epi16(_mm512_sub_epi16(look_up(table.entries), between), half), n);
  const __m512i down = _mm512_sub_epi16(_mm512_set1_epi16(static_cast<short>(greatest)),
                                        _mm512_loadu_si512(t.values.exponents + key));
  const __m512i share = _mm512_srlv_epi16(_mm512_loadu_si512(t.values.mantissas + key), down);
  const __m512i w = _mm512_mulhrs_epi16(_mm512_mulhi_epu16(e, share), _mm512_set1_epi16(255));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(weights), _mm512_cvtepi16_epi8(w));
  return e;
}

/// The sum of 32 unsigned numbers of 16 bits in 16 lanes, less 2^15 for each.
__m512i pair_sums(__m512i x) {
  return _mm512_madd_epi16(_mm512_xor_si512(x, _mm512_set1_epi16(INT16_MIN)), _mm512_set1_epi16(1));
}

/// Adds a block's weighted values to the sums of some queries.
template <int kQueries, int kVectors>
void add_values(const IntegerAttentionTile& t, const AttentionScratch& s, Index first, Index block,
                Index vector, const int* octaves) {
  const Index dim = round_up(t.head_dim, 16);
  __m512i sums[kQueries * kVectors];
#pragma GCC unroll 16
  for (int i = 0; i < kQueries * kVectors; ++i) sums[i] = _mm512_setzero_si512();
  const std::int8_t* codes = t.values.codes + block * kBlock * dim + 64 * vector;
  const std::uint8_t* weights = s.weights + first * kBlock;
  for (Index k = 0; k < kBlock; k += 4) {
    __m512i v[kVectors];
#pragma GCC unroll 4
    for (int i = 0; i < kVectors; ++i) v[i] = _mm512_loadu_si512(codes + k * dim + 64 * Index{i});
#pragma GCC unroll 4
    for (int r = 0; r < kQueries; ++r) {
      const __m512i w = four_of(weights + r * kBlock + k);
#pragma GCC unroll 4
      for (int i = 0; i < kVectors; ++i) accumulate(sums[r * kVectors + i], w, v[i]);
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < kQueries; ++r) {
    // rnd(2^5 sum, n): up to n = 5 nothing is lost, by 31 bits and more nothing is left.
    const int n = octaves[first + r] - 5;
    const int right = n < 26 ? n : 26;
    const __m512i half = _mm512_set1_epi32(n > 0 ? 1 << (right - 1) : 0);
    const __m128i shift = _mm_cvtsi32_si128(n > 0 ? right : -n);
    I32* to = s.sums + (first + r) * s.dim + 16 * vector;
#pragma GCC unroll 4
    for (int i = 0; i < kVectors; ++i, to += 16) {
      const __m512i sum = sums[r * kVectors + i];
      const __m512i scaled = n > 0 ? _mm512_sra_epi32(_mm512_add_epi32(sum, half), shift)
                                   : _mm512_sll_epi32(sum, shift);
      _mm512_storeu_si512(to, _mm512_add_epi32(_mm512_loadu_si512(to), scaled));
    }
  }
}

template <int kQueries>
void add_values(const IntegerAttentionTile& t, const AttentionScratch& s, Index first, Index block,
                const int* octaves) {
  const Index vectors = round_up(t.head_dim, 16) / 16;
  Index vector = 0;
  for (; vector + 4 <= vectors; vector += 4) {
    add_values<kQueries, 4>(t, s, first, block, vector, octaves);
  }
  for (; vector < vectors; ++vector) {
    add_values<kQueries, 1>(t, s, first, block, vector, octaves);
  }
}

void attend_in_vectors(const IntegerAttentionTile& t, const Exponentials& table) {
  constexpr void (*kValues[])(const IntegerAttentionTile&, const AttentionScratch&, Index, Index,
                              const int*) = {add_values<1>, add_values<2>, add_values<3>,
                                             add_values<4>};
  const AttentionScratch s = divide(t);
  Scaled scales[kRows];
  quantise_queries(t, s, scales);
  Index longest = 0;
  __m512i greatest[kRows];
  for (Index r = 0; r < t.rows; ++r) {
    longest = visible(t, r) > longest ? visible(t, r) : longest;
    greatest[r] = _mm512_set1_epi32(INT32_MIN);
  }
  const QueryScales q = scales_of(t, scales, longest);
  for (Index key = 0; key < round_up(longest, kBlock); key += kColumns) {
    in_groups(t.rows, kMostRows,
              [&](Index first, Index size) { score(t, s, q, first, size, key, greatest); });
  }
  I32 tops[kRows];
  std::uint64_t totals[kRows] = {};
  for (Index r = 0; r < t.rows; ++r) {
    tops[r] = _mm512_reduce_max_epi32(greatest[r]);
    for (Index d = 0; d < s.dim; ++d) s.sums[r * s.dim + d] = 0;
  }
  for (Index block = 0; block * kBlock < longest; ++block) {
    int octaves[kRows];
    for (Index r = 0; r < t.rows; ++r) {
      const I32* scores = s.scores + r * s.keys;
      const Index key = block * kBlock;
      const int exponent = t.values.greatest[q.seen[r]];
      octaves[r] = 0;
      if (q.seen[r] <= key || exponent == PackedValues::kNoValues) {
        for (Index j = 0; j < kBlock; ++j) s.weights[r * kBlock + j] = 0;
        continue;
      }
      const auto load = [&](Index i) { return _mm512_loadu_si512(scores + key + 16 * i); };
      const I32 best = _mm512_reduce_max_epi32(
          _mm512_max_epi32(_mm512_max_epi32(load(0), load(1)), _mm512_max_epi32(load(2), load(3))));
      octaves[r] = (tops[r] - best) >> 12;
      std::uint8_t* weights = s.weights + r * kBlock;
      const I32 near = tops[r] - (octaves[r] << 12);
      const __m512i first = weigh(t, table, scores, key, near, exponent, weights);
      const __m512i second = weigh(t, table, scores, key + 32, near, exponent, weights + 32);
      const I32 sum =
          _mm512_reduce_add_epi32(_mm512_add_epi32(pair_sums(first), pair_sums(second))) +
          (kBlock << 15);
      const int n = octaves[r];
      totals[r] += static_cast<std::uint64_t>(n == 0   ? I64{sum} * 32
                                              : n < 63 ? round_right(I64{sum} * 32, n)
                                                       : 0);
    }
    in_groups(t.rows, 4,
              [&](Index first, Index size) { kValues[size - 1](t, s, first, block, octaves); });
  }
  for (Index r = 0; r < t.rows; ++r) {
    const int exponent = t.values.greatest[q.seen[r]];
    if (exponent == PackedValues::kNoValues) {
      no_attention(t, r);
    } else {
      finish_attention(t, r, exponent, totals[r], s.sums + r * s.dim);
    }
  }
}

#endif

void attend(const IntegerAttentionTile& t) {
  const I32* e = t.exponentials;
  Exponentials table;
  for (int a = 0; a < 64; ++a) {
    table.entries[a] = static_cast<std::uint16_t>(e[a]);
    table.steps[a] = static_cast<std::uint16_t>(e[a] - e[a + 1]);
  }
#if defined(__AVX512VNNI__)
  if (t.key_count <= kShortRow) return attend_in_vectors(t, table);
#endif
  attend_plainly(t, table);
}

}  // namespace

extern const IntegerKernels kTable;
const IntegerKernels kTable = {
    HEDDLE_ISA_NAME, quantise_row, product,       pack_keys,    pack_values,    attend,
    norm_row,        map_elements, gate_elements, add_elements, scale_elements, rope_row,
};

}  // namespace heddle::HEDDLE_ISA
