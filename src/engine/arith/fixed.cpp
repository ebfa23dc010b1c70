#include "engine/arith/fixed.h"

#include <cmath>

namespace heddle::arith {

std::uint64_t square_root(std::uint64_t x) {
  // Digit by digit, so that it is exact and the same everywhere.
  std::uint64_t root = 0;
  for (std::uint64_t digit = std::uint64_t{1} << 31; digit != 0; digit >>= 1) {
    const std::uint64_t next = root | digit;
    if (next * next <= x) root = next;
  }
  return root;
}

Scale nearest_scale(double real) {
  if (real == 0) return {};
  int exponent = 0;
  const double fraction = std::frexp(real, &exponent);  // in [1/2, 1)
  const auto mantissa = static_cast<std::int32_t>(std::floor(std::ldexp(fraction, 16) + 0.5));
  if (mantissa == 1 << 16) return {1 << 15, exponent - 15};
  return {mantissa, exponent - 16};
}

double real(const Scale& scale) {
  return std::ldexp(scale.mantissa, scale.exponent);
}

}  // namespace heddle::arith
