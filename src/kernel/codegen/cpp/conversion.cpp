// Conversions between types: the plain cases as operators, the others as calls of helpers whose
// template arguments describe both types.
#include <algorithm>

#include "base/error.h"
#include "kernel/codegen/cpp/expression.h"
#include "kernel/scalar.h"

namespace heddle::kernel::native {
namespace {

int number(Rounding rounding) {
  return static_cast<int>(rounding);
}
int number(Overflow overflow) {
  return static_cast<int>(overflow);
}

/// Whether every value of `from`, rounded however, is one of `to`.
bool always_fits(const Type& from, const Type& to) {
  const int drop = from.fraction - to.fraction;
  if (-drop + from.width > kMaxWidth) return false;
  const bool is_symmetric = to.is_signed && to.overflow == Overflow::kSaturateSymmetric;
  const Int128 least = is_symmetric ? -highest(to) : lowest(to);
  if (drop <= 0) {
    const Int128 unit = Int128{1} << -drop;
    return lowest(from) * unit >= least && highest(from) * unit <= highest(to);
  }
  const int by = std::min(drop, kMaxWidth - 1);
  const Int128 up = to.rounding == Rounding::kTruncate ? 0 : 1;
  return (lowest(from) >> by) >= least && (highest(from) >> by) + up <= highest(to);
}

}  // namespace

Value ExpressionWriter::converted(const Expr& e, const Type& to) const {
  if (e.type() == to || to.is_bool()) return exact(e);
  if (to.is_float()) return to_float(e, to);
  return e.type().is_float() ? from_float(e, to) : to_fixed(e, to);
}

Value ExpressionWriter::to_float(const Expr& e, const Type& to) const {
  const Value value = exact(e);
  if (e.type().is_float()) return rounded(value.text, to);
  const int exponent = std::clamp(-as_fixed(e.type()).fraction, -300, 300);
  // A float has these powers of two, and the product is exact unless it is infinite.
  if (exponent >= -126 && exponent <= 127) {
    std::string text = in_carrier(value, Carrier::kFloat).text;
    if (value.literal) text = fmt::format("(float){}", value.text);
    if (exponent != 0) text = fmt::format("({} * 0x1p{}f)", text, exponent);
    return rounded(text, to);
  }
  return rounded(fmt::format("{}<{}>({})", needs_.helper("to_real"), exponent, bare(value.text)),
                 to);
}

Value ExpressionWriter::from_float(const Expr& e, const Type& to) const {
  const Type type = as_fixed(to);
  // Beyond 2^300 every number but 0 is beyond all types, and below 2^-300 nearer to 0 than a half.
  const int fraction = std::clamp<int>(type.fraction, -300, 300);
  const bool is_float_enough = fraction >= 0 && fraction <= 127 && type.width <= 64;
  const Carrier carrier = carrier_of(to);
  return {
      fmt::format("{}<{}, {}, {}, {}, {}, {}, {}>({})", needs_.helper("from_real"),
                  cpp_name(carrier), is_float_enough ? "float" : "double", fraction, type.is_signed,
                  type.width, number(type.rounding), number(type.overflow), bare(exact(e).text)),
      carrier};
}

Value ExpressionWriter::to_fixed(const Expr& e, const Type& to) const {
  const Type from = as_fixed(e.type());
  const Type type = as_fixed(to);
  const Carrier carrier = carrier_of(to);
  const int drop = from.fraction - type.fraction;
  const bool fits = type.overflow == Overflow::kExact || always_fits(from, type);
  const bool keeps_low_bits = fits || type.overflow == Overflow::kWrap;
  const bool truncates = drop <= 0 || type.rounding == Rounding::kTruncate;
  const int width = type.width + std::max(drop, 0);
  if (keeps_low_bits && truncates && width <= kMaxWidth) {
    // Bits above these are cut off, or do not matter.
    Value value = low(e, integer_carrier(type.is_signed, width));
    if (drop > 0) value.text = fmt::format("({} >> {})", value.text, drop);
    if (drop > 0) value.literal.reset();
    value = shifted(in_carrier(value, carrier), std::max(-drop, 0));
    return fits ? value : wrapped(value, type);
  }
  Carrier working = carrier_of(e.type());
  if (working == Carrier::kBool) working = Carrier::kI32;
  if (drop > 0 && drop <= from.width && drop >= bits_of(working)) {
    working = integer_carrier(true, std::min(drop + 1, kMaxWidth));
  }
  return {
      fmt::format("{}<{}, {}, {}, {}, {}, {}, {}, {}>({})", needs_.helper("fit"), cpp_name(carrier),
                  cpp_name(working), int{from.width}, drop, type.is_signed, int{type.width},
                  number(type.rounding), number(type.overflow), bare(exact(e).text)),
      carrier};
}

Value ExpressionWriter::wrapped(const Value& value, const Type& type) const {
  const Type fixed = as_fixed(type);
  const bool is_whole = bits_of(value.carrier) == fixed.width;
  if (is_whole) return value;
  return {fmt::format("{}<{}, {}, {}>({})", needs_.helper("wrap"), cpp_name(value.carrier),
                      fixed.is_signed, int{fixed.width}, bare(value.text)),
          value.carrier};
}

}  // namespace heddle::kernel::native
