// Expressions of the kernel language: immutable trees with a type at each node.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "kernel/type.h"

namespace heddle::kernel {

/// A signed 128-bit integer: holds every raw value of a type (kMaxWidth bits).
__extension__ typedef __int128 Int128;

struct ExprNode;
struct Function;

/// A shared, immutable expression. C++ numbers convert to literals: an integer to its
/// literal_type, a double to float32. Next to a float or index operand a literal takes that type,
/// so that i + 1 and x * 0.5 read well.
class Expr {
 public:
  Expr() = default;
  Expr(int value);           // NOLINT(google-explicit-constructor): literals read as in C++
  Expr(std::int64_t value);  // NOLINT(google-explicit-constructor)
  Expr(double value);        // NOLINT(google-explicit-constructor)
  explicit Expr(std::shared_ptr<const ExprNode> node) : node_(std::move(node)) {}

  [[nodiscard]] explicit operator bool() const { return node_ != nullptr; }
  const ExprNode& operator*() const { return *node_; }
  const ExprNode* operator->() const { return node_.get(); }
  [[nodiscard]] const ExprNode* get() const { return node_.get(); }
  [[nodiscard]] const Type& type() const;

  /// The node's value if it is of kind Node, else nullptr: `if (const auto* load = e.as<Load>())`.
  template <typename Node>
  [[nodiscard]] const Node* as() const;

 private:
  std::shared_ptr<const ExprNode> node_;
};

/// raw for kBool, kIndex and kFixed; real for floats (bfloat16 holds its float32 value).
struct Constant {
  Int128 raw = 0;
  float real = 0;
};
/// A loop's counter, a scalar argument, or a name bound inside a Function.
struct Variable {
  std::string name;
};
/// array[indices]; a scalar local has no indices.
struct Load {
  std::string array;
  std::vector<Expr> indices;
};
struct Unary {
  UnaryOp op{};
  Expr operand;
};
struct Binary {
  BinaryOp op{};
  Expr a;
  Expr b;
};
/// condition ? a : b; only the chosen one is evaluated.
struct Select {
  Expr condition;
  Expr a;
  Expr b;
};
/// The value in the node's type, by that type's rounding and overflow mode. Between floats: to
/// nearest even. From a NaN: overflow under kExact, else 0.
struct Cast {
  Expr operand;
};
/// The same bits read as the node's type, which has as many (float32 counts 32, bool 1).
struct Bitcast {
  Expr operand;
};
/// A Function's result.
struct Apply {
  std::shared_ptr<const Function> function;
  std::vector<Expr> arguments;
};

struct ExprNode {
  Type type;
  std::variant<Constant, Variable, Load, Unary, Binary, Select, Cast, Bitcast, Apply> value;
};

/// A pure scalar function: names bound in order, then a result. What exp, tanh and the like are
/// made of, so that every back end rounds alike.
struct Function {
  struct Binding {
    std::string name;
    Expr value;
  };
  struct Parameter {
    std::string name;
    Type type;
  };
  std::string name;
  std::vector<Parameter> parameters;
  std::vector<Binding> bindings;
  Expr result;
};

template <typename Node>
const Node* Expr::as() const {
  return node_ ? std::get_if<Node>(&node_->value) : nullptr;
}

// Makers. They check types and throw UserError, which names both types and the remedy. Where
// operands of different types meet they make the conversion explicit: min, max, select,
// comparisons, & | ^ see two operands of the common_type (modes aside), arithmetic with an index
// two of type index, with floats two of the same float type. + - * / % << >> on fixed-point keep
// their operands. Arithmetic on index literals is carried out, and x + 0, x - 0, x * 1, x * 0, x /
// 1, x % 1 on index reduced.

/// A literal of a fixed-point, bool or index type. Throws UserError if `raw` is outside of the
/// type.
Expr constant(const Type& type, Int128 raw);
/// A float literal, rounded to the type (to nearest even).
Expr constant(const Type& float_type, double value);
Expr variable(std::string name, const Type& type);
/// The subscripts are converted to index.
Expr load(std::string array, const Type& element, std::vector<Expr> indices);
Expr unary(UnaryOp op, const Expr& operand);
Expr binary(BinaryOp op, Expr a, Expr b);
Expr select(const Expr& condition, Expr a, Expr b);
/// A literal becomes a literal of the new type; a value of that very type stays as it is.
Expr cast(const Type& type, const Expr& operand);
Expr bitcast(const Type& type, const Expr& operand);
/// Arguments are cast to the parameters' types only if they are literals.
Expr apply(std::shared_ptr<const Function> function, std::vector<Expr> arguments);
/// `value` as an index: literals and integers of at most 64 bits; else UserError.
Expr to_index(const Expr& value);

Expr operator+(const Expr& a, const Expr& b);
Expr operator-(const Expr& a, const Expr& b);
Expr operator*(const Expr& a, const Expr& b);
Expr operator/(const Expr& a, const Expr& b);
Expr operator%(const Expr& a, const Expr& b);
Expr operator&(const Expr& a, const Expr& b);
Expr operator|(const Expr& a, const Expr& b);
Expr operator^(const Expr& a, const Expr& b);
Expr operator<<(const Expr& a, const Expr& b);
Expr operator>>(const Expr& a, const Expr& b);
Expr operator==(const Expr& a, const Expr& b);
Expr operator!=(const Expr& a, const Expr& b);
Expr operator<(const Expr& a, const Expr& b);
Expr operator<=(const Expr& a, const Expr& b);
Expr operator>(const Expr& a, const Expr& b);
Expr operator>=(const Expr& a, const Expr& b);
/// Conditions; both name the same node as & and | on bool.
Expr operator&&(const Expr& a, const Expr& b);
Expr operator||(const Expr& a, const Expr& b);
Expr operator-(const Expr& a);
Expr operator!(const Expr& a);
Expr operator~(const Expr& a);
Expr min(const Expr& a, const Expr& b);
Expr max(const Expr& a, const Expr& b);
Expr abs(const Expr& a);
Expr sqrt(const Expr& a);
Expr floor(const Expr& a);
Expr round(const Expr& a);

/// Whether two expressions are the same tree.
bool equal(const Expr& a, const Expr& b);
/// The value if it is an index or integer literal.
const Int128* as_integer(const Expr& e);
/// The expression in a kernel's text, for messages.
std::string to_string(const Expr& e);

}  // namespace heddle::kernel
