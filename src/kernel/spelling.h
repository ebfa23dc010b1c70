// How names and literals are spelled in a kernel's text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "kernel/expr.h"

namespace heddle::kernel {

/// Whether `text` is a letter or _ and then letters, digits and _.
bool is_identifier(std::string_view text);
/// Words that no variable, array, stream, kernel or function may be called: for, if, int, ...
bool is_reserved(std::string_view word);
/// Words that are followed by ( in expressions, so that no function may be called so.
bool is_builtin_function(std::string_view word);

/// A literal as it stands without a type: its text, and the literal that this text alone means.
struct BareLiteral {
  std::string text;
  Expr meaning;
};
/// None for values that have no spelling without a type: fractions of fixed-point types, integers
/// beyond 64 bits, NaNs other than the usual one.
std::optional<BareLiteral> bare_literal(const Expr& literal);
/// What stands between the brackets of T(...) or T{...}: "-3", "1.5", "true", "raw 96".
std::string literal_content(const Expr& literal);
/// The literal that `content` means between the brackets of a typed literal. `content` is a number
/// (with sign), inf, -inf, nan, true or false. A fraction that the type cannot hold is rounded as a
/// cast of that float32 would be. Throws UserError if the value is outside of the type.
Expr typed_literal(const Type& type, const std::string& content);
/// The literal of these bits, as after "raw" between the brackets.
Expr raw_literal(const Type& type, Int128 bits);
/// The literal that a number without a type means. Throws UserError if it is too large.
Expr untyped_literal(const std::string& number);

}  // namespace heddle::kernel
