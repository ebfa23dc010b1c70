#include "kernel/scalar.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/error.h"

namespace heddle::kernel {
namespace {

/// The value floor(raw / 2^shift), and the part that was cut off as a fraction of 2^shift.
struct Cut {
  Int128 kept = 0;
  Int128 rest = 0;  ///< 0 ... 2^shift - 1
  Int128 half = 0;  ///< 2^(shift-1)
};

Cut cut_off(Int128 raw, int shift) {
  if (shift > kMaxWidth) {
    // All of |raw| < 2^127 is less than a half; the rest only has to compare with one.
    const bool is_negative = raw < 0;
    const Int128 half = Int128{1} << 126;
    return {is_negative ? -1 : 0, is_negative ? half + 1 : Int128{raw != 0}, half};
  }
  const Int128 kept = raw >> shift;
  return {kept, raw - (kept << shift), Int128{1} << (shift - 1)};
}

bool rounds_up(const Cut& cut, Rounding rounding, bool is_negative) {
  if (cut.rest == 0) return false;
  const bool above = cut.rest > cut.half;
  const bool tie = cut.rest == cut.half;
  switch (rounding) {
    case Rounding::kTruncate:
      return false;
    case Rounding::kTruncateZero:
      return is_negative;
    case Rounding::kNearest:
      return above || tie;
    case Rounding::kNearestZero:
      return above || (tie && is_negative);
    case Rounding::kNearestNegative:
      return above;
    case Rounding::kNearestInfinity:
      return above || (tie && !is_negative);
    case Rounding::kNearestEven:
      return above || (tie && (cut.kept & 1) != 0);
  }
  return false;
}

/// A raw value at one fraction brought to another that is not larger, rounded.
Int128 reduce_fraction(Int128 raw, int drop, Rounding rounding) {
  const Cut cut = cut_off(raw, drop);
  return cut.kept + (rounds_up(cut, rounding, raw < 0) ? 1 : 0);
}

/// raw * 2^shift modulo 2^width, and whether that changed the value.
Int128 wrap(Int128 raw, const Type& type) {
  __extension__ typedef unsigned __int128 UInt128;
  const UInt128 mask = (UInt128{1} << type.width) - 1;
  const UInt128 low = static_cast<UInt128>(raw) & mask;
  const bool is_negative = type.is_signed && ((low >> (type.width - 1)) & 1) != 0;
  return static_cast<Int128>(is_negative ? low | ~mask : low);
}

/// Applies the overflow mode to a value outside of the type. `wrapped` is its value modulo 2^width.
Int128 overflowed(bool is_below, Int128 wrapped, const Type& type, Fault& fault) {
  switch (type.overflow) {
    case Overflow::kExact:
      fault = Fault::kOverflow;
      return wrapped;
    case Overflow::kWrap:
      return wrapped;
    case Overflow::kSaturate:
      return is_below ? lowest(type) : highest(type);
    case Overflow::kSaturateZero:
      return 0;
    case Overflow::kSaturateSymmetric:
      if (!is_below) return highest(type);
      return type.is_signed ? -highest(type) : 0;
  }
  return wrapped;
}

Int128 fit(Int128 raw, const Type& type, Fault& fault) {
  if (type.is_index()) {
    const Type as_fixed = int_type(64);
    if (raw >= lowest(type) && raw <= highest(type)) return raw;
    fault = Fault::kOverflow;
    return wrap(raw, as_fixed);
  }
  // A symmetric type never holds its lowest value.
  const bool is_symmetric = type.overflow == Overflow::kSaturateSymmetric && type.is_signed;
  const Int128 low = is_symmetric ? -highest(type) : lowest(type);
  if (raw >= low && raw <= highest(type)) return raw;
  return overflowed(raw < low, wrap(raw, type), type, fault);
}

/// raw * 2^up, which may not fit 128 bits, in the type.
Int128 fit_shifted(Int128 raw, int up, const Type& type, Fault& fault) {
  if (raw == 0) return fit(0, type, fault);
  const Int128 magnitude = raw < 0 ? -raw : raw;
  if (up < kMaxWidth && magnitude <= (highest(uint_type(kMaxWidth)) >> up)) {
    return fit(raw * (Int128{1} << up), type, fault);
  }
  __extension__ typedef unsigned __int128 UInt128;
  const UInt128 low_bits = up >= 128 ? 0 : static_cast<UInt128>(raw) << up;
  return overflowed(raw < 0, wrap(static_cast<Int128>(low_bits), type), type, fault);
}

Type as_fixed(const Type& type) {
  return type.is_fixed() ? type : int_type(64);
}

Int128 from_real(float real, const Type& to, Fault& fault) {
  const Type type = as_fixed(to);
  if (std::isnan(real)) {
    if (to.is_index() || type.overflow == Overflow::kExact) fault = Fault::kOverflow;
    return 0;
  }
  if (std::isinf(real)) {
    Type target = type;
    if (to.is_index()) target.overflow = Overflow::kExact;
    return overflowed(real < 0, 0, target, fault);
  }
  int exponent = 0;
  const float mantissa = std::frexp(real, &exponent);  // 0.5 <= |mantissa| < 1, 24 bits
  const auto raw = static_cast<Int128>(std::ldexp(mantissa, 24));
  const int up = exponent - 24 + type.fraction;
  if (up >= 0) return fit_shifted(raw, up, to.is_index() ? to : type, fault);
  return fit(reduce_fraction(raw, -up, type.rounding), to.is_index() ? to : type, fault);
}

/// The float nearest to raw * 2^-fraction, ties to even.
float to_real(Int128 raw, int fraction) {
  const bool is_negative = raw < 0;
  Int128 magnitude = is_negative ? -raw : raw;
  int drop = 0;
  while ((magnitude >> drop) >= (Int128{1} << 62)) ++drop;
  if (drop > 0) {
    // Keep a sticky bit, so that the conversion below still rounds correctly.
    const bool sticky = (magnitude & ((Int128{1} << drop) - 1)) != 0;
    magnitude = (magnitude >> drop) | Int128{sticky};
  }
  // ldexp rounds once if the float conversion of 24 bits or fewer is exact; so round to the
  // result's precision here first, where subnormals have fewer bits.
  const int exponent = drop - fraction;
  const auto bits = static_cast<std::uint64_t>(magnitude);
  const int width = 64 - std::countl_zero(bits);
  const int top = width + exponent;  // value < 2^top
  const int precision = std::clamp(top + 149, 0, 24);
  const int cut = std::max(0, width - precision);
  const Int128 rounded =
      cut == 0 ? Int128{bits} : reduce_fraction(Int128{bits}, cut, Rounding::kNearestEven);
  const float value = std::ldexp(static_cast<float>(rounded), exponent + cut);
  return is_negative ? -value : value;
}

Int128 align(const Scalar& value, int fraction) {
  return value.raw * (Int128{1} << (fraction - value.type.fraction));
}

int compare(const Scalar& a, const Scalar& b) {
  const int fraction = std::max(a.type.fraction, b.type.fraction);
  const Int128 x = align(a, fraction);
  const Int128 y = align(b, fraction);
  return x < y ? -1 : Int128{x > y} != 0;
}

bool holds(BinaryOp op, int order) {
  switch (op) {
    case BinaryOp::kEq:
      return order == 0;
    case BinaryOp::kNe:
      return order != 0;
    case BinaryOp::kLt:
      return order < 0;
    case BinaryOp::kLe:
      return order <= 0;
    case BinaryOp::kGt:
      return order > 0;
    default:
      return order >= 0;
  }
}

bool holds(BinaryOp op, float a, float b) {
  switch (op) {
    case BinaryOp::kEq:
      return a == b;
    case BinaryOp::kNe:
      return a != b;
    case BinaryOp::kLt:
      return a < b;
    case BinaryOp::kLe:
      return a <= b;
    case BinaryOp::kGt:
      return a > b;
    default:
      return a >= b;
  }
}

Scalar of_bool(bool value) {
  return {bool_type(), Int128{value}, 0};
}

float real_result(BinaryOp op, float a, float b) {
  switch (op) {
    case BinaryOp::kAdd:
      return a + b;
    case BinaryOp::kSub:
      return a - b;
    case BinaryOp::kMul:
      return a * b;
    case BinaryOp::kDiv:
      return a / b;
    case BinaryOp::kMin:
      return b < a ? b : a;
    case BinaryOp::kMax:
      return a < b ? b : a;
    default:
      throw InternalError(fmt::format("{} on floats", to_string(op)));
  }
}

Int128 divide_index(BinaryOp op, Int128 a, Int128 b, Fault& fault) {
  if (b <= 0) {
    fault = b == 0 ? Fault::kDivideByZero : Fault::kNotPositive;
    return 0;
  }
  const Int128 quotient = a / b - (a % b < 0 ? 1 : 0);
  return op == BinaryOp::kDiv ? quotient : a - quotient * b;
}

Int128 divide_integer(BinaryOp op, Int128 a, Int128 b, Fault& fault) {
  if (b == 0) {
    fault = Fault::kDivideByZero;
    return 0;
  }
  return op == BinaryOp::kDiv ? a / b : a % b;
}

Int128 shift(BinaryOp op, const Scalar& a, Int128 amount, const Type& result, Fault& fault) {
  if (amount < 0) {
    fault = Fault::kShift;
    return 0;
  }
  const int by = static_cast<int>(std::min<Int128>(amount, kMaxWidth));
  if (op == BinaryOp::kShr) return a.raw >> by;
  return fit_shifted(a.raw, by, result, fault);
}

Int128 raw_result(BinaryOp op, const Scalar& a, const Scalar& b, const Type& result, Fault& fault) {
  switch (op) {
    case BinaryOp::kAdd:
      return align(a, result.fraction) + align(b, result.fraction);
    case BinaryOp::kSub:
      return align(a, result.fraction) - align(b, result.fraction);
    case BinaryOp::kMul:
      return a.raw * b.raw;
    case BinaryOp::kDiv:
    case BinaryOp::kMod:
      return result.is_index() ? divide_index(op, a.raw, b.raw, fault)
                               : divide_integer(op, a.raw, b.raw, fault);
    case BinaryOp::kMin:
      return compare(b, a) < 0 ? b.raw : a.raw;
    case BinaryOp::kMax:
      return compare(a, b) < 0 ? b.raw : a.raw;
    case BinaryOp::kAnd:
      return a.raw & b.raw;
    case BinaryOp::kOr:
      return a.raw | b.raw;
    case BinaryOp::kXor:
      return a.raw ^ b.raw;
    case BinaryOp::kShl:
    case BinaryOp::kShr:
      return shift(op, a, b.raw, result, fault);
    default:
      throw InternalError(fmt::format("{} has no raw result", to_string(op)));
  }
}

}  // namespace

Int128 lowest(const Type& type) {
  if (type.is_bool()) return 0;
  if (type.is_index()) return -(Int128{1} << 63);
  return type.is_signed ? -(Int128{1} << (type.width - 1)) : 0;
}

Int128 highest(const Type& type) {
  if (type.is_bool()) return 1;
  if (type.is_index()) return (Int128{1} << 63) - 1;
  // Not 1 << 127 - 1, which would overflow on the way.
  const int bits = type.is_signed ? type.width - 1 : type.width;
  return bits == 127 ? ~(Int128{1} << 127) : (Int128{1} << bits) - 1;
}

Scalar convert(const Scalar& value, const Type& to, Fault& fault) {
  if (to.is_float()) {
    const float real = value.type.is_float() ? value.real : to_real(value.raw, value.type.fraction);
    return {to, 0, to.kind == TypeKind::kBFloat16 ? round_to_bfloat16(real) : real};
  }
  if (value.type.is_float()) return {to, from_real(value.real, to, fault), 0};
  const int up = to.fraction - value.type.fraction;
  if (up >= 0) return {to, fit_shifted(value.raw, up, to, fault), 0};
  return {to, fit(reduce_fraction(value.raw, -up, to.rounding), to, fault), 0};
}

Scalar apply(UnaryOp op, const Scalar& a, const Type& result, Fault& fault) {
  if (result.is_float()) {
    float real = a.real;
    switch (op) {
      case UnaryOp::kNegate:
        real = -a.real;
        break;
      case UnaryOp::kAbs:
        real = std::fabs(a.real);
        break;
      case UnaryOp::kSqrt:
        real = std::sqrt(a.real);
        break;
      case UnaryOp::kFloor:
        real = std::floor(a.real);
        break;
      case UnaryOp::kRound:
        real = std::nearbyint(a.real);
        break;
      case UnaryOp::kNot:
        throw InternalError("! on floats");
    }
    return {result, 0, result.kind == TypeKind::kBFloat16 ? round_to_bfloat16(real) : real};
  }
  switch (op) {
    case UnaryOp::kNegate:
      return {result, fit(-a.raw, result, fault), 0};
    case UnaryOp::kAbs:
      return {result, fit(a.raw < 0 ? -a.raw : a.raw, result, fault), 0};
    case UnaryOp::kNot:
      if (result.is_bool()) return of_bool(a.raw == 0);
      return {result, result.is_signed ? ~a.raw : highest(result) - a.raw, 0};
    default:
      throw InternalError(fmt::format("{} on integers", to_string(op)));
  }
}

Scalar apply(BinaryOp op, const Scalar& a, const Scalar& b, const Type& result, Fault& fault) {
  if (is_comparison(op)) {
    return of_bool(a.type.is_float() ? holds(op, a.real, b.real) : holds(op, compare(a, b)));
  }
  if (result.is_float()) {
    const float real = real_result(op, a.real, b.real);
    return {result, 0, result.kind == TypeKind::kBFloat16 ? round_to_bfloat16(real) : real};
  }
  const Int128 raw = raw_result(op, a, b, result, fault);
  return {result, result.is_index() ? fit(raw, result, fault) : raw, 0};
}

Scalar reinterpret(const Scalar& value, const Type& to) {
  Int128 bits = value.raw;
  if (value.type.is_float()) {
    bits = std::bit_cast<std::uint32_t>(value.real);
    if (value.type.kind == TypeKind::kBFloat16) bits >>= 16;
  }
  if (to.is_float()) {
    auto word = static_cast<std::uint32_t>(bits);
    if (to.kind == TypeKind::kBFloat16) word <<= 16;
    return {to, 0, std::bit_cast<float>(word)};
  }
  if (to.is_bool()) return {to, bits & 1, 0};
  return {to, wrap(bits, as_fixed(to)), 0};
}

float round_to_bfloat16(float value) {
  auto bits = std::bit_cast<std::uint32_t>(value);
  if (std::isnan(value)) return std::bit_cast<float>((bits | 0x00400000U) & 0xFFFF0000U);
  bits += 0x7FFFU + ((bits >> 16) & 1U);
  return std::bit_cast<float>(bits & 0xFFFF0000U);
}

std::string to_string(Int128 value) {
  if (value == 0) return "0";
  const bool is_negative = value < 0;
  std::string digits;
  while (value != 0) {
    const int digit = static_cast<int>(value % 10);
    digits += static_cast<char>('0' + (digit < 0 ? -digit : digit));
    value /= 10;
  }
  if (is_negative) digits += '-';
  return {digits.rbegin(), digits.rend()};
}

std::string to_string(const Scalar& value) {
  if (value.type.is_float()) return fmt::format("{}", value.real);
  if (value.type.is_bool()) return value.raw != 0 ? "true" : "false";
  if (value.type.fraction == 0) return to_string(value.raw);
  return fmt::format("{}", std::ldexp(static_cast<double>(value.raw), -value.type.fraction));
}

}  // namespace heddle::kernel
