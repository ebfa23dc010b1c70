#include "engine/arith/tables.h"

#include <cmath>

#include "base/error.h"
#include "engine/arith/fixed.h"

namespace heddle::arith {
namespace {

/// A real number as an integer of 56 fractional bits. Factors and quotients stay below 128, where
/// nothing overflows.
using Real = Int128;
constexpr int kFraction = 56;
constexpr Real kOne = Real{1} << kFraction;

// The constants to 56 fractional bits.
constexpr Real kLn2 = 0xB17217F7D1CF7A;          // ln 2
constexpr Real kPi = 0x3243F6A8885A309;          // pi
constexpr Real kSqrt2OverPi = 0xCC42299EA1B284;  // sqrt(2 / pi)
constexpr Real kInvSqrt2Pi = 0x662114CF50D942;   // 1 / sqrt(2 pi)
constexpr Real kGelu = 0xB727136A400FC;          // 0.044715

/// Of F, the angle between neighbouring positions.
constexpr int kFrequency = 40;
/// 2 pi with 96 fractional bits.
constexpr Real kTurn = (Real{0x6487ed511} << 64) | Real{0xb4611a62633145c};

Real multiply(Real a, Real b) {
  return (a * b + (kOne >> 1)) >> kFraction;
}
Real divide(Real a, Real b) {
  return (a << kFraction) / b;
}

/// e^-x for x >= 0.
Real exp_negative(Real x) {
  const Real halvings = x / kLn2;
  if (halvings > kFraction) return 0;
  const Real rest = x % kLn2;
  Real term = kOne;
  Real sum = kOne;
  for (int n = 1; term != 0; ++n) {
    term = -multiply(term, rest) / n;
    sum += term;
  }
  return sum >> static_cast<int>(halvings);
}

/// ln x for 1 <= x < 2^63, given as a double.
Real logarithm(double x) {
  int exponent = 0;
  // x = m 2^(exponent-1) with 1 <= m < 2; the 53 bits of a double fit exactly.
  const auto m = static_cast<Real>(std::ldexp(std::frexp(x, &exponent), kFraction + 1));
  // ln m = 2 atanh((m-1) / (m+1)).
  const Real ratio = divide(m - kOne, m + kOne);
  const Real square = multiply(ratio, ratio);
  Real power = ratio;
  Real sum = 0;
  for (int n = 1; power != 0; n += 2) {
    sum += power / n;
    power = multiply(power, square);
  }
  return 2 * sum + (exponent - 1) * kLn2;
}

struct Direction {
  Real cosine;
  Real sine;
};

/// Of an angle in [0, 2 pi).
Direction direction(Real angle) {
  // Octants are small enough for the series, and 0 ... 7 of them remain.
  const Real octant = kPi / 4;
  const auto count = static_cast<int>(angle / octant);
  const Real rest = angle - count * octant;
  Real term = kOne;
  Real cosine = 0;
  Real sine = 0;
  for (int n = 0; term != 0;) {
    cosine += n % 4 == 0 ? term : -term;
    term = multiply(term, rest) / ++n;
    sine += n % 4 == 1 ? term : -term;
    term = multiply(term, rest) / ++n;
  }
  // Turning by an octant is (c - s, c + s) / sqrt(2); by two is (-s, c).
  constexpr Real kInvSqrt2 = 0xB504F333F9DE65;
  if (count % 2 == 1) {
    const Real turned = multiply(cosine - sine, kInvSqrt2);
    sine = multiply(cosine + sine, kInvSqrt2);
    cosine = turned;
  }
  for (int quarter = 0; quarter < count / 2; ++quarter) {
    const Real turned = -sine;
    sine = cosine;
    cosine = turned;
  }
  return {cosine, sine};
}

/// P(N > z) of a standard normal variable, z >= 0.
Real normal_tail(Real z) {
  const Real square = multiply(z, z) / 2;
  const Real density = multiply(kInvSqrt2Pi, exp_negative(square));
  if (z < 3 * kOne) {
    // 1/2 - density (z + z^3/3 + z^5/(3 5) + ...)
    Real term = z;
    Real sum = 0;
    for (int n = 3; term != 0; n += 2) {
      sum += term;
      term = multiply(term, 2 * square) / n;
    }
    return kOne / 2 - multiply(density, sum);
  }
  // density / (z + 1/(z + 2/(z + 3/...))), which 200 steps settle from z = 3 on.
  Real fraction = z;
  for (int n = 200; n >= 1; --n) fraction = z + divide(n * kOne, fraction);
  return divide(density, fraction);
}

/// 1 / (1 + e^x) for x >= 0.
Real logistic_tail(Real x) {
  const Real e = exp_negative(x);
  return divide(e, kOne + e);
}

Real tail(Function function, Real z) {
  switch (function) {
    case Function::kGeluTanh: {
      const Real cubic = multiply(z, kOne + multiply(kGelu, multiply(z, z)));
      return logistic_tail(2 * multiply(kSqrt2OverPi, cubic));
    }
    case Function::kGeluErf:
      return normal_tail(z);
    case Function::kSilu:
      return logistic_tail(z);
    case Function::kRelu:
      break;
  }
  throw InternalError("ReLU has no table");
}

/// x to the nearest of `fraction` fractional bits.
std::int32_t to_fraction(Real x, int fraction) {
  return static_cast<std::int32_t>(round_shift(x, kFraction - fraction));
}

TailTable make_tail_table(Function function) {
  TailTable table;
  table.log_range = function == Function::kSilu ? 4 : 3;
  for (std::size_t i = 0; i < table.entries.size(); ++i) {
    const Real z = (static_cast<Real>(i) << (kFraction + table.log_range)) / 512;
    table.entries[i] = to_fraction(tail(function, z), 16);
  }
  return table;
}

ExponentialTable make_exponential_table() {
  ExponentialTable table{};
  for (std::size_t a = 0; a < table.size(); ++a) {
    table[a] = to_fraction(exp_negative(static_cast<Real>(a) * kLn2 / 64), 15);
  }
  return table;
}

}  // namespace

const ExponentialTable& exponential_table() {
  static const ExponentialTable table = make_exponential_table();
  return table;
}

const TailTable& tail_table(Function function) {
  static const TailTable gelu_tanh = make_tail_table(Function::kGeluTanh);
  static const TailTable gelu_erf = make_tail_table(Function::kGeluErf);
  static const TailTable silu = make_tail_table(Function::kSilu);
  return function == Function::kGeluTanh  ? gelu_tanh
         : function == Function::kGeluErf ? gelu_erf
                                          : silu;
}

RotaryTable rotary_table(const Rope& rope, std::int64_t count) {
  const std::int64_t pairs = rope.rotary_dim / 2;
  RotaryTable table;
  table.cosine.resize(static_cast<std::size_t>(count * pairs));
  table.sine.resize(table.cosine.size());
  const Real log_theta = logarithm(rope.theta);
  for (std::int64_t i = 0; i < pairs; ++i) {
    const Real frequency = round_shift(exp_negative(2 * Real{i} * log_theta / rope.rotary_dim),
                                       kFraction - kFrequency);
    for (std::int64_t t = 0; t < count; ++t) {
      // Turns are taken away with the fraction of the product, 56 bits longer.
      const Real angle = ((rope.first_position + t) * frequency) << kFraction;
      const Direction turn = direction((angle % kTurn) >> kFrequency);
      const auto at = static_cast<std::size_t>(t * pairs + i);
      table.cosine[at] = to_fraction(turn.cosine, 15);
      table.sine[at] = to_fraction(turn.sine, 15);
    }
  }
  return table;
}

}  // namespace heddle::arith
