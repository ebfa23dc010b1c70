#include "kernel/codegen/cpp/carrier.h"

#include <bit>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "kernel/scalar.h"

namespace heddle::kernel::native {
namespace {

__extension__ typedef unsigned __int128 UInt128;

/// The value modulo 2^bits, as the carrier reads it.
Int128 wrapped(Int128 value, Carrier carrier) {
  switch (carrier) {
    case Carrier::kBool:
      return value & 1;
    case Carrier::kI32:
      return static_cast<std::int32_t>(value);
    case Carrier::kU32:
      return static_cast<std::uint32_t>(value);
    case Carrier::kI64:
      return static_cast<std::int64_t>(value);
    case Carrier::kU64:
      return static_cast<std::uint64_t>(value);
    case Carrier::kI128:
    case Carrier::kFloat:
      break;
  }
  return value;
}

std::string wide_literal(Int128 value) {
  const auto high = static_cast<std::int64_t>(value >> 64);
  const auto low = static_cast<std::uint64_t>(static_cast<UInt128>(value));
  return fmt::format("((__int128)((unsigned __int128){:#x}UL << 64) | {:#x}UL)",
                     static_cast<std::uint64_t>(high), low);
}

}  // namespace

Carrier integer_carrier(bool is_signed, int width) {
  if (is_signed) {
    if (width <= 32) return Carrier::kI32;
    return width <= 64 ? Carrier::kI64 : Carrier::kI128;
  }
  if (width <= 31) return Carrier::kI32;
  if (width == 32) return Carrier::kU32;
  if (width <= 63) return Carrier::kI64;
  return width == 64 ? Carrier::kU64 : Carrier::kI128;
}

Carrier carrier_of(const Type& type) {
  switch (type.kind) {
    case TypeKind::kBool:
      return Carrier::kBool;
    case TypeKind::kIndex:
      return Carrier::kI64;
    case TypeKind::kFloat32:
    case TypeKind::kBFloat16:
      return Carrier::kFloat;
    case TypeKind::kFixed:
      break;
  }
  return integer_carrier(type.is_signed, type.width);
}

int bits_of(Carrier carrier) {
  switch (carrier) {
    case Carrier::kBool:
      return 1;
    case Carrier::kI32:
    case Carrier::kU32:
    case Carrier::kFloat:
      return 32;
    case Carrier::kI64:
    case Carrier::kU64:
      return 64;
    case Carrier::kI128:
      break;
  }
  return 128;
}

std::string cpp_name(Carrier carrier) {
  switch (carrier) {
    case Carrier::kBool:
      return "bool";
    case Carrier::kI32:
      return "std::int32_t";
    case Carrier::kU32:
      return "std::uint32_t";
    case Carrier::kI64:
      return "std::int64_t";
    case Carrier::kU64:
      return "std::uint64_t";
    case Carrier::kI128:
      return "__int128";
    case Carrier::kFloat:
      break;
  }
  return "float";
}

Type as_fixed(const Type& type) {
  if (type.is_bool()) return uint_type(1);
  return type.is_index() ? int_type(64) : type;
}

std::string memory_type(const Type& element) {
  switch (element.kind) {
    case TypeKind::kBool:
      return "std::uint8_t";
    case TypeKind::kIndex:
      return "std::int64_t";
    case TypeKind::kFloat32:
      return "float";
    case TypeKind::kBFloat16:
      return "std::uint16_t";
    case TypeKind::kFixed:
      break;
  }
  return fmt::format("std::{}int{}_t", element.is_signed ? "" : "u", 8 * element.bytes());
}

Carrier loaded_carrier(const Type& element) {
  if (!element.is_fixed()) return carrier_of(element);
  // As C++ promotes: what is narrower than int becomes int.
  const int bytes = element.bytes();
  return integer_carrier(element.is_signed, bytes <= 2 && !element.is_signed ? 16 : 8 * bytes);
}

Value integer_literal(Int128 value, Carrier carrier) {
  const Int128 raw = wrapped(value, carrier);
  std::string text;
  switch (carrier) {
    case Carrier::kBool:
      text = raw != 0 ? "true" : "false";
      break;
    case Carrier::kI32:
      text = raw == std::numeric_limits<std::int32_t>::min() ? "(-2147483647 - 1)" : to_string(raw);
      break;
    case Carrier::kU32:
      text = to_string(raw) + "U";
      break;
    case Carrier::kI64:
      text = raw == std::numeric_limits<std::int64_t>::min() ? "(-9223372036854775807L - 1)"
                                                             : to_string(raw) + "L";
      break;
    case Carrier::kU64:
      text = to_string(raw) + "UL";
      break;
    case Carrier::kI128:
      text = wide_literal(raw);
      break;
    case Carrier::kFloat:
      throw InternalError("an integer literal of type float");
  }
  if (text.front() == '-') text = "(" + text + ")";
  return {text, carrier, raw};
}

Value float_literal(float value) {
  if (std::isnan(value)) {
    return {fmt::format("__builtin_bit_cast(float, {:#x}U)", std::bit_cast<std::uint32_t>(value)),
            Carrier::kFloat};
  }
  if (std::isinf(value)) {
    return {value < 0 ? "(-__builtin_inff())" : "__builtin_inff()", Carrier::kFloat};
  }
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  text += "f";
  if (text.front() == '-') text = "(" + text + ")";
  return {text, Carrier::kFloat};
}

Value in_carrier(const Value& value, Carrier carrier) {
  if (value.carrier == carrier) return value;
  if (value.literal && carrier != Carrier::kFloat) return integer_literal(*value.literal, carrier);
  return {fmt::format("({}){}", cpp_name(carrier), value.text), carrier};
}

std::string bare(const std::string& text) {
  if (text.size() < 2 || text.front() != '(') return text;
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '(') ++depth;
    if (text[i] == ')') --depth;
    if (depth == 0) return i + 1 == text.size() ? text.substr(1, i - 1) : text;
  }
  return text;
}

}  // namespace heddle::kernel::native
