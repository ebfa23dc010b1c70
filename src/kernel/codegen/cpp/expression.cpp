#include "kernel/codegen/cpp/expression.h"

#include <algorithm>

#include "base/error.h"
#include "kernel/scalar.h"

namespace heddle::kernel::native {
namespace {

/// Infix operators that C++ spells alike.
Value infix(const Value& a, std::string_view op, const Value& b, Carrier carrier) {
  return {fmt::format("({} {} {})", a.text, op, b.text), carrier};
}

/// The narrowest carrier that holds the values of all these types.
Carrier common_carrier(std::initializer_list<Type> types) {
  bool is_signed = false;
  int magnitude = 1;
  for (const Type& type : types) {
    const Type fixed = as_fixed(type);
    is_signed |= fixed.is_signed;
    magnitude = std::max(magnitude, fixed.width - (fixed.is_signed ? 1 : 0));
  }
  return integer_carrier(is_signed, magnitude + (is_signed ? 1 : 0));
}

/// An index literal without the suffix that a type of its own would need.
std::string plain(const Value& value) {
  constexpr Int128 kInt = 0x7fffffff;
  if (value.literal && *value.literal <= kInt && *value.literal >= -kInt) {
    const std::string text = to_string(*value.literal);
    return text.front() == '-' ? "(" + text + ")" : text;
  }
  return value.text;
}

}  // namespace

Value ExpressionWriter::exact(const Expr& e) const {
  return std::visit([&](const auto& node) { return in_carrier(of(e, node), carrier_of(e.type())); },
                    e->value);
}

std::string ExpressionWriter::stored(const Expr& e, const Type& element) const {
  const Value value = converted(e, element);
  if (element.kind == TypeKind::kBFloat16) {
    return fmt::format("{}({})", needs_.helper("to_bfloat16"), bare(value.text));
  }
  return value.literal ? plain(value) : bare(value.text);
}

std::string ExpressionWriter::offset(const View& view, const std::vector<Expr>& indices) const {
  std::string sum;
  Int128 constant = 0;
  const auto add = [&](const std::string& term) { sum += (sum.empty() ? "" : " + ") + term; };
  for (std::size_t i = 0; i < indices.size(); ++i) {
    const Stride& stride = view.strides[i];
    const Value index = exact(indices[i]);
    if (index.literal && stride.literal) {
      constant += *index.literal * *stride.literal;
    } else if (stride.literal == 1) {
      add(bare(index.text).find('?') == std::string::npos ? bare(index.text) : index.text);
    } else if (!index.literal || *index.literal != 0) {
      const std::string by = stride.literal ? std::to_string(*stride.literal) : stride.text;
      add(fmt::format("{} * {}", index.text, by));
    }
  }
  if (constant != 0) add(to_string(constant));
  return sum;
}

std::string ExpressionWriter::element(const View& view, const std::vector<Expr>& indices) const {
  if (view.is_variable) return view.name;
  const std::string position = offset(view, indices);
  return fmt::format("{}[{}]", view.name, position.empty() ? "0" : position);
}

Value ExpressionWriter::shifted(const Value& value, int by) const {
  if (by == 0) return value;
  if (value.literal && by < bits_of(value.carrier) && bits_of(value.carrier) <= 64) {
    return integer_literal(*value.literal * (Int128{1} << by), value.carrier);
  }
  if (by >= bits_of(value.carrier)) return integer_literal(0, value.carrier);
  return {fmt::format("({} << {})", value.text, by), value.carrier};
}

Value ExpressionWriter::low(const Expr& e, Carrier carrier) const {
  const bool is_narrow = bits_of(carrier_of(e.type())) <= bits_of(carrier);
  if (!e.type().is_fixed() || is_narrow) return in_carrier(exact(e), carrier);
  if (const auto* node = e.as<Binary>()) return low_binary(e, *node, carrier);
  if (const auto* node = e.as<Unary>(); node != nullptr && node->op == UnaryOp::kNegate) {
    return {fmt::format("(-{})", low(node->operand, carrier).text), carrier};
  }
  if (const auto* node = e.as<Select>()) {
    return {fmt::format("({} ? {} : {})", exact(node->condition).text, low(node->a, carrier).text,
                        low(node->b, carrier).text),
            carrier};
  }
  return in_carrier(exact(e), carrier);
}

Value ExpressionWriter::low_binary(const Expr& e, const Binary& node, Carrier carrier) const {
  const auto operand = [&](const Expr& x) {
    return shifted(low(x, carrier), e.type().fraction - x.type().fraction);
  };
  switch (node.op) {
    case BinaryOp::kAdd:
    case BinaryOp::kSub:
      return infix(operand(node.a), to_string(node.op), operand(node.b), carrier);
    case BinaryOp::kMul:
    case BinaryOp::kAnd:
    case BinaryOp::kOr:
    case BinaryOp::kXor:
      return infix(low(node.a, carrier), to_string(node.op), low(node.b, carrier), carrier);
    case BinaryOp::kShl:
      if (const Int128* by = as_integer(node.b)) {
        return shifted(low(node.a, carrier), static_cast<int>(std::min<Int128>(*by, kMaxWidth)));
      }
      break;
    default:
      break;
  }
  return in_carrier(exact(e), carrier);
}

Value ExpressionWriter::of(const Expr& e, const Constant& node) const {
  if (e.type().is_float()) return float_literal(node.real);
  return integer_literal(node.raw, carrier_of(e.type()));
}

Value ExpressionWriter::of(const Expr&, const Variable& node) const {
  const Counter& number = scope_.numbers.at(node.name);
  return {number.name, number.carrier};
}

Value ExpressionWriter::of(const Expr& e, const Load& node) const {
  const std::string text = element(scope_.arrays.at(node.array), node.indices);
  if (e.type().kind == TypeKind::kBFloat16) {
    return {fmt::format("{}({})", needs_.helper("from_bfloat16"), text), Carrier::kFloat};
  }
  return {text, loaded_carrier(e.type())};
}

Value ExpressionWriter::rounded(const std::string& text, const Type& type) const {
  if (type.kind != TypeKind::kBFloat16) return {text, Carrier::kFloat};
  return {fmt::format("{}({})", needs_.helper("round_bfloat16"), bare(text)), Carrier::kFloat};
}

Value ExpressionWriter::of(const Expr& e, const Unary& node) const {
  const Carrier carrier = carrier_of(e.type());
  const Value a = exact(node.operand);
  const auto call = [&](std::string_view function) {
    return rounded(fmt::format("{}({})", function, bare(a.text)), e.type());
  };
  switch (node.op) {
    case UnaryOp::kNegate: {
      const std::string text = fmt::format("(-{})", in_carrier(a, carrier).text);
      return e.type().is_float() ? rounded(text, e.type()) : Value{text, carrier};
    }
    case UnaryOp::kAbs:
      if (e.type().is_float()) return call("__builtin_fabsf");
      return {fmt::format("{}<{}>({})", needs_.helper("abs"), cpp_name(carrier), bare(a.text)),
              carrier};
    case UnaryOp::kNot:
      if (e.type().is_bool()) return {fmt::format("(!{})", a.text), carrier};
      if (e.type().is_signed) return {fmt::format("(~{})", a.text), carrier};
      return infix(integer_literal(highest(e.type()), carrier), "-", a, carrier);
    case UnaryOp::kSqrt:
      return call("__builtin_sqrtf");
    case UnaryOp::kFloor:
      return call("__builtin_floorf");
    case UnaryOp::kRound:
      return call("__builtin_rintf");
  }
  throw InternalError("unknown unary operator");
}

Value ExpressionWriter::of(const Expr& e, const Binary& node) const {
  if (is_comparison(node.op)) return compared(node);
  if (e.type().is_float()) return float_binary(e, node);
  if (e.type().is_bool()) {
    const std::string_view op = node.op == BinaryOp::kAnd  ? "&&"
                                : node.op == BinaryOp::kOr ? "||"
                                                           : "!=";
    return infix(exact(node.a), op, exact(node.b), Carrier::kBool);
  }
  if (e.type().is_index()) return index_binary(node);
  const Carrier carrier = carrier_of(e.type());
  const auto operand = [&](const Expr& x) {
    return shifted(in_carrier(exact(x), carrier), e.type().fraction - x.type().fraction);
  };
  switch (node.op) {
    case BinaryOp::kAdd:
    case BinaryOp::kSub:
      return infix(operand(node.a), to_string(node.op), operand(node.b), carrier);
    case BinaryOp::kMul:
      return infix(in_carrier(exact(node.a), carrier), "*", in_carrier(exact(node.b), carrier),
                   carrier);
    case BinaryOp::kAnd:
    case BinaryOp::kOr:
    case BinaryOp::kXor:
      return infix(in_carrier(exact(node.a), carrier), to_string(node.op),
                   in_carrier(exact(node.b), carrier), carrier);
    case BinaryOp::kMin:
    case BinaryOp::kMax:
      return {
          fmt::format("{}<{}>({}, {})", needs_.helper(std::string(to_string(node.op))),
                      cpp_name(carrier), bare(operand(node.a).text), bare(operand(node.b).text)),
          carrier};
    case BinaryOp::kDiv:
    case BinaryOp::kMod:
      return divided(e, node);
    case BinaryOp::kShl:
    case BinaryOp::kShr:
      return shift(e, node);
    default:
      throw InternalError(fmt::format("{} has no native text", to_string(node.op)));
  }
}

Value ExpressionWriter::compared(const Binary& node) const {
  const Type& type = node.a.type();
  if (type.is_float() || type.is_bool()) {
    return infix(exact(node.a), to_string(node.op), exact(node.b), Carrier::kBool);
  }
  ensure(type.fraction == node.b.type().fraction, "a comparison of unlike types");
  const Carrier carrier = common_carrier({type, node.b.type()});
  return infix(in_carrier(exact(node.a), carrier), to_string(node.op),
               in_carrier(exact(node.b), carrier), Carrier::kBool);
}

Value ExpressionWriter::float_binary(const Expr& e, const Binary& node) const {
  const Value a = exact(node.a);
  const Value b = exact(node.b);
  if (is_function(node.op)) {
    const std::string name = needs_.helper(std::string(to_string(node.op)));
    return rounded(fmt::format("{}({}, {})", name, bare(a.text), bare(b.text)), e.type());
  }
  return rounded(infix(a, to_string(node.op), b, Carrier::kFloat).text, e.type());
}

Value ExpressionWriter::index_binary(const Binary& node) const {
  const Value a = exact(node.a);
  const Value b = exact(node.b);
  if (is_function(node.op)) {
    return {fmt::format("{}<std::int64_t>({}, {})", needs_.helper(std::string(to_string(node.op))),
                        bare(plain(a)), bare(plain(b))),
            Carrier::kI64};
  }
  const bool divides = node.op == BinaryOp::kDiv || node.op == BinaryOp::kMod;
  if (divides && range_of(node.a, scope_.ranges).low < 0) {
    const std::string name = needs_.helper(node.op == BinaryOp::kDiv ? "floor_div" : "floor_mod");
    return {fmt::format("{}({}, {})", name, bare(plain(a)), bare(plain(b))), Carrier::kI64};
  }
  // One operand of 64 bits is enough for C++ to compute in 64 bits.
  return {fmt::format("({} {} {})", b.literal ? a.text : plain(a), to_string(node.op), plain(b)),
          Carrier::kI64};
}

Value ExpressionWriter::divided(const Expr& e, const Binary& node) const {
  const Carrier carrier = common_carrier({e.type(), node.a.type(), node.b.type()});
  const Value a = in_carrier(exact(node.a), carrier);
  const Value b = in_carrier(exact(node.b), carrier);
  const bool may_fault = node.op == BinaryOp::kMod && node.b.type().is_signed && !b.literal &&
                         node.a.type().width >= bits_of(carrier);
  if (!may_fault) return infix(a, to_string(node.op), b, carrier);
  return {fmt::format("{}({}, {})", needs_.helper("remainder"), bare(a.text), bare(b.text)),
          carrier};
}

Value ExpressionWriter::shift(const Expr& e, const Binary& node) const {
  const Carrier carrier = carrier_of(e.type());
  const Value a = in_carrier(exact(node.a), carrier);
  const bool is_left = node.op == BinaryOp::kShl;
  if (const Int128* by = as_integer(node.b); by != nullptr && *by >= 0) {
    if (is_left) return shifted(a, static_cast<int>(std::min<Int128>(*by, kMaxWidth + 1)));
    if (*by < bits_of(carrier)) {
      return {fmt::format("({} >> {})", a.text, to_string(*by)), carrier};
    }
  }
  return {fmt::format("{}({}, {})", needs_.helper(is_left ? "shift_left" : "shift_right"),
                      bare(a.text), bare(exact(node.b).text)),
          carrier};
}

Value ExpressionWriter::of(const Expr& e, const Select& node) const {
  return {fmt::format("({} ? {} : {})", exact(node.condition).text, exact(node.a).text,
                      exact(node.b).text),
          carrier_of(e.type())};
}

Value ExpressionWriter::of(const Expr& e, const Cast& node) const {
  return converted(node.operand, e.type());
}

Value ExpressionWriter::of(const Expr& e, const Bitcast& node) const {
  const Type& from = node.operand.type();
  Value bits = exact(node.operand);
  if (from.is_float()) {
    bits = {fmt::format("__builtin_bit_cast(std::uint32_t, {})", bare(bits.text)), Carrier::kU32};
    if (from.kind == TypeKind::kBFloat16) bits.text = fmt::format("({} >> 16)", bits.text);
  }
  if (e.type().is_float()) {
    bits = in_carrier(bits, Carrier::kU32);
    if (e.type().kind == TypeKind::kBFloat16) bits.text = fmt::format("({} << 16)", bits.text);
    return {fmt::format("__builtin_bit_cast(float, {})", bare(bits.text)), Carrier::kFloat};
  }
  if (e.type().is_bool()) return {fmt::format("(({} & 1) != 0)", bits.text), Carrier::kBool};
  return wrapped(in_carrier(bits, carrier_of(e.type())), e.type());
}

Value ExpressionWriter::of(const Expr& e, const Apply& node) const {
  std::string arguments;
  for (const Expr& argument : node.arguments) {
    if (!arguments.empty()) arguments += ", ";
    arguments += bare(exact(argument).text);
  }
  return {fmt::format("{}({})", needs_.function(*node.function), arguments), carrier_of(e.type())};
}

}  // namespace heddle::kernel::native
