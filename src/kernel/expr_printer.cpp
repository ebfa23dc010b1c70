#include "kernel/expr_printer.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <variant>

#include "base/error.h"
#include "kernel/made.h"
#include "kernel/rewrite.h"
#include "kernel/spelling.h"

namespace heddle::kernel {
namespace {

/// How tightly operators bind, as the parser has it (see text.h).
enum Level : int { kOr, kAnd, kCompare, kBitOr, kBitXor, kBitAnd, kShift, kSum, kProduct, kUnary };

Level level_of(BinaryOp op, bool is_bool) {
  if (is_comparison(op)) return kCompare;
  switch (op) {
    case BinaryOp::kOr:
      return is_bool ? kOr : kBitOr;
    case BinaryOp::kAnd:
      return is_bool ? kAnd : kBitAnd;
    case BinaryOp::kXor:
      return kBitXor;
    case BinaryOp::kShl:
    case BinaryOp::kShr:
      return kShift;
    case BinaryOp::kAdd:
    case BinaryOp::kSub:
      return kSum;
    default:
      return kProduct;
  }
}

bool is_bitwise(Level level) {
  return level >= kBitOr && level <= kShift;
}

struct Printed {
  std::string text;
  Level level = kUnary;
};

Printed print(const Expr& e);

/// As the operand of an operator; operators whose order few remember get brackets.
std::string operand_text(const Printed& operand, Level outer, bool is_right) {
  const bool needs = operand.level < outer || (operand.level == outer && is_right);
  const bool helps = operand.level != outer && operand.level != kUnary &&
                     (is_bitwise(operand.level) || (is_bitwise(outer) && outer != kUnary));
  return needs || helps ? "(" + operand.text + ")" : operand.text;
}

std::string typed_text(const Expr& literal, bool pinned) {
  return fmt::format("{}{}{}{}", to_string(literal.type()), pinned ? "{" : "(",
                     literal_content(literal), pinned ? "}" : ")");
}

Printed call_text(std::string text, const std::vector<Printed>& arguments) {
  text += '(';
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    text += (i > 0 ? ", " : "") + arguments[i].text;
  }
  return {text + ")"};
}

/// One way to write an operand: its text, and what the text gives to the operator's maker.
struct Form {
  Printed printed;
  Operand operand;
};

/// From the shortest form to the safest one.
std::vector<Form> forms_of(const Expr& e) {
  std::vector<Form> forms;
  if (e.as<Constant>()) {
    if (std::optional<BareLiteral> bare = bare_literal(e)) {
      forms.push_back({{bare->text}, {bare->meaning}});
    }
    forms.push_back({{typed_text(e, false)}, {e}});
    forms.push_back({{typed_text(e, true)}, {e, true}});
    return forms;
  }
  if (const auto* cast = e.as<Cast>(); cast && !cast->operand.as<Constant>() &&
                                       cast->operand.type().is_float() == e.type().is_float()) {
    // The makers insert such casts themselves where operands of two types meet.
    const Printed inner = print(cast->operand);
    forms.push_back({inner, {cast->operand}});
    forms.push_back({call_text(to_string(e.type()), {inner}), {e}});
    return forms;
  }
  forms.push_back({print(e), {e}});
  return forms;
}

bool makes(const Expr& e, const std::vector<Operand>& operands) {
  try {
    return equal(make_from(operands, maker_of(e)), e);
  } catch (const UserError&) {
    return false;
  }
}

/// The operands' forms, the shortest ones that the maker turns into e.
std::vector<Printed> operand_forms(const Expr& e) {
  std::vector<std::vector<Form>> forms;
  bool has_choice = false;
  for (const Expr& operand : operands(e)) {
    forms.push_back(forms_of(operand));
    has_choice |= forms.back().size() > 1;
  }
  std::vector<std::size_t> chosen(forms.size(), 0);
  const auto is_last = [&] {
    for (std::size_t i = 0; i < forms.size(); ++i) {
      if (chosen[i] + 1 < forms[i].size()) return false;
    }
    return true;
  };
  const auto tried = [&] {
    std::vector<Operand> operands;
    operands.reserve(forms.size());
    for (std::size_t i = 0; i < forms.size(); ++i) operands.push_back(forms[i][chosen[i]].operand);
    return operands;
  };
  while (has_choice && !is_last() && !makes(e, tried())) {
    for (std::size_t i = 0; i < forms.size(); ++i) {
      if (++chosen[i] < forms[i].size()) break;
      chosen[i] = 0;
    }
  }
  std::vector<Printed> printed;
  printed.reserve(forms.size());
  for (std::size_t i = 0; i < forms.size(); ++i) printed.push_back(forms[i][chosen[i]].printed);
  return printed;
}

struct NodePrinter {
  const Expr& e;

  Printed operator()(const Constant& /*node*/) const { return {expr_text(e)}; }
  Printed operator()(const Variable& node) const { return {node.name}; }
  Printed operator()(const Load& node) const {
    return {node.array + subscripts_text(node.indices)};
  }
  Printed operator()(const Unary& node) const {
    const std::vector<Printed> parts = operand_forms(e);
    if (node.op != UnaryOp::kNegate && node.op != UnaryOp::kNot) {
      return call_text(std::string(to_string(node.op)), parts);
    }
    std::string_view sign = to_string(node.op);
    if (node.op == UnaryOp::kNot && !e.type().is_bool()) sign = "~";
    return {std::string(sign) + operand_text(parts[0], kUnary, false)};
  }
  Printed operator()(const Binary& node) const {
    const std::vector<Printed> parts = operand_forms(e);
    if (is_function(node.op)) return call_text(std::string(to_string(node.op)), parts);
    std::string sign(to_string(node.op));
    const bool is_logic = e.type().is_bool() && !is_comparison(node.op);
    if (is_logic && node.op != BinaryOp::kXor) sign += sign;
    const Level level = level_of(node.op, is_logic);
    // a < b < c has no meaning, so comparisons inside of comparisons get brackets on both sides.
    return {fmt::format("{} {} {}", operand_text(parts[0], level, level == kCompare), sign,
                        operand_text(parts[1], level, true)),
            level};
  }
  Printed operator()(const Select& /*node*/) const { return call_text("select", operand_forms(e)); }
  Printed operator()(const Cast& node) const {
    if (node.operand.as<Constant>()) {
      return call_text(to_string(e.type()), {{typed_text(node.operand, true)}});
    }
    return call_text(to_string(e.type()), {print(node.operand)});
  }
  Printed operator()(const Bitcast& node) const {
    return call_text("bits<" + to_string(e.type()) + ">", {print(node.operand)});
  }
  Printed operator()(const Apply& node) const {
    if (node.function == nullptr) return {"<nothing>"};
    std::vector<Printed> arguments;
    for (std::size_t i = 0; i < node.arguments.size(); ++i) {
      const Expr& argument = node.arguments[i];
      const bool has_parameter = i < node.function->parameters.size();
      arguments.push_back({has_parameter
                               ? argument_text(node.function->parameters[i].type, argument)
                               : expr_text(argument)});
    }
    return call_text(node.function->name, arguments);
  }
};

Printed print(const Expr& e) {
  if (e.get() == nullptr) return {"<nothing>"};
  return std::visit(NodePrinter{e}, e->value);
}

/// A literal in the shortest form that `convert` brings back to it; other values as they are.
std::string converted_text(const Expr& e, const std::function<Expr(const Expr&)>& convert) {
  if (e.as<Constant>() == nullptr) return print(e).text;
  const auto converts = [&](const Operand& operand) {
    try {
      return operand.pinned || equal(convert(operand.value), e);
    } catch (const UserError&) {
      return false;  // It does not fit without its type.
    }
  };
  const std::vector<Form> forms = forms_of(e);
  const auto form =
      std::find_if(forms.begin(), forms.end(), [&](const Form& f) { return converts(f.operand); });
  return form == forms.end() ? forms.back().printed.text : form->printed.text;
}

}  // namespace

std::string expr_text(const Expr& e) {
  return converted_text(e, [](const Expr& bare) { return bare; });
}

std::string index_text(const Expr& e) {
  if (const auto* cast = e.as<Cast>(); cast && !cast->operand.as<Constant>() &&
                                       e.type().is_index() && cast->operand.type().is_integer() &&
                                       cast->operand.type().width <= kMaxElementWidth) {
    return print(cast->operand).text;
  }
  return converted_text(e, [](const Expr& bare) { return to_index(bare); });
}

std::string stored_text(const Type& element, const Expr& e) {
  return converted_text(e, [&](const Expr& bare) { return as_stored(element, bare); });
}

std::string argument_text(const Type& type, const Expr& e) {
  return converted_text(e, [&](const Expr& bare) { return cast(type, bare); });
}

std::string subscripts_text(const std::vector<Expr>& indices) {
  if (indices.empty()) return "";
  std::string text = "[";
  for (std::size_t i = 0; i < indices.size(); ++i) {
    text += (i > 0 ? ", " : "") + index_text(indices[i]);
  }
  return text + "]";
}

std::string to_string(const Expr& e) {
  if (const auto* literal = e.as<Constant>(); literal != nullptr) {
    // A message speaks of the value; its type, if it matters, stands beside it.
    if (const std::optional<BareLiteral> bare = bare_literal(e)) return bare->text;
  }
  return expr_text(e);
}

}  // namespace heddle::kernel
