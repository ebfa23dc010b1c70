#include "kernel/made.h"

#include <map>
#include <set>

#include "base/error.h"
#include "kernel/rewrite.h"

namespace heddle::kernel {
namespace {

/// A node with other operands and nothing else changed.
Expr with_operands(const Expr& e, const std::vector<Expr>& parts) {
  const auto node = [&](auto value) {
    return Expr(std::make_shared<const ExprNode>(ExprNode{e.type(), std::move(value)}));
  };
  if (const auto* load = e.as<Load>()) return node(Load{load->array, parts});
  if (const auto* unary = e.as<Unary>()) return node(Unary{unary->op, parts[0]});
  if (const auto* binary = e.as<Binary>()) return node(Binary{binary->op, parts[0], parts[1]});
  if (e.as<Select>()) return node(Select{parts[0], parts[1], parts[2]});
  if (e.as<Cast>()) return node(Cast{parts[0]});
  if (e.as<Bitcast>()) return node(Bitcast{parts[0]});
  if (const auto* apply = e.as<Apply>()) return node(Apply{apply->function, parts});
  return e;
}

using NodeMap = std::map<const ExprNode*, Expr>;

/// e with nodes exchanged, those that map to themselves left as a whole.
Expr exchanged(const Expr& e, const NodeMap& nodes) {
  if (const auto found = nodes.find(e.get()); found != nodes.end()) return found->second;
  std::vector<Expr> parts = operands(e);
  if (parts.empty()) return e;
  for (Expr& part : parts) part = exchanged(part, nodes);
  return with_operands(e, parts);
}

/// Whether two nodes are alike and have the very same operands.
bool same_node(const Expr& a, const Expr& b) {
  if (a.get() == b.get()) return true;
  if (a.type() != b.type() || a->value.index() != b->value.index()) return false;
  if (const auto* unary = a.as<Unary>(); unary && unary->op != b.as<Unary>()->op) return false;
  if (const auto* binary = a.as<Binary>(); binary && binary->op != b.as<Binary>()->op) return false;
  const std::vector<Expr> a_parts = operands(a);
  const std::vector<Expr> b_parts = operands(b);
  for (std::size_t i = 0; i < a_parts.size(); ++i) {
    if (i >= b_parts.size() || a_parts[i].get() != b_parts[i].get()) return false;
  }
  return a_parts.size() == b_parts.size();
}

}  // namespace

Expr make_from(const std::vector<Operand>& operands, const Maker& make) {
  std::vector<Expr> values;
  NodeMap nodes;
  bool has_pinned = false;
  for (const Operand& operand : operands) {
    const bool pinned = operand.pinned && operand.value.as<Constant>();
    has_pinned |= pinned;
    values.push_back(pinned ? variable("literal", operand.value.type()) : operand.value);
    nodes.emplace(values.back().get(), operand.value);
  }
  const Expr made = make(values);
  return has_pinned ? exchanged(made, nodes) : made;
}

Maker maker_of(const Expr& e) {
  return [e](const std::vector<Expr>& parts) -> Expr {
    if (const auto* load = e.as<Load>()) return kernel::load(load->array, e.type(), parts);
    if (const auto* unary = e.as<Unary>()) return kernel::unary(unary->op, parts[0]);
    if (const auto* binary = e.as<Binary>()) return kernel::binary(binary->op, parts[0], parts[1]);
    if (e.as<Select>()) return kernel::select(parts[0], parts[1], parts[2]);
    if (e.as<Cast>()) return kernel::cast(e.type(), parts[0]);
    if (e.as<Bitcast>()) return kernel::bitcast(e.type(), parts[0]);
    if (const auto* apply = e.as<Apply>()) return kernel::apply(apply->function, parts);
    return e;
  };
}

bool is_made(const Expr& e) {
  std::vector<Operand> parts;
  bool has_literal = false;
  for (const Expr& operand : operands(e)) {
    parts.push_back({operand, false});
    has_literal |= operand.as<Constant>() != nullptr;
  }
  const Maker make = maker_of(e);
  const auto makes_it = [&] { return same_node(make_from(parts, make), e); };
  if (!has_literal) return makes_it();
  const auto makes_it_of_literals = [&] {
    try {
      return makes_it();
    } catch (const UserError&) {
      return false;  // A literal that its maker refuses may still stand where a variable stood.
    }
  };
  if (makes_it_of_literals()) return true;
  for (Operand& part : parts) part.pinned = true;
  return makes_it();
}

Expr as_stored(const Type& element, const Expr& value) {
  const bool adapts = value.as<Constant>() && !value.type().is_bool() && !element.is_bool() &&
                      (element.is_float() || value.type().is_integer());
  return adapts ? cast(element, value) : value;
}

}  // namespace heddle::kernel
