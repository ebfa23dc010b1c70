#include "kernel/type.h"

#include <algorithm>
#include <array>

#include "base/error.h"

namespace heddle::kernel {
namespace {

constexpr std::array<std::string_view, 7> kRoundingNames = {
    "truncate",         "truncate_zero",    "nearest",     "nearest_zero",
    "nearest_negative", "nearest_infinity", "nearest_even"};
constexpr std::array<std::string_view, 5> kOverflowNames = {"exact", "wrap", "saturate",
                                                            "saturate_zero", "saturate_symmetric"};
constexpr std::array<std::string_view, 6> kUnaryNames = {"-", "abs", "!", "sqrt", "floor", "round"};
constexpr std::array<std::string_view, 18> kBinaryNames = {"+",   "-",  "*", "/",  "%",  "min",
                                                           "max", "&",  "|", "^",  "<<", ">>",
                                                           "==",  "!=", "<", "<=", ">",  ">="};

Type plain(TypeKind kind) {
  Type type;
  type.kind = kind;
  return type;
}

Type make_fixed(bool is_signed, int width, int fraction, Rounding rounding = Rounding::kTruncate,
                Overflow overflow = Overflow::kExact) {
  if (width < 1 || width > kMaxWidth) {
    throw UserError(fmt::format("a type of {} bits: types have 1 to {} bits", width, kMaxWidth),
                    "cast an operand to a narrower type first");
  }
  if (fraction < -1024 || fraction > 1024) {
    throw UserError(fmt::format("a type with {} fraction bits", fraction),
                    "keep the binary point within 1024 bits of the number");
  }
  Type type = plain(TypeKind::kFixed);
  type.is_signed = is_signed;
  type.width = static_cast<std::int16_t>(width);
  type.fraction = static_cast<std::int16_t>(fraction);
  type.rounding = rounding;
  type.overflow = overflow;
  return type;
}

/// Bits left of the point without the sign bit.
int magnitude_bits(const Type& type) {
  return type.width - type.fraction - (type.is_signed ? 1 : 0);
}

[[noreturn]] void mismatch(std::string_view op, const Type& a, const Type& b, std::string remedy) {
  throw UserError(fmt::format("{} {} {} has no meaning", to_string(a), op, to_string(b)),
                  std::move(remedy));
}

Type fixed_result(BinaryOp op, const Type& a, const Type& b) {
  const bool is_signed = a.is_signed || b.is_signed;
  const int fraction = std::max(a.fraction, b.fraction);
  const int magnitude = std::max(magnitude_bits(a), magnitude_bits(b));
  switch (op) {
    case BinaryOp::kAdd:
      return make_fixed(is_signed, magnitude + 1 + fraction + (is_signed ? 1 : 0), fraction);
    case BinaryOp::kSub:
      // Two unsigned numbers differ by less than the larger of them.
      return make_fixed(true, magnitude + fraction + (is_signed ? 2 : 1), fraction);
    case BinaryOp::kMul:
      return make_fixed(is_signed, a.width + b.width, a.fraction + b.fraction);
    case BinaryOp::kShl:
    case BinaryOp::kShr:
      if (!b.is_integer()) mismatch(to_string(op), a, b, "shift by an integer");
      return make_fixed(a.is_signed, a.width, a.fraction);
    default:
      break;
  }
  if (!a.is_integer() || !b.is_integer()) {
    mismatch(to_string(op), a, b, "it is defined for integers: cast both to int<N> or to float32");
  }
  if (op == BinaryOp::kDiv) return make_fixed(is_signed, a.width + (b.is_signed ? 1 : 0), 0);
  if (op == BinaryOp::kMod) return make_fixed(a.is_signed, a.width, 0);
  return common_type(a, b);  // kAnd, kOr, kXor
}

}  // namespace

int Type::bits() const {
  switch (kind) {
    case TypeKind::kBool:
      return 1;
    case TypeKind::kIndex:
      return 64;
    case TypeKind::kFloat32:
      return 32;
    case TypeKind::kBFloat16:
      return 16;
    case TypeKind::kFixed:
      break;
  }
  return width;
}

int Type::bytes() const {
  int size = 1;
  while (size * 8 < bits()) size *= 2;
  return size;
}

Type bool_type() {
  return plain(TypeKind::kBool);
}
Type index_type() {
  return plain(TypeKind::kIndex);
}
Type float32_type() {
  return plain(TypeKind::kFloat32);
}
Type bfloat16_type() {
  return plain(TypeKind::kBFloat16);
}

Type int_type(int width, Overflow overflow) {
  return make_fixed(true, width, 0, Rounding::kTruncate, overflow);
}
Type uint_type(int width, Overflow overflow) {
  return make_fixed(false, width, 0, Rounding::kTruncate, overflow);
}
Type fixed_type(int width, int integer_bits, Rounding rounding, Overflow overflow) {
  return make_fixed(true, width, width - integer_bits, rounding, overflow);
}
Type ufixed_type(int width, int integer_bits, Rounding rounding, Overflow overflow) {
  return make_fixed(false, width, width - integer_bits, rounding, overflow);
}

bool same_values(const Type& a, const Type& b) {
  return a.kind == b.kind && a.is_signed == b.is_signed && a.width == b.width &&
         a.fraction == b.fraction;
}

std::string to_string(const Type& type) {
  switch (type.kind) {
    case TypeKind::kBool:
      return "bool";
    case TypeKind::kIndex:
      return "index";
    case TypeKind::kFloat32:
      return "float32";
    case TypeKind::kBFloat16:
      return "bfloat16";
    case TypeKind::kFixed:
      break;
  }
  std::string text = type.is_signed ? "" : "u";
  text += type.is_integer() ? fmt::format("int<{}", type.width)
                            : fmt::format("fixed<{},{}", type.width, type.width - type.fraction);
  if (type.rounding != Rounding::kTruncate) text += fmt::format(",{}", to_string(type.rounding));
  if (type.overflow != Overflow::kExact) text += fmt::format(",{}", to_string(type.overflow));
  return text + ">";
}

std::string_view to_string(Rounding rounding) {
  return kRoundingNames.at(static_cast<std::size_t>(rounding));
}
std::string_view to_string(Overflow overflow) {
  return kOverflowNames.at(static_cast<std::size_t>(overflow));
}
std::string_view to_string(UnaryOp op) {
  return kUnaryNames.at(static_cast<std::size_t>(op));
}
std::string_view to_string(BinaryOp op) {
  return kBinaryNames.at(static_cast<std::size_t>(op));
}

bool is_function(BinaryOp op) {
  return op == BinaryOp::kMin || op == BinaryOp::kMax;
}
bool is_comparison(BinaryOp op) {
  return op >= BinaryOp::kEq;
}

Type result_type(UnaryOp op, const Type& operand) {
  switch (op) {
    case UnaryOp::kNegate:
      if (operand.is_fixed()) {
        return make_fixed(true, operand.width + 1, operand.fraction);
      }
      if (!operand.is_bool()) return operand;
      break;
    case UnaryOp::kAbs:
      if (operand.is_fixed()) return make_fixed(false, operand.width, operand.fraction);
      if (!operand.is_bool()) return operand;
      break;
    case UnaryOp::kNot:
      if (operand.is_bool()) return operand;
      if (operand.is_integer()) return make_fixed(operand.is_signed, operand.width, 0);
      break;
    case UnaryOp::kSqrt:
    case UnaryOp::kFloor:
    case UnaryOp::kRound:
      if (operand.is_float()) return operand;
      break;
  }
  throw UserError(fmt::format("{} of {} has no meaning", to_string(op), to_string(operand)),
                  "cast the operand to a type that has it");
}

Type common_type(const Type& a, const Type& b) {
  if (a.kind == b.kind && !a.is_fixed()) return a;
  if (a.is_float() && b.is_float()) return float32_type();
  if ((a.is_index() && b.is_integer()) || (b.is_index() && a.is_integer())) return index_type();
  if (!a.is_fixed() || !b.is_fixed()) {
    mismatch("with", a, b,
             fmt::format("cast one of them, as in {}(x)",
                         a.is_float() || b.is_float() ? "float32" : to_string(a)));
  }
  const bool is_signed = a.is_signed || b.is_signed;
  const int fraction = std::max(a.fraction, b.fraction);
  const int magnitude = std::max(magnitude_bits(a), magnitude_bits(b));
  return make_fixed(is_signed, std::max(1, magnitude + fraction + (is_signed ? 1 : 0)), fraction);
}

Type result_type(BinaryOp op, const Type& a, const Type& b) {
  if (is_comparison(op)) {
    (void)common_type(a, b);
    return bool_type();
  }
  if (op == BinaryOp::kMin || op == BinaryOp::kMax) {
    if (a.is_bool() || b.is_bool()) mismatch(to_string(op), a, b, "use & or | on bool");
    return common_type(a, b);
  }
  const bool is_logic = op == BinaryOp::kAnd || op == BinaryOp::kOr || op == BinaryOp::kXor;
  if (is_logic && a.is_bool() && b.is_bool()) return a;
  if (a.is_fixed() && b.is_fixed()) return fixed_result(op, a, b);
  const bool is_shift = op == BinaryOp::kShl || op == BinaryOp::kShr;
  if (is_shift && a.is_fixed() && b.is_index()) return fixed_result(op, a, int_type(64));
  if (is_logic || is_shift || a.is_bool() || b.is_bool()) {
    mismatch(to_string(op), a, b, "cast both operands to an integer type, as in int<32>(x)");
  }
  const Type common = common_type(a, b);
  if (op == BinaryOp::kMod && common.is_float()) {
    mismatch(to_string(op), a, b, "it is defined for integers and index");
  }
  return common;
}

Type shifted_left_type(const Type& a, std::int64_t amount) {
  if (!a.is_fixed() || amount < 0 || amount > kMaxWidth) {
    throw UserError(
        fmt::format("{} << {} has no meaning", to_string(a), amount),
        fmt::format("shift an integer or fixed-point value by 0 to {} bits", kMaxWidth));
  }
  return make_fixed(a.is_signed, a.width + static_cast<int>(amount), a.fraction);
}

Type literal_type(std::int64_t value) {
  const bool is_signed = value < 0;
  const std::uint64_t magnitude =
      is_signed ? ~static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
  int bits = 0;
  while (bits < 64 && (magnitude >> bits) != 0) ++bits;
  return make_fixed(is_signed, std::max(1, bits + (is_signed ? 1 : 0)), 0);
}

}  // namespace heddle::kernel
