// Expressions as HLS C++ with the interpreter's bits.
//
// AMD's + - * on ap_int and ap_fixed give types that hold every result, as ours do, and comparisons
// and arithmetic see values; so they are printed as they stand. Where AMD's rule is another one
// (the width after <<, mixed signs under / and %, ap_fixed to ap_int) or C++'s is (?: with two
// types), the types are written out.
#pragma once

#include <string>

#include "kernel/codegen/hls/scope.h"
#include "kernel/expr.h"

namespace heddle::kernel::hls {

/// How tightly C++ binds an expression's outermost operator; higher is tighter.
enum class Level : std::uint8_t {
  kSelect,
  kLogicalOr,
  kLogicalAnd,
  kOr,
  kXor,
  kAnd,
  kEquality,
  kRelation,
  kShift,
  kSum,
  kProduct,
  kUnary,
  kPrimary,
};

struct Printed {
  std::string text;
  Level level = Level::kPrimary;
  /// The C++ type is cpp_type() of the node's type, or int or long for an index.
  bool is_exact = true;
  bool is_literal = false;  ///< fixed-point: an int or long long in C++
  bool is_long = false;     ///< index: long in C++, else int
};

class ExpressionPrinter {
 public:
  explicit ExpressionPrinter(const Scope& scope) : scope_(scope), ranges_(scope.ranges()) {}

  [[nodiscard]] Printed print(const Expr& e) const;
  [[nodiscard]] std::string text(const Expr& e) const { return print(e).text; }
  /// A value on its way into a variable, element or parameter of that type: the type's constructor
  /// or assignment does what convert() does.
  [[nodiscard]] std::string value(const Type& target, const Expr& e) const;
  /// Whether the value is an int in C++ (an index).
  [[nodiscard]] bool is_int(const Expr& index) const { return !print(index).is_long; }

  /// The element a[i][j] as a variable, or for a packed array the word a[i][e].
  [[nodiscard]] std::string place(const ArrayView& view, const std::vector<Expr>& indices) const;
  /// Of a packed array: the lane within that word.
  [[nodiscard]] Expr lane(const ArrayView& view, const std::vector<Expr>& indices) const;
  [[nodiscard]] std::string element(const ArrayView& view, const std::vector<Expr>& indices) const;
  /// "s", "s[i][j]".
  [[nodiscard]] std::string channel(const StreamView& view, const std::vector<Expr>& indices) const;

  [[nodiscard]] const Scope& scope() const { return scope_; }
  [[nodiscard]] const std::map<std::string, Range>& ranges() const { return ranges_; }

 private:
  [[nodiscard]] Printed index(const Expr& e) const;
  [[nodiscard]] Printed index_binary(const Expr& e, const Binary& op) const;
  [[nodiscard]] Printed index_cast(const Expr& operand) const;
  [[nodiscard]] Printed real(const Expr& e) const;
  [[nodiscard]] Printed fixed(const Expr& e) const;
  [[nodiscard]] Printed fixed_binary(const Expr& e, const Binary& op) const;
  [[nodiscard]] Printed divide(const Binary& op) const;
  [[nodiscard]] Printed shift(const Expr& e, const Binary& op) const;
  [[nodiscard]] Printed fixed_unary(const Expr& e, const Unary& op) const;
  [[nodiscard]] Printed fixed_cast(const Type& type, const Expr& operand) const;
  [[nodiscard]] Printed boolean(const Expr& e) const;
  [[nodiscard]] Printed compare(const Binary& op) const;
  [[nodiscard]] Printed choose(const Expr& e, const Select& choice) const;
  [[nodiscard]] Printed call(const Apply& node) const;
  /// The value in cpp_type() of its type.
  [[nodiscard]] Printed exact(const Expr& e) const;
  /// A fixed-point value with no fewer bits than the target's type drops: AMD's rounding looks at
  /// the first dropped bit, even where the value has none there.
  [[nodiscard]] std::string before_rounding(const Type& target, const Expr& e) const;
  /// An integer as ap_int or ap_uint, which have the operators that ap_fixed has not.
  [[nodiscard]] Printed as_ap_int(const Expr& e) const;
  [[nodiscard]] std::string subscript(const Expr& e) const;

  const Scope& scope_;
  std::map<std::string, Range> ranges_;
};

}  // namespace heddle::kernel::hls
