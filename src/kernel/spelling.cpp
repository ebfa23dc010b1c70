#include "kernel/spelling.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/text.h"
#include "kernel/scalar.h"

namespace heddle::kernel {
namespace {

constexpr std::array<std::string_view, 12> kReserved = {
    "bits", "else", "false", "fixed", "for", "if", "inf", "int", "nan", "true", "ufixed", "uint"};
constexpr std::array<std::string_view, 11> kBuiltinFunctions = {
    "abs", "bfloat16", "bool",  "float32", "floor", "index",
    "max", "min",      "round", "select",  "sqrt"};
constexpr std::uint32_t kUsualNan = 0x7FC00000U;
/// Fractions with more bits are written raw.
constexpr int kMostDecimals = 24;

Expr float_node(const Type& type, float value) {
  return Expr(std::make_shared<const ExprNode>(ExprNode{type, Constant{0, value}}));
}

/// The bits of a float literal in its own width.
std::uint32_t float_bits(const Expr& literal) {
  const auto bits = std::bit_cast<std::uint32_t>(literal.as<Constant>()->real);
  return literal.type().kind == TypeKind::kBFloat16 ? bits >> 16 : bits;
}

/// The shortest text that reads back as the same float32; none for unusual NaNs.
std::optional<std::string> float_text(float value) {
  if (std::isnan(value)) {
    if (std::bit_cast<std::uint32_t>(value) != kUsualNan) return std::nullopt;
    return "nan";
  }
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  std::array<char, 32> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  std::string text(buffer.data(), end);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

/// raw * 2^-fraction as a decimal fraction; none if it would be long.
std::optional<std::string> decimal_text(Int128 raw, int fraction) {
  if (fraction < 1 || fraction > kMostDecimals) return std::nullopt;
  Int128 scaled = raw < 0 ? -raw : raw;  // raw * 5^fraction: as many decimals as fraction bits
  for (int i = 0; i < fraction; ++i) {
    if (__builtin_mul_overflow(scaled, Int128{5}, &scaled)) return std::nullopt;
  }
  std::string digits = to_string(scaled);
  const auto places = static_cast<std::size_t>(fraction);
  if (digits.size() <= places) digits.insert(0, places + 1 - digits.size(), '0');
  const std::string_view whole = std::string_view(digits).substr(0, digits.size() - places);
  std::string_view decimals = std::string_view(digits).substr(whole.size());
  while (decimals.size() > 1 && decimals.ends_with('0')) decimals.remove_suffix(1);
  return fmt::format("{}{}.{}", raw < 0 ? "-" : "", whole, decimals);
}

/// The raw value of a decimal fraction in a type with `fraction` bits, if it is a multiple of
/// 2^-fraction and its digits fit 127 bits.
std::optional<Int128> exact_raw(std::string_view number, int fraction) {
  const bool is_negative = number.starts_with('-');
  if (is_negative) number.remove_prefix(1);
  Int128 value = 0;
  int decimals = 0;
  bool after_point = false;
  for (const char c : number) {
    if (c == '.') {
      after_point = true;
      continue;
    }
    if (c < '0' || c > '9') return std::nullopt;  // An exponent.
    if (__builtin_mul_overflow(value, Int128{10}, &value)) return std::nullopt;
    if (__builtin_add_overflow(value, Int128{c - '0'}, &value)) return std::nullopt;
    decimals += after_point ? 1 : 0;
  }
  if (value == 0) return 0;
  for (; decimals > 0 && value % 10 == 0; --decimals) value /= 10;
  for (int i = 0; i < decimals; ++i) {
    if (value % 5 != 0) return std::nullopt;
    value /= 5;
  }
  int up = fraction - decimals;
  for (; up < 0; ++up) {
    if (value % 2 != 0) return std::nullopt;
    value /= 2;
  }
  if (up > 126 || value > (~(Int128{1} << 127) >> up)) return std::nullopt;
  value *= Int128{1} << up;
  return is_negative ? -value : value;
}

bool is_fraction(std::string_view number) {
  return !number.starts_with("0x") && number.find_first_of(".e") != std::string_view::npos;
}

float parse_float(std::string_view text) {
  if (text == "nan") return std::bit_cast<float>(kUsualNan);
  if (text == "-nan") return -std::bit_cast<float>(kUsualNan);
  if (text == "inf" || text == "-inf") {
    const float infinity = std::numeric_limits<float>::infinity();
    return text == "inf" ? infinity : -infinity;
  }
  float value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc{}) {
    throw UserError(fmt::format("the number {} is outside of float32", shorten(text, 40)),
                    "float32 reaches from 1e-45 to 3.4e38: use a number in between, 0.0 or inf");
  }
  return value;
}

/// A decimal or hexadecimal (0x) integer with sign.
Int128 parse_integer(const std::string& text) {
  std::string_view digits = text;
  const bool is_negative = digits.starts_with('-');
  if (is_negative) digits.remove_prefix(1);
  const bool is_hex = digits.starts_with("0x");
  if (is_hex) digits.remove_prefix(2);
  Int128 value = 0;
  for (const char c : digits) {
    const int digit = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
    if (__builtin_mul_overflow(value, Int128{is_hex ? 16 : 10}, &value) ||
        __builtin_sub_overflow(value, Int128{digit}, &value)) {  // Downward: -2^127 is a number.
      throw UserError(fmt::format("the number {} has more than 127 bits", shorten(text, 40)),
                      "use a smaller number");
    }
  }
  if (!is_negative && value == Int128{1} << 127) {
    throw UserError(fmt::format("the number {} has more than 127 bits", shorten(text, 40)),
                    "use a smaller number");
  }
  return is_negative ? value : -value;
}

bool fits_64(Int128 value) {
  return value >= std::numeric_limits<std::int64_t>::min() &&
         value <= std::numeric_limits<std::int64_t>::max();
}

/// The value of a literal that is a whole number; none for others.
std::optional<Int128> whole_value(const Expr& literal) {
  const Int128 raw = literal.as<Constant>()->raw;
  const Type& type = literal.type();
  if (type.is_index()) return raw;
  if (!type.is_fixed() || type.fraction < 0 || type.fraction > 64) return std::nullopt;
  const Int128 one = Int128{1} << type.fraction;
  return raw % one == 0 ? std::optional(raw / one) : std::nullopt;
}

}  // namespace

bool is_identifier(std::string_view text) {
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  return !text.empty() && is_letter(text[0]) && std::all_of(text.begin(), text.end(), [&](char c) {
    return is_letter(c) || (c >= '0' && c <= '9');
  });
}

bool is_reserved(std::string_view word) {
  return std::find(kReserved.begin(), kReserved.end(), word) != kReserved.end();
}

bool is_builtin_function(std::string_view word) {
  return std::find(kBuiltinFunctions.begin(), kBuiltinFunctions.end(), word) !=
         kBuiltinFunctions.end();
}

std::optional<BareLiteral> bare_literal(const Expr& literal) {
  const Constant& value = *literal.as<Constant>();
  if (literal.type().is_bool()) return BareLiteral{value.raw != 0 ? "true" : "false", literal};
  if (literal.type().is_float()) {
    std::optional<std::string> text = float_text(value.real);
    if (!text) return std::nullopt;
    return BareLiteral{*text, float_node(float32_type(), value.real)};
  }
  const std::optional<Int128> whole = whole_value(literal);
  if (!whole || !fits_64(*whole)) return std::nullopt;
  return BareLiteral{to_string(*whole), Expr(static_cast<std::int64_t>(*whole))};
}

std::string literal_content(const Expr& literal) {
  const Type& type = literal.type();
  const Int128 raw = literal.as<Constant>()->raw;
  if (type.is_bool()) return raw != 0 ? "true" : "false";
  if (type.is_float()) {
    return float_text(literal.as<Constant>()->real)
        .value_or(fmt::format("raw 0x{:x}", float_bits(literal)));
  }
  // A number would be saturated: a symmetric type's lowest value has no other spelling.
  const bool is_beyond = type.overflow == Overflow::kSaturateSymmetric && raw == lowest(type);
  if (is_beyond && type.is_signed) return "raw " + to_string(raw);
  if (type.is_index() || type.is_integer()) return to_string(raw);
  return decimal_text(raw, type.fraction).value_or("raw " + to_string(raw));
}

Expr typed_literal(const Type& type, const std::string& content) {
  if (content == "true" || content == "false") {
    return cast(type, constant(bool_type(), Int128{content == "true" ? 1 : 0}));
  }
  const bool is_named = content.ends_with("inf") || content.ends_with("nan");
  if (type.is_float() && (is_named || is_fraction(content))) {
    const float value = parse_float(content);
    return std::isnan(value) ? float_node(type, value) : constant(type, double{value});
  }
  if (is_named) return cast(type, float_node(float32_type(), parse_float(content)));
  if (is_fraction(content)) {
    if (type.is_fixed()) {
      const std::optional<Int128> raw = exact_raw(content, type.fraction);
      if (raw && *raw >= lowest(type) && *raw <= highest(type)) return constant(type, *raw);
    }
    return cast(type, constant(float32_type(), double{parse_float(content)}));
  }
  const Int128 value = parse_integer(content);
  if (!fits_64(value) && type.is_integer()) return constant(type, value);
  return cast(type, untyped_literal(content));
}

Expr raw_literal(const Type& type, Int128 bits) {
  if (!type.is_float()) return constant(type, bits);
  const bool is_narrow = type.kind == TypeKind::kBFloat16;
  if (bits < 0 || bits > (is_narrow ? 0xFFFF : 0xFFFFFFFF)) {
    throw UserError(fmt::format("raw {} does not fit {}", to_string(bits), to_string(type)),
                    fmt::format("give its {} bits, as in raw 0x3f80", is_narrow ? 16 : 32));
  }
  const auto word = static_cast<std::uint32_t>(bits);
  return float_node(type, std::bit_cast<float>(is_narrow ? word << 16 : word));
}

Expr untyped_literal(const std::string& number) {
  if (is_fraction(number) || number.ends_with("inf") || number.ends_with("nan")) {
    return float_node(float32_type(), parse_float(number));
  }
  const Int128 value = parse_integer(number);
  if (!fits_64(value)) {
    throw UserError(fmt::format("the number {} has more than 64 bits", shorten(number, 50)),
                    fmt::format("give it a type, as in int<100>({})", shorten(number, 50)));
  }
  return {static_cast<std::int64_t>(value)};
}

}  // namespace heddle::kernel
