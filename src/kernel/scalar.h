// The arithmetic of the kernel language on single values: its definition.
//
// Every back end gives these bits. Floats follow IEEE 754 binary32, round to nearest even, with
// subnormals; bfloat16 operators compute in float32 and round the result. No operation is
// contracted.
#pragma once

#include <string>

#include "kernel/expr.h"

namespace heddle::kernel {

/// A value of a type: raw for bool, index and fixed, real for floats (bfloat16 as its float32).
struct Scalar {
  Type type;
  Int128 raw = 0;
  float real = 0;
};

/// A mistake that the arithmetic met while running a kernel.
enum class Fault : std::uint8_t {
  kNone,
  kOverflow,  ///< a value outside of an exact type, or bits lost by a variable shift
  kDivideByZero,
  kShift,       ///< a negative shift amount
  kNotPositive  ///< an index divided by a divisor that is not positive
};

/// The ends of a fixed-point, bool or index type's raw range.
Int128 lowest(const Type& type);
Int128 highest(const Type& type);

/// The value in another type, by its modes. On a fault the result is what kWrap would give.
Scalar convert(const Scalar& value, const Type& to, Fault& fault);
Scalar apply(UnaryOp op, const Scalar& a, const Type& result, Fault& fault);
/// Both operands are evaluated by now; `result` is the node's type.
Scalar apply(BinaryOp op, const Scalar& a, const Scalar& b, const Type& result, Fault& fault);
/// The same bits in another type of as many bits.
Scalar reinterpret(const Scalar& value, const Type& to);

float round_to_bfloat16(float value);
/// "-3", "0.25", "1.5e-05": shortest text that reads back as the same value, "nan", "inf".
std::string to_string(const Scalar& value);
std::string to_string(Int128 value);

}  // namespace heddle::kernel
