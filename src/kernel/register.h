// One value while a kernel is interpreted.
#pragma once

#include <cstdint>

#include "kernel/scalar.h"

namespace heddle::kernel {

/// Which member counts is known from the value's type: real for floats, word for narrow types (see
/// is_narrow), else wide.
union Register {
  Int128 wide;
  std::int64_t word;
  float real;
};

/// Whether every raw value of a bool, index or fixed-point type is an int64.
inline bool is_narrow(const Type& type) {
  if (type.is_float()) return false;
  return !type.is_fixed() || type.width < 64 || (type.width == 64 && type.is_signed);
}

inline Register from_word(std::int64_t word) {
  Register r{};
  r.word = word;
  return r;
}
inline Register from_real(float real) {
  Register r{};
  r.real = real;
  return r;
}

inline Scalar boxed(const Register& r, const Type& type) {
  if (type.is_float()) return {type, 0, r.real};
  return {type, is_narrow(type) ? Int128{r.word} : r.wide, 0};
}

inline Register unboxed(const Scalar& value) {
  if (value.type.is_float()) return from_real(value.real);
  if (is_narrow(value.type)) return from_word(static_cast<std::int64_t>(value.raw));
  Register r{};
  r.wide = value.raw;
  return r;
}

}  // namespace heddle::kernel
