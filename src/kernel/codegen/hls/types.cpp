#include "kernel/codegen/hls/types.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string_view>

#include "base/error.h"
#include "kernel/scalar.h"

namespace heddle::kernel::hls {
namespace {

constexpr std::array<std::string_view, 7> kRounding = {
    "AP_TRN",         "AP_TRN_ZERO", "AP_RND",     "AP_RND_ZERO",
    "AP_RND_MIN_INF", "AP_RND_INF",  "AP_RND_CONV"};
constexpr std::array<std::string_view, 5> kOverflow = {"AP_WRAP", "AP_WRAP", "AP_SAT",
                                                       "AP_SAT_ZERO", "AP_SAT_SYM"};

std::string float_literal(float value) {
  if (std::isnan(value) || std::isinf(value)) {
    return fmt::format("heddle::float_of_bits(0x{:08x}u)", std::bit_cast<std::uint32_t>(value));
  }
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text + "f";
}

bool fits(Int128 raw, std::int64_t low, std::int64_t high) {
  return raw >= low && raw <= high;
}

std::string integer_literal(Int128 raw) {
  const bool is_int = fits(raw, -std::int64_t{0x7fffffff}, 0x7fffffff);
  if (raw == std::numeric_limits<std::int64_t>::min()) return "(-9223372036854775807LL - 1)";
  return to_string(raw) + (is_int ? "" : "LL");
}

std::string wide_literal(const Type& type, Int128 raw) {
  const Type bits = type.is_signed ? int_type(type.width) : uint_type(type.width);
  const std::string text = fmt::format("heddle::wide_literal<{}>({}, 0x{:x}ull)", cpp_type(bits),
                                       integer_literal(raw >> 64), static_cast<std::uint64_t>(raw));
  return type.is_integer() && !is_ap_fixed(type)
             ? text
             : fmt::format("heddle::bits<{}>({})", cpp_type(type), text);
}

/// Whether raw * 2^-fraction is a double without rounding.
bool is_exact_double(Int128 raw) {
  const Int128 magnitude = raw < 0 ? -raw : raw;
  return magnitude <= (Int128{1} << 53);
}

}  // namespace

bool is_ap_fixed(const Type& type) {
  if (!type.is_fixed()) return false;
  const bool has_plain_modes =
      type.rounding == Rounding::kTruncate &&
      (type.overflow == Overflow::kExact || type.overflow == Overflow::kWrap);
  return type.fraction != 0 || !has_plain_modes;
}

std::string cpp_type(const Type& type) {
  switch (type.kind) {
    case TypeKind::kBool:
      return "bool";
    case TypeKind::kIndex:
      return "long";
    case TypeKind::kFloat32:
      return "float";
    case TypeKind::kBFloat16:
      return "heddle::bfloat16";
    case TypeKind::kFixed:
      break;
  }
  const std::string_view sign = type.is_signed ? "" : "u";
  if (!is_ap_fixed(type)) return fmt::format("ap_{}int<{}>", sign, type.width);
  const std::string_view rounding = kRounding.at(static_cast<std::size_t>(type.rounding));
  const std::string_view overflow = kOverflow.at(static_cast<std::size_t>(type.overflow));
  std::string modes;
  if (overflow != "AP_WRAP") {
    modes = fmt::format(", {}, {}", rounding, overflow);
  } else if (rounding != "AP_TRN") {
    modes = fmt::format(", {}", rounding);
  }
  return fmt::format("ap_{}fixed<{}, {}{}>", sign, type.width, type.width - type.fraction, modes);
}

std::string as_ap_fixed(const Type& type) {
  return fmt::format("ap_{}fixed<{}, {}>", type.is_signed ? "" : "u", type.width,
                     type.width - type.fraction);
}

int pitch(const Type& type) {
  return 8 * type.bytes();
}

bool is_plain_integer(const Type& type, const Constant& value) {
  return type.is_integer() && fits(value.raw, std::numeric_limits<std::int64_t>::min(),
                                   std::numeric_limits<std::int64_t>::max());
}

std::string plain_literal(const Type& type, const Constant& value) {
  switch (type.kind) {
    case TypeKind::kBool:
      return value.raw != 0 ? "true" : "false";
    case TypeKind::kIndex:
      return integer_literal(value.raw);
    case TypeKind::kFloat32:
      return float_literal(value.real);
    case TypeKind::kBFloat16:
      return fmt::format("heddle::bfloat16({})", float_literal(value.real));
    case TypeKind::kFixed:
      break;
  }
  if (is_plain_integer(type, value)) return integer_literal(value.raw);
  const bool is_double = is_exact_double(value.raw) && std::abs(type.fraction) < 900;
  if (!is_double || type.is_integer()) return typed_literal(type, value);
  const double real = std::ldexp(static_cast<double>(value.raw), -type.fraction);
  const std::string text = fmt::format("{}", real);
  return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
}

std::string typed_literal(const Type& type, const Constant& value) {
  if (!type.is_fixed()) return plain_literal(type, value);
  if (type.fraction != 0 ? !is_exact_double(value.raw) || std::abs(type.fraction) >= 900
                         : !is_plain_integer(type, value)) {
    if (type.width > 64) return wide_literal(type, value.raw);
    const Type bits = type.is_signed ? int_type(type.width) : uint_type(type.width);
    const std::string raw = type.is_signed
                                ? integer_literal(value.raw)
                                : fmt::format("0x{:x}ull", static_cast<std::uint64_t>(value.raw));
    const std::string text = fmt::format("{}({})", cpp_type(bits), raw);
    return is_ap_fixed(type) ? fmt::format("heddle::bits<{}>({})", cpp_type(type), text) : text;
  }
  return fmt::format("{}({})", cpp_type(type), plain_literal(type, value));
}

}  // namespace heddle::kernel::hls
