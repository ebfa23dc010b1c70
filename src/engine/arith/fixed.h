// The numbers of the integer arithmetic (docs/arithmetic.md, sections 1 and 2).
#pragma once

#include <bit>
#include <cstdint>

namespace heddle::arith {

__extension__ using Int128 = __int128;

/// The greatest Fixed number, of 27 bits; the least is its negative.
constexpr std::int32_t kLimit = (1 << 26) - 1;
/// The fractions that a Fixed value may have.
constexpr int kMinFraction = -20;
constexpr int kMaxFraction = 40;

/// sat(x).
constexpr std::int32_t saturate(Int128 x) {
  return static_cast<std::int32_t>(x > kLimit ? kLimit : x < -kLimit ? -kLimit : x);
}

/// rnd(x, shift) for shift >= -60 and |x| < 2^62: to the nearest, ties up.
constexpr Int128 round_shift(Int128 x, int shift) {
  if (shift <= 0) return x * (Int128{1} << -shift);
  if (shift > 64) return 0;
  return (x + (Int128{1} << (shift - 1))) >> shift;
}

/// sat(rnd(x, shift)) for any shift and |x| < 2^62.
constexpr std::int32_t round_saturate(Int128 x, int shift) {
  // What is not 0 is beyond the limit once it is shifted by 27.
  return saturate(round_shift(x, shift < -27 ? -27 : shift));
}

/// div(a, b): to the nearest, ties up.
constexpr std::int64_t round_divide(Int128 a, Int128 b) {
  const Int128 numerator = 2 * a + b;
  const Int128 quotient = numerator / (2 * b);
  return static_cast<std::int64_t>(quotient - (numerator % (2 * b) < 0 ? 1 : 0));
}

/// bits(x).
constexpr int bits(std::uint64_t x) {
  return static_cast<int>(std::bit_width(x));
}

/// isqrt(x) for x < 2^62.
std::uint64_t square_root(std::uint64_t x);

/// mantissa 2^exponent; the mantissa is 0 or in [2^15, 2^16).
struct Scale {
  std::int32_t mantissa = 0;
  std::int32_t exponent = 0;
  friend bool operator==(const Scale&, const Scale&) = default;
};

/// normal(x, exponent): the Scale of x 2^exponent, cut off.
constexpr Scale normal(std::uint64_t x, int exponent) {
  const int excess = bits(x) - 16;
  if (x == 0) return {};
  return {static_cast<std::int32_t>(excess > 0 ? x >> excess : x << -excess), exponent + excess};
}

/// scale(real): the nearest Scale to a number that is not negative; 0 for 0.
Scale nearest_scale(double real);

/// The real number that a Scale is.
double real(const Scale& scale);

}  // namespace heddle::arith
