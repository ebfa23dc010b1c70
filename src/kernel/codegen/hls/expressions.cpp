#include "kernel/codegen/hls/expressions.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "kernel/codegen/hls/types.h"
#include "kernel/scalar.h"

namespace heddle::kernel::hls {
namespace {

/// A cast of a float to more bits than this would need a grid wider than the stand-in's numbers.
constexpr int kMaxFromFloat = 120;

std::string wrapped(const Printed& e, Level least) {
  return e.level < least ? "(" + e.text + ")" : e.text;
}

Level above(Level level) {
  return static_cast<Level>(static_cast<int>(level) + 1);
}

/// a op b with parentheses where C++ would read something else.
std::string infix(const Printed& a, std::string_view op, const Printed& b, Level level) {
  return fmt::format("{} {} {}", wrapped(a, level), op, wrapped(b, above(level)));
}

std::string call_text(const std::string& function, const std::string& a, const std::string& b) {
  return fmt::format("{}({}, {})", function, a, b);
}

Level level_of(BinaryOp op) {
  switch (op) {
    case BinaryOp::kAdd:
    case BinaryOp::kSub:
      return Level::kSum;
    case BinaryOp::kMul:
    case BinaryOp::kDiv:
    case BinaryOp::kMod:
      return Level::kProduct;
    case BinaryOp::kEq:
    case BinaryOp::kNe:
      return Level::kEquality;
    default:
      return Level::kRelation;
  }
}

bool is_plain(const Type& type) {
  return type.is_integer() && !is_ap_fixed(type);
}

Type without_modes(Type type) {
  type.rounding = Rounding::kTruncate;
  type.overflow = Overflow::kExact;
  return type;
}

}  // namespace

Printed ExpressionPrinter::print(const Expr& e) const {
  if (const auto* variable = e.as<Variable>()) {
    const VariableView& view = scope_.variables.at(variable->name);
    return {view.name, Level::kPrimary, true, false, view.is_long};
  }
  if (const auto* load = e.as<Load>()) {
    Printed p{element(scope_.arrays.at(load->array), load->indices)};
    p.is_long = e.type().is_index();
    return p;
  }
  if (const auto* apply = e.as<Apply>()) {
    Printed p = call(*apply);
    p.is_long = e.type().is_index();
    return p;
  }
  if (const auto* cast = e.as<Bitcast>()) {
    Printed p{fmt::format("heddle::bits<{}>({})", cpp_type(e.type()), exact(cast->operand).text)};
    p.is_long = e.type().is_index();
    return p;
  }
  if (const auto* choice = e.as<Select>()) return choose(e, *choice);
  switch (e.type().kind) {
    case TypeKind::kBool:
      return boolean(e);
    case TypeKind::kIndex:
      return index(e);
    case TypeKind::kFixed:
      return fixed(e);
    case TypeKind::kFloat32:
    case TypeKind::kBFloat16:
      break;
  }
  return real(e);
}

Printed ExpressionPrinter::exact(const Expr& e) const {
  if (const auto* literal = e.as<Constant>()) {
    const std::string text = typed_literal(e.type(), *literal);
    return {e.type().is_index() ? fmt::format("long({})", text) : text};
  }
  Printed p = print(e);
  if (e.type().is_index() && !p.is_long) return {fmt::format("long({})", p.text)};
  if (!e.type().is_fixed() || p.is_exact) return p;
  return {fmt::format("{}({})", cpp_type(e.type()), p.text)};
}

std::string ExpressionPrinter::before_rounding(const Type& target, const Expr& e) const {
  const Type& type = e.type();
  const int drop = type.fraction - target.fraction;
  if (drop <= type.width || drop > kMaxFromFloat) return text(e);
  Type wider = without_modes(type);
  wider.width = static_cast<std::int16_t>(drop);
  return fmt::format("{}({})", cpp_type(wider), exact(e).text);
}

Printed ExpressionPrinter::as_ap_int(const Expr& e) const {
  if (is_plain(e.type())) return exact(e);
  const Type plain = without_modes(e.type());
  if (const auto* literal = e.as<Constant>()) return {typed_literal(plain, *literal)};
  return {fmt::format("{}({})", cpp_type(plain), text(e))};
}

std::string ExpressionPrinter::value(const Type& target, const Expr& e) const {
  const Type& type = e.type();
  const auto* literal = e.as<Constant>();
  if (target.is_fixed() && type.is_fixed()) {
    if (literal != nullptr && is_plain(target)) {
      if (is_plain_integer(type, *literal)) return plain_literal(type, *literal);
      if (type.is_integer()) return typed_literal(without_modes(type), *literal);
    }
    if (literal != nullptr && target == type) return plain_literal(type, *literal);
    const std::string text = before_rounding(target, e);
    return is_plain(target) && !is_plain(type) ? fmt::format("{}({})", as_ap_fixed(target), text)
                                               : text;
  }
  if (target.is_index() && type.is_fixed()) return index_cast(e).text;
  if (target.kind == TypeKind::kBFloat16 && type.kind != TypeKind::kBFloat16) {
    return fmt::format("heddle::bfloat16({})", text(e));
  }
  return text(e);
}

std::string ExpressionPrinter::subscript(const Expr& e) const {
  return "[" + text(e) + "]";
}

std::string ExpressionPrinter::place(const ArrayView& view,
                                     const std::vector<Expr>& indices) const {
  std::vector<Expr> subscripts = view.subscripts(indices);
  if (view.lanes > 1) subscripts.back() = split_lanes(subscripts.back(), view.lanes, ranges_).word;
  std::string text = view.name;
  for (const Expr& e : subscripts) text += subscript(e);
  const auto word = scope_.words.find(text);
  return word == scope_.words.end() ? text : word->second;
}

Expr ExpressionPrinter::lane(const ArrayView& view, const std::vector<Expr>& indices) const {
  return split_lanes(view.subscripts(indices).back(), view.lanes, ranges_).lane;
}

std::string ExpressionPrinter::element(const ArrayView& view,
                                       const std::vector<Expr>& indices) const {
  std::string at = place(view, indices);
  if (view.lanes == 1) return at;
  const Printed index = print(lane(view, indices));
  const std::string lane_text = index.is_long ? fmt::format("int({})", index.text) : index.text;
  return call_text(fmt::format("heddle::lane<{}>", cpp_type(view.element)), at, lane_text);
}

std::string ExpressionPrinter::channel(const StreamView& view,
                                       const std::vector<Expr>& indices) const {
  std::string text = view.name;
  for (const Expr& e : indices) text += subscript(e);
  return text;
}

// Index.

Printed ExpressionPrinter::index(const Expr& e) const {
  if (const auto* literal = e.as<Constant>()) {
    Printed p{plain_literal(e.type(), *literal)};
    p.is_long = !range_of(e, ranges_).fits_int();
    if (literal->raw < 0) p.level = Level::kUnary;
    return p;
  }
  if (const auto* op = e.as<Binary>()) return index_binary(e, *op);
  if (const auto* cast = e.as<Cast>()) return index_cast(cast->operand);
  const auto& op = std::get<Unary>(e->value);
  const Printed a = print(op.operand);
  if (op.op == UnaryOp::kAbs) {
    return {fmt::format("heddle::abs<long>({})", a.text), Level::kPrimary, true, false, true};
  }
  const bool widens = !a.is_long && !range_of(e, ranges_).fits_int();
  const std::string text = widens ? fmt::format("long({})", a.text) : wrapped(a, Level::kPrimary);
  return {"-" + text, Level::kUnary, true, false, a.is_long || widens};
}

Printed ExpressionPrinter::index_binary(const Expr& e, const Binary& op) const {
  Printed a = print(op.a);
  const Printed b = print(op.b);
  const bool is_long = a.is_long || b.is_long;
  if (op.op == BinaryOp::kMin || op.op == BinaryOp::kMax) {
    const std::string_view name = op.op == BinaryOp::kMin ? "min" : "max";
    return {
        call_text(fmt::format("heddle::{}<{}>", name, is_long ? "long" : "int"), a.text, b.text),
        Level::kPrimary, true, false, is_long};
  }
  if (op.op == BinaryOp::kDiv || op.op == BinaryOp::kMod) {
    const bool is_natural = range_of(op.a, ranges_).is_natural() && range_of(op.b, ranges_).low > 0;
    if (!is_natural) {
      const std::string_view name = op.op == BinaryOp::kDiv ? "floor_div" : "floor_mod";
      return {call_text(fmt::format("heddle::{}", name), a.text, b.text), Level::kPrimary, true,
              false, true};
    }
  }
  const bool widens = !is_long && !range_of(e, ranges_).fits_int();
  if (widens) a = {fmt::format("long({})", a.text)};
  const Level level = level_of(op.op);
  return {infix(a, to_string(op.op), b, level), level, true, false, is_long || widens};
}

Printed ExpressionPrinter::index_cast(const Expr& operand) const {
  const Type& type = operand.type();
  if (type.is_index()) return print(operand);
  if (type.is_bool()) return {fmt::format("int({})", text(operand))};
  if (type.is_float()) {
    return {fmt::format("long(heddle::floor({}))", text(operand)), Level::kPrimary, true, false,
            true};
  }
  if (type.is_integer()) {
    if (const auto* literal = operand.as<Constant>()) {
      return index(constant(index_type(), literal->raw));
    }
    const bool is_int = range_of(type).fits_int() && type.width <= 32;
    const Printed p = print(operand);
    if (p.is_literal) return {p.text, p.level};
    const std::string object = wrapped(is_ap_fixed(type) ? as_ap_int(operand) : p, Level::kPrimary);
    return is_int ? Printed{object + ".to_int()"}
                  : Printed{fmt::format("long({}.to_int64())", object), Level::kPrimary, true,
                            false, true};
  }
  // Rounded down first: to_int64() rounds toward zero.
  Type whole = without_modes(type);
  whole.width = static_cast<std::int16_t>(std::clamp(type.width - type.fraction, 1, kMaxWidth));
  whole.fraction = 0;
  return {fmt::format("long({}({}({})).to_int64())", cpp_type(whole), as_ap_fixed(whole),
                      before_rounding(whole, operand)),
          Level::kPrimary, true, false, true};
}

// Floats.

Printed ExpressionPrinter::real(const Expr& e) const {
  const bool is_narrow = e.type().kind == TypeKind::kBFloat16;
  if (const auto* literal = e.as<Constant>()) {
    Printed p{plain_literal(e.type(), *literal)};
    if (!is_narrow && p.text.starts_with("-")) p.level = Level::kUnary;
    return p;
  }
  Printed p;
  if (const auto* cast = e.as<Cast>()) {
    const Type& type = cast->operand.type();
    if (type.is_fixed()) {
      const Printed operand = print(cast->operand);
      const bool is_int =
          is_plain(type) && range_of(type).fits_int() && type.width <= 32 && !operand.is_literal;
      p.text = is_int ? fmt::format("float({}.to_int())", wrapped(operand, Level::kPrimary))
                      : fmt::format("heddle::to_float({})", exact(cast->operand).text);
    } else {
      p.text = fmt::format("float({})", text(cast->operand));
    }
  } else if (const auto* op = e.as<Unary>()) {
    const std::string operand = text(op->operand);
    switch (op->op) {
      case UnaryOp::kNegate:
        p.text = "-" + wrapped(print(op->operand), Level::kPrimary);
        p.level = Level::kUnary;
        break;
      default:
        p.text = fmt::format("heddle::{}({})", to_string(op->op), operand);
    }
  } else {
    const auto& two = std::get<Binary>(e->value);
    const Printed a = print(two.a);
    const Printed b = print(two.b);
    if (is_function(two.op)) {
      p.text = call_text(fmt::format("heddle::{}<float>", to_string(two.op)), a.text, b.text);
    } else {
      p.level = level_of(two.op);
      p.text = infix(a, to_string(two.op), b, p.level);
    }
  }
  if (is_narrow) return {fmt::format("heddle::bfloat16({})", p.text)};
  return p;
}

// Fixed-point numbers and integers.

Printed ExpressionPrinter::fixed(const Expr& e) const {
  if (const auto* literal = e.as<Constant>()) {
    if (!is_plain_integer(e.type(), *literal)) return {typed_literal(e.type(), *literal)};
    Printed p{plain_literal(e.type(), *literal)};
    p.is_exact = false;
    p.is_literal = true;
    if (literal->raw < 0) p.level = Level::kUnary;
    return p;
  }
  if (const auto* cast = e.as<Cast>()) return fixed_cast(e.type(), cast->operand);
  if (const auto* op = e.as<Unary>()) return fixed_unary(e, *op);
  return fixed_binary(e, std::get<Binary>(e->value));
}

Printed ExpressionPrinter::fixed_cast(const Type& type, const Expr& operand) const {
  const Type& from = operand.type();
  const std::string target = cpp_type(type);
  if (from.is_float()) {
    if (type.width > kMaxFromFloat) {
      throw UserError(fmt::format("HLS C++: a cast of {} to {}", to_string(from), to_string(type)),
                      fmt::format("cast to at most {} bits first", kMaxFromFloat));
    }
    return {fmt::format("heddle::from_float<{}>({})", target, text(operand))};
  }
  if (from.is_fixed() && same_values(from, type) && is_ap_fixed(from) == is_ap_fixed(type) &&
      type.overflow != Overflow::kSaturateSymmetric) {
    Printed p = exact(operand);
    p.is_exact = cpp_type(from) == target;
    return p;
  }
  if (from.is_fixed() && is_plain(type) && !is_plain(from)) {
    return {fmt::format("{}({}({}))", target, as_ap_fixed(type), before_rounding(type, operand))};
  }
  if (const auto* literal = operand.as<Constant>(); literal && from.is_fixed()) {
    return {fmt::format("{}({})", target, typed_literal(from, *literal))};
  }
  const std::string value = from.is_fixed() ? before_rounding(type, operand) : text(operand);
  return {fmt::format("{}({})", target, value)};
}

Printed ExpressionPrinter::fixed_unary(const Expr& e, const Unary& op) const {
  switch (op.op) {
    case UnaryOp::kNegate: {
      const Printed a = print(op.operand);
      return {"-" + wrapped(a.is_literal ? exact(op.operand) : a, Level::kPrimary), Level::kUnary,
              false};
    }
    case UnaryOp::kAbs:
      return {fmt::format("heddle::abs<{}>({})", cpp_type(e.type()), exact(op.operand).text)};
    default:
      return {"~" + wrapped(as_ap_int(op.operand), Level::kPrimary), Level::kUnary};
  }
}

Printed ExpressionPrinter::fixed_binary(const Expr& e, const Binary& op) const {
  switch (op.op) {
    case BinaryOp::kAdd:
    case BinaryOp::kSub:
    case BinaryOp::kMul: {
      Printed a = print(op.a);
      const Printed b = print(op.b);
      // Two literals would be computed as ints.
      if (a.is_literal && b.is_literal) a = exact(op.a);
      const Level level = level_of(op.op);
      return {infix(a, to_string(op.op), b, level), level, false};
    }
    case BinaryOp::kDiv:
    case BinaryOp::kMod:
      return divide(op);
    case BinaryOp::kMin:
    case BinaryOp::kMax: {
      const std::string function =
          fmt::format("heddle::{}<{}>", to_string(op.op), cpp_type(e.type()));
      return {call_text(function, value(e.type(), op.a), value(e.type(), op.b))};
    }
    case BinaryOp::kShl:
    case BinaryOp::kShr:
      return shift(e, op);
    default:
      // Always in parentheses: few know how these bind.
      return {fmt::format("({} {} {})", wrapped(as_ap_int(op.a), Level::kUnary), to_string(op.op),
                          wrapped(as_ap_int(op.b), Level::kUnary))};
  }
}

Printed ExpressionPrinter::divide(const Binary& op) const {
  Printed a = as_ap_int(op.a);
  Printed b = as_ap_int(op.b);
  if (op.a.type().is_signed != op.b.type().is_signed) {
    // AMD follows C here, where an unsigned operand makes both unsigned.
    const Type common = common_type(without_modes(op.a.type()), without_modes(op.b.type()));
    a = {fmt::format("{}({})", cpp_type(common), a.text)};
    b = {fmt::format("{}({})", cpp_type(common), b.text)};
  }
  return {infix(a, to_string(op.op), b, Level::kProduct), Level::kProduct, false};
}

Printed ExpressionPrinter::shift(const Expr& e, const Binary& op) const {
  const Int128* amount = as_integer(op.b);
  const Printed a = exact(op.a);
  const bool is_exact = cpp_type(e.type()) == cpp_type(op.a.type());
  const bool is_left = op.op == BinaryOp::kShl;
  if (amount == nullptr || (!is_left && *amount >= op.a.type().width)) {
    const Type& type = op.b.type();
    std::string by = index_cast(op.b).text;
    if (type.is_fixed() && type.width > 31 && amount == nullptr) {
      // All amounts from the largest width on do the same.
      by = call_text(fmt::format("heddle::min<{}>", cpp_type(without_modes(type))),
                     as_ap_int(op.b).text, std::to_string(kMaxWidth)) +
           ".to_int()";
    }
    return {call_text(is_left ? "heddle::shift_left" : "heddle::shift_right", a.text, by),
            Level::kPrimary, is_exact};
  }
  if (!is_left) {
    return {fmt::format("{} >> {}", wrapped(a, Level::kUnary), kernel::to_string(*amount)),
            Level::kShift, is_exact};
  }
  // << keeps the type, so the result's comes first.
  return {fmt::format("{}({}) << {}", cpp_type(e.type()), a.text, kernel::to_string(*amount)),
          Level::kShift};
}

// Conditions, choices, calls.

Printed ExpressionPrinter::boolean(const Expr& e) const {
  if (const auto* literal = e.as<Constant>()) return {plain_literal(e.type(), *literal)};
  if (const auto* op = e.as<Unary>()) {
    return {"!" + wrapped(print(op->operand), Level::kPrimary), Level::kUnary};
  }
  const auto& op = std::get<Binary>(e->value);
  if (is_comparison(op.op)) return compare(op);
  const Printed a = print(op.a);
  const Printed b = print(op.b);
  const auto side = [](const Printed& p, Level same) {
    return p.level == same ? p.text : wrapped(p, Level::kEquality);
  };
  switch (op.op) {
    case BinaryOp::kAnd:
      return {side(a, Level::kLogicalAnd) + " && " + wrapped(b, Level::kEquality),
              Level::kLogicalAnd};
    case BinaryOp::kOr:
      return {side(a, Level::kLogicalOr) + " || " + wrapped(b, Level::kEquality),
              Level::kLogicalOr};
    default:
      return {wrapped(a, Level::kSum) + " != " + wrapped(b, Level::kSum), Level::kEquality};
  }
}

Printed ExpressionPrinter::compare(const Binary& op) const {
  const Level level = level_of(op.op);
  Printed a = print(op.a);
  Printed b = print(op.b);
  if (op.a.type().is_fixed()) {
    // Two values of one type. A literal beside it is an int, which compares by value with any type
    // that holds it.
    const bool both = a.is_literal && b.is_literal;
    const auto settle = [&](Printed& p, const Expr& e) {
      if (!p.is_exact && (!p.is_literal || both)) p = exact(e);
    };
    settle(a, op.a);
    settle(b, op.b);
  }
  return {fmt::format("{} {} {}", wrapped(a, Level::kShift), to_string(op.op),
                      wrapped(b, Level::kShift)),
          level};
}

Printed ExpressionPrinter::choose(const Expr& e, const Select& choice) const {
  const std::string condition = wrapped(print(choice.condition), Level::kLogicalOr);
  Printed a = print(choice.a);
  Printed b = print(choice.b);
  const bool is_int =
      e.type().is_fixed() && a.is_literal && b.is_literal && range_of(e.type()).fits_int();
  if (e.type().is_fixed() && !is_int) {
    const auto settle = [&](Printed& p, const Expr& branch) {
      const bool is_type = p.is_exact && branch.type() == e.type();
      if (is_type) return;
      if (const auto* literal = branch.as<Constant>()) {
        p = {typed_literal(e.type(), *literal)};
      } else {
        p = {fmt::format("{}({})", cpp_type(e.type()), value(e.type(), branch))};
      }
    };
    settle(a, choice.a);
    settle(b, choice.b);
  }
  Printed p{fmt::format("{} ? {} : {}", condition, wrapped(a, Level::kLogicalOr),
                        wrapped(b, Level::kLogicalOr)),
            Level::kSelect, !is_int, is_int};
  p.is_long = e.type().is_index() && (a.is_long || b.is_long);
  return p;
}

Printed ExpressionPrinter::call(const Apply& node) const {
  std::string arguments;
  for (std::size_t i = 0; i < node.arguments.size(); ++i) {
    if (i > 0) arguments += ", ";
    arguments += value(node.function->parameters[i].type, node.arguments[i]);
  }
  return {fmt::format("{}({})", scope_.functions->at(node.function->name), arguments)};
}

}  // namespace heddle::kernel::hls
