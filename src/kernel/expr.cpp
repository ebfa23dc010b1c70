#include "kernel/expr.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "base/error.h"
#include "kernel/scalar.h"

namespace heddle::kernel {
namespace {

Expr make(const Type& type, decltype(ExprNode::value) value) {
  return Expr(std::make_shared<const ExprNode>(ExprNode{type, std::move(value)}));
}

bool is_literal(const Expr& e) {
  return e.as<Constant>() != nullptr;
}

Expr in_type(const Type& type, const Expr& e) {
  return same_values(type, e.type()) ? e : cast(type, e);
}

/// A literal next to a float or index operand takes its type.
Expr beside(const Expr& e, const Type& other) {
  const bool adapts = (other.is_index() && e.type().is_integer()) ||
                      (other.is_float() && (e.type().is_integer() || e.type().is_float()));
  return is_literal(e) && adapts ? cast(other, e) : e;
}

Expr index_literal(Int128 value) {
  return constant(index_type(), value);
}

Int128 floor_divide(Int128 a, Int128 b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

/// Index arithmetic on literals, or an identity; an empty Expr if there is nothing to reduce.
Expr reduce_index(BinaryOp op, const Expr& a, const Expr& b) {
  const Int128* x = as_integer(a);
  const Int128* y = as_integer(b);
  if (x && y) {
    switch (op) {
      case BinaryOp::kAdd:
        return index_literal(*x + *y);
      case BinaryOp::kSub:
        return index_literal(*x - *y);
      case BinaryOp::kMul:
        return index_literal(*x * *y);
      case BinaryOp::kMin:
        return index_literal(std::min(*x, *y));
      case BinaryOp::kMax:
        return index_literal(std::max(*x, *y));
      case BinaryOp::kDiv:
        if (*y > 0) return index_literal(floor_divide(*x, *y));
        break;
      case BinaryOp::kMod:
        if (*y > 0) return index_literal(*x - floor_divide(*x, *y) * *y);
        break;
      default:
        break;
    }
    return {};
  }
  const bool adds = op == BinaryOp::kAdd;
  if (y && *y == 0 && (adds || op == BinaryOp::kSub)) return a;
  if (x && *x == 0 && adds) return b;
  if (y && *y == 1 && (op == BinaryOp::kMul || op == BinaryOp::kDiv)) return a;
  if (x && *x == 1 && op == BinaryOp::kMul) return b;
  const bool vanishes = op == BinaryOp::kMul && ((x && *x == 0) || (y && *y == 0));
  if (vanishes || (y && *y == 1 && op == BinaryOp::kMod)) return index_literal(0);
  return {};
}

bool wants_common_type(BinaryOp op) {
  return is_comparison(op) || op == BinaryOp::kMin || op == BinaryOp::kMax ||
         op == BinaryOp::kAnd || op == BinaryOp::kOr || op == BinaryOp::kXor;
}

}  // namespace

Expr::Expr(int value) : Expr(static_cast<std::int64_t>(value)) {}
Expr::Expr(std::int64_t value) : Expr(constant(literal_type(value), Int128{value})) {}
Expr::Expr(double value) : Expr(constant(float32_type(), value)) {}

const Type& Expr::type() const {
  ensure(node_ != nullptr, "the type of an empty expression was asked for");
  return node_->type;
}

Expr constant(const Type& type, Int128 raw) {
  ensure(!type.is_float(), "constant(): {} takes a real value", to_string(type));
  if (raw < lowest(type) || raw > highest(type)) {
    throw UserError(
        fmt::format("the literal {} (raw) is outside of {}", to_string(raw), to_string(type)),
        "use a wider type");
  }
  return make(type, Constant{raw, 0});
}

Expr constant(const Type& float_type, double value) {
  ensure(float_type.is_float(), "constant(): {} takes a raw value", to_string(float_type));
  const auto real = static_cast<float>(value);
  const bool is_narrow = float_type.kind == TypeKind::kBFloat16;
  return make(float_type, Constant{0, is_narrow ? round_to_bfloat16(real) : real});
}

Expr variable(std::string name, const Type& type) {
  return make(type, Variable{std::move(name)});
}

Expr load(std::string array, const Type& element, std::vector<Expr> indices) {
  for (Expr& index : indices) index = to_index(index);
  return make(element, Load{std::move(array), std::move(indices)});
}

Expr unary(UnaryOp op, const Expr& operand) {
  if (const Constant* literal = operand.as<Constant>(); literal && op == UnaryOp::kNegate) {
    // -1 is a literal of its own, in the type that literals have.
    if (operand.type().is_float()) return constant(operand.type(), -double{literal->real});
    if (operand.type().is_index()) return index_literal(-literal->raw);
    if (operand.type().is_integer() && literal->raw <= std::numeric_limits<std::int64_t>::max() &&
        literal->raw > std::numeric_limits<std::int64_t>::min()) {
      return {static_cast<std::int64_t>(-literal->raw)};
    }
  }
  return make(result_type(op, operand.type()), Unary{op, operand});
}

Expr binary(BinaryOp op, Expr a, Expr b) {
  const bool is_shift = op == BinaryOp::kShl || op == BinaryOp::kShr;
  if (!is_shift) {
    a = beside(a, b.type());
    b = beside(b, a.type());
  }
  Type type = result_type(op, a.type(), b.type());
  if (const Int128* amount = as_integer(b); amount && op == BinaryOp::kShl) {
    // Beyond 64 bits it is refused as any other amount that is too large.
    using Limits = std::numeric_limits<std::int64_t>;
    const Int128 nearest = std::clamp<Int128>(*amount, Limits::min(), Limits::max());
    type = shifted_left_type(a.type(), static_cast<std::int64_t>(nearest));
  }
  const Type common = is_shift ? type : common_type(a.type(), b.type());
  if (!is_shift && (wants_common_type(op) || !common.is_fixed())) {
    a = in_type(common, a);
    b = in_type(common, b);
  }
  if (type.is_index()) {
    if (Expr reduced = reduce_index(op, a, b)) return reduced;
  }
  return make(type, Binary{op, a, b});
}

Expr select(const Expr& condition, Expr a, Expr b) {
  if (!condition.type().is_bool()) {
    throw UserError(fmt::format("select on {}", to_string(condition.type())),
                    "compare it with something to get a bool, as in x != 0");
  }
  a = beside(a, b.type());
  b = beside(b, a.type());
  const Type common = common_type(a.type(), b.type());
  return make(common, Select{condition, in_type(common, a), in_type(common, b)});
}

Expr cast(const Type& type, const Expr& operand) {
  if (type == operand.type()) return operand;
  if (type.is_bool() != operand.type().is_bool() && type.is_bool()) {
    throw UserError(fmt::format("a cast of {} to bool", to_string(operand.type())),
                    "compare it with something, as in x != 0");
  }
  if (const Constant* literal = operand.as<Constant>()) {
    Fault fault = Fault::kNone;
    const Scalar value = convert({operand.type(), literal->raw, literal->real}, type, fault);
    if (fault != Fault::kNone) {
      throw UserError(
          fmt::format("the literal {} is outside of {}", to_string(operand), to_string(type)),
          "use a wider type, or one that wraps or saturates");
    }
    return type.is_float() ? constant(type, double{value.real}) : constant(type, value.raw);
  }
  return make(type, Cast{operand});
}

Expr bitcast(const Type& type, const Expr& operand) {
  if (type.bits() != operand.type().bits()) {
    throw UserError(
        fmt::format("the bits of {} cannot be read as {}: {} and {} bits",
                    to_string(operand.type()), to_string(type), operand.type().bits(), type.bits()),
        "cast to a type of as many bits first");
  }
  return type == operand.type() ? operand : make(type, Bitcast{operand});
}

Expr apply(std::shared_ptr<const Function> function, std::vector<Expr> arguments) {
  if (arguments.size() != function->parameters.size()) {
    throw UserError(fmt::format("{} takes {} arguments, not {}", function->name,
                                function->parameters.size(), arguments.size()),
                    "give one value for each parameter");
  }
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const Function::Parameter& parameter = function->parameters[i];
    if (is_literal(arguments[i])) arguments[i] = cast(parameter.type, arguments[i]);
    if (arguments[i].type() != parameter.type) {
      throw UserError(fmt::format("{}: parameter {} is {}, not {}", function->name, parameter.name,
                                  to_string(parameter.type), to_string(arguments[i].type())),
                      fmt::format("cast it: {}(x)", to_string(parameter.type)));
    }
  }
  const Type type = function->result.type();
  return make(type, Apply{std::move(function), std::move(arguments)});
}

Expr to_index(const Expr& value) {
  if (value.type().is_index()) return value;
  if (!value.type().is_integer() || value.type().width > kMaxElementWidth) {
    throw UserError(fmt::format("{} cannot count or subscript", to_string(value.type())),
                    "use an index or an integer of at most 64 bits");
  }
  return cast(index_type(), value);
}

Expr operator+(const Expr& a, const Expr& b) {
  return binary(BinaryOp::kAdd, a, b);
}
Expr operator-(const Expr& a, const Expr& b) {
  return binary(BinaryOp::kSub, a, b);
}
Expr operator*(const Expr& a, const Expr& b) {
  return binary(BinaryOp::kMul, a, b);
}
Expr operator/(const Expr& a, const Expr& b) {
  return binary(BinaryOp::kDiv, a, b);
}
Expr operator%(const Expr& a, const Expr& b) {
  return binary(BinaryOp::kMod, a, b);
}
Expr operator&(const Expr& a, const Expr& b) {
  return binary(BinaryOp::kAnd, a, b);
}
Expr operator|(const Expr& a, const Expr& b) {
  return binary(BinaryOp::kOr, a, b);
}
Expr operator^(const Expr& a, const Expr& b) {
  return binary(BinaryOp::kXor, a, b);
}
Expr operator<<(const Expr& a, const Expr& b) {
  return binary(BinaryOp::kShl, a, b);
}
Expr operator>>(const Expr& a, const Expr& b) {
  return binary(BinaryOp::kShr, a, b);
}
Expr operator==(const Expr& a, const Expr& b) {
  return binary(BinaryOp::kEq, a, b);
}
Expr operator!=(const Expr& a, const Expr& b) {
  return binary(BinaryOp::kNe, a, b);
}
Expr operator<(const Expr& a, const Expr& b) {
  return binary(BinaryOp::kLt, a, b);
}
Expr operator<=(const Expr& a, const Expr& b) {
  return binary(BinaryOp::kLe, a, b);
}
Expr operator>(const Expr& a, const Expr& b) {
  return binary(BinaryOp::kGt, a, b);
}
Expr operator>=(const Expr& a, const Expr& b) {
  return binary(BinaryOp::kGe, a, b);
}
Expr operator&&(const Expr& a, const Expr& b) {
  return binary(BinaryOp::kAnd, a, b);
}
Expr operator||(const Expr& a, const Expr& b) {
  return binary(BinaryOp::kOr, a, b);
}
Expr operator-(const Expr& a) {
  return unary(UnaryOp::kNegate, a);
}
Expr operator!(const Expr& a) {
  return unary(UnaryOp::kNot, a);
}
Expr operator~(const Expr& a) {
  return unary(UnaryOp::kNot, a);
}
Expr min(const Expr& a, const Expr& b) {
  return binary(BinaryOp::kMin, a, b);
}
Expr max(const Expr& a, const Expr& b) {
  return binary(BinaryOp::kMax, a, b);
}
Expr abs(const Expr& a) {
  return unary(UnaryOp::kAbs, a);
}
Expr sqrt(const Expr& a) {
  return unary(UnaryOp::kSqrt, a);
}
Expr floor(const Expr& a) {
  return unary(UnaryOp::kFloor, a);
}
Expr round(const Expr& a) {
  return unary(UnaryOp::kRound, a);
}

namespace {

bool equal_all(const std::vector<Expr>& a, const std::vector<Expr>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const Expr& x, const Expr& y) { return equal(x, y); });
}

bool equal_function(const Function& a, const Function& b) {
  if (&a == &b) return true;
  const auto same_parameter = [](const Function::Parameter& x, const Function::Parameter& y) {
    return x.name == y.name && x.type == y.type;
  };
  const auto same_binding = [](const Function::Binding& x, const Function::Binding& y) {
    return x.name == y.name && equal(x.value, y.value);
  };
  return a.name == b.name &&
         std::equal(a.parameters.begin(), a.parameters.end(), b.parameters.begin(),
                    b.parameters.end(), same_parameter) &&
         std::equal(a.bindings.begin(), a.bindings.end(), b.bindings.begin(), b.bindings.end(),
                    same_binding) &&
         equal(a.result, b.result);
}

struct SameNode {
  bool operator()(const Constant& a, const Constant& b) const {
    // By bits: -0 differs from 0, and a NaN equals itself.
    return a.raw == b.raw &&
           std::bit_cast<std::uint32_t>(a.real) == std::bit_cast<std::uint32_t>(b.real);
  }
  bool operator()(const Variable& a, const Variable& b) const { return a.name == b.name; }
  bool operator()(const Load& a, const Load& b) const {
    return a.array == b.array && equal_all(a.indices, b.indices);
  }
  bool operator()(const Unary& a, const Unary& b) const {
    return a.op == b.op && equal(a.operand, b.operand);
  }
  bool operator()(const Binary& a, const Binary& b) const {
    return a.op == b.op && equal(a.a, b.a) && equal(a.b, b.b);
  }
  bool operator()(const Select& a, const Select& b) const {
    return equal(a.condition, b.condition) && equal(a.a, b.a) && equal(a.b, b.b);
  }
  bool operator()(const Cast& a, const Cast& b) const { return equal(a.operand, b.operand); }
  bool operator()(const Bitcast& a, const Bitcast& b) const { return equal(a.operand, b.operand); }
  bool operator()(const Apply& a, const Apply& b) const {
    return equal_function(*a.function, *b.function) && equal_all(a.arguments, b.arguments);
  }
  template <typename A, typename B>
  bool operator()(const A&, const B&) const {
    return false;
  }
};

}  // namespace

bool equal(const Expr& a, const Expr& b) {
  if (a.get() == b.get()) return true;
  if (a.get() == nullptr || b.get() == nullptr) return false;
  return a.type() == b.type() && std::visit(SameNode{}, a->value, b->value);
}

const Int128* as_integer(const Expr& e) {
  const Constant* literal = e.as<Constant>();
  return literal && (e.type().is_index() || e.type().is_integer()) ? &literal->raw : nullptr;
}

}  // namespace heddle::kernel
