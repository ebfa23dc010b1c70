// The types of the kernel language's values, and what type each operator's result has.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace heddle::kernel {

/// How a value is brought to fewer fraction bits; the modes of ap_fixed (AMD UG1399).
enum class Rounding : std::uint8_t {
  kTruncate,         ///< toward minus infinity (AP_TRN)
  kTruncateZero,     ///< toward zero (AP_TRN_ZERO)
  kNearest,          ///< nearest, ties toward plus infinity (AP_RND)
  kNearestZero,      ///< nearest, ties toward zero (AP_RND_ZERO)
  kNearestNegative,  ///< nearest, ties toward minus infinity (AP_RND_MIN_INF)
  kNearestInfinity,  ///< nearest, ties away from zero (AP_RND_INF)
  kNearestEven,      ///< nearest, ties to even (AP_RND_CONV)
};

/// What happens to a value outside of a type's range.
enum class Overflow : std::uint8_t {
  kExact,              ///< a mistake in the kernel: the interpreter stops there; others may wrap
  kWrap,               ///< modulo 2^width (AP_WRAP)
  kSaturate,           ///< to the nearest end of the range (AP_SAT)
  kSaturateZero,       ///< to zero (AP_SAT_ZERO)
  kSaturateSymmetric,  ///< as kSaturate, with -max as the lower end (AP_SAT_SYM)
};

enum class TypeKind : std::uint8_t { kBool, kIndex, kFixed, kFloat32, kBFloat16 };

/// The type of a value. An integer is a fixed-point number without fraction: a kFixed value is
/// raw * 2^-fraction, where raw is a two's complement (or unsigned) integer of `width` bits.
/// kIndex is a signed 64-bit integer that counts: loops, sizes, subscripts; overflow is kExact.
struct Type {
  TypeKind kind = TypeKind::kBool;
  // The rest belongs to kFixed and keeps these values for other kinds.
  bool is_signed = false;
  std::int16_t width = 0;     ///< 1 ... kMaxWidth for results of operators, ... 64 for arrays
  std::int16_t fraction = 0;  ///< may be negative or exceed width, as in ap_fixed
  Rounding rounding = Rounding::kTruncate;
  Overflow overflow = Overflow::kExact;

  bool operator==(const Type&) const = default;

  [[nodiscard]] bool is_fixed() const { return kind == TypeKind::kFixed; }
  [[nodiscard]] bool is_integer() const { return is_fixed() && fraction == 0; }
  [[nodiscard]] bool is_float() const {
    return kind == TypeKind::kFloat32 || kind == TypeKind::kBFloat16;
  }
  [[nodiscard]] bool is_index() const { return kind == TypeKind::kIndex; }
  [[nodiscard]] bool is_bool() const { return kind == TypeKind::kBool; }
  /// Bits of a value: 1 for bool, 64 for index.
  [[nodiscard]] int bits() const;
  /// Bytes of one element in memory: the smallest of 1, 2, 4, 8 (and 16 above 64 bits) that holds
  /// it; raw fixed-point values are sign- or zero-extended to it, bool is 0 or 1.
  [[nodiscard]] int bytes() const;
};

/// The widest result of an operator: every raw value fits a signed 128-bit integer.
constexpr int kMaxWidth = 127;
/// The widest element of an array or stream.
constexpr int kMaxElementWidth = 64;

Type bool_type();
Type index_type();
Type float32_type();
Type bfloat16_type();
/// int<width>: -2^(width-1) ... 2^(width-1)-1. Throws UserError for a width outside 1...kMaxWidth.
Type int_type(int width, Overflow overflow = Overflow::kExact);
/// uint<width>: 0 ... 2^width-1. Throws UserError for a width outside 1...kMaxWidth.
Type uint_type(int width, Overflow overflow = Overflow::kExact);
/// fixed<width,integer_bits>, as ap_fixed<W,I>: fraction = width - integer_bits.
Type fixed_type(int width, int integer_bits, Rounding rounding = Rounding::kTruncate,
                Overflow overflow = Overflow::kExact);
/// ufixed<width,integer_bits>, as ap_ufixed<W,I>.
Type ufixed_type(int width, int integer_bits, Rounding rounding = Rounding::kTruncate,
                 Overflow overflow = Overflow::kExact);

/// Whether two types differ at most in how values are brought into them.
bool same_values(const Type& a, const Type& b);

/// "int<8>", "uint<8,wrap>", "fixed<16,6,nearest_even,saturate>", "float32", "index", ...; the
/// modes are left out where they are the default (truncate, exact).
std::string to_string(const Type& type);
/// The modes' names in to_string: "truncate", "nearest_even", ...; "exact", "wrap", "saturate", ...
std::string_view to_string(Rounding rounding);
std::string_view to_string(Overflow overflow);

enum class UnaryOp : std::uint8_t {
  kNegate,  ///< fixed: one bit wider and signed; index, float: same type
  kAbs,     ///< fixed: unsigned of the same width; index, float: same type
  kNot,     ///< bool: logical; integer: each bit
  kSqrt,    ///< float: correctly rounded
  kFloor,   ///< float: to the integer at or below, as a float
  kRound,   ///< float: to the nearest integer, ties to even, as a float
};

enum class BinaryOp : std::uint8_t {
  kAdd,  ///< fixed: exact, in the type that holds every sum
  kSub,  ///< fixed: exact, signed
  kMul,  ///< fixed: exact: widths and fractions add
  kDiv,  ///< integers: toward zero, as C; index: floor, divisor > 0; float
  kMod,  ///< integers: sign of the dividend, as C; index: 0 ... divisor-1, divisor > 0
  kMin,  ///< b < a ? b : a, in the type that holds both
  kMax,  ///< a < b ? b : a, in the type that holds both
  kAnd,  ///< bool: b is evaluated only if a is true; integer: each bit
  kOr,   ///< bool: b is evaluated only if a is false; integer: each bit
  kXor,  ///< bool, integer
  kShl,  ///< fixed by a constant k: exact, k bits wider; by a variable: a's type, bits lost are an
         ///< overflow (kExact). The amount is not negative.
  kShr,  ///< fixed: a's type, raw >> amount rounded down. The amount is not negative.
  kEq,
  kNe,
  kLt,
  kLe,
  kGt,
  kGe,  ///< comparisons: of the values, never of wrapped ones -> bool
};

/// "+", "min", ...: the operator or function name in a kernel's text.
std::string_view to_string(UnaryOp op);
std::string_view to_string(BinaryOp op);
/// Whether the text is a call such as min(a, b) rather than an infix operator.
bool is_function(BinaryOp op);
bool is_comparison(BinaryOp op);

/// The result types of the operators above. Throw UserError for operands that do not go together
/// (float with fixed, more than kMaxWidth bits, ...), naming the cast that would mend it.
Type result_type(UnaryOp op, const Type& operand);
Type result_type(BinaryOp op, const Type& a, const Type& b);
/// For kShl by a constant amount.
Type shifted_left_type(const Type& a, std::int64_t amount);
/// The narrowest type that holds every value of both: select, min, max, comparisons. bfloat16 with
/// float32 gives float32; an integer with an index gives index.
Type common_type(const Type& a, const Type& b);
/// The narrowest integer type that holds `value`: uint for value >= 0 (uint<1> for 0), else int.
Type literal_type(std::int64_t value);

}  // namespace heddle::kernel
