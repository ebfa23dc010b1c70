#include "kernel/schedule/evaluate.h"

#include <algorithm>
#include <stdexcept>

namespace heddle::kernel {
namespace {

std::int64_t floor_divide(std::int64_t a, std::int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

std::int64_t evaluate_binary(BinaryOp op, std::int64_t a, std::int64_t b) {
  switch (op) {
    case BinaryOp::kAdd:
      return a + b;
    case BinaryOp::kSub:
      return a - b;
    case BinaryOp::kMul:
      return a * b;
    case BinaryOp::kDiv:
      return floor_divide(a, b);
    case BinaryOp::kMod:
      return a - b * floor_divide(a, b);
    case BinaryOp::kMin:
      return std::min(a, b);
    case BinaryOp::kMax:
      return std::max(a, b);
    case BinaryOp::kAnd:
      return a & b;
    case BinaryOp::kOr:
      return a | b;
    case BinaryOp::kEq:
      return a == b;
    case BinaryOp::kNe:
      return a != b;
    case BinaryOp::kLt:
      return a < b;
    case BinaryOp::kLe:
      return a <= b;
    case BinaryOp::kGt:
      return a > b;
    case BinaryOp::kGe:
      return a >= b;
    default:
      throw std::logic_error("an operator that these tests do not make");
  }
}

rc::Gen<Expr> literals(std::int64_t low, std::int64_t high) {
  return rc::gen::map(rc::gen::inRange<std::int64_t>(low, high + 1),
                      [](std::int64_t value) { return constant(index_type(), Int128{value}); });
}

rc::Gen<Expr> expressions(const std::vector<std::string>& variables, int depth) {
  const auto leaf = rc::gen::oneOf(
      rc::gen::map(rc::gen::elementOf(variables),
                   [](const std::string& name) { return variable(name, index_type()); }),
      literals(-6, 6));
  if (depth == 0) return leaf;
  const auto part = [=] { return expressions(variables, depth - 1); };
  const auto made = [](BinaryOp op, const rc::Gen<Expr>& a, const rc::Gen<Expr>& b) {
    return rc::gen::map(rc::gen::pair(a, b), [op](const std::pair<Expr, Expr>& ab) {
      return binary(op, ab.first, ab.second);
    });
  };
  return rc::gen::oneOf(
      leaf, made(BinaryOp::kAdd, part(), part()), made(BinaryOp::kSub, part(), part()),
      made(BinaryOp::kMul, part(), literals(-4, 4)), made(BinaryOp::kDiv, part(), literals(1, 5)),
      made(BinaryOp::kMod, part(), literals(1, 5)), made(BinaryOp::kMin, part(), part()),
      made(BinaryOp::kMax, part(), part()),
      rc::gen::map(part(), [](const Expr& e) { return abs(e); }),
      rc::gen::map(rc::gen::tuple(part(), part(), part()),
                   [](const std::tuple<Expr, Expr, Expr>& abc) {
                     const auto& [a, b, c] = abc;
                     return select(a < b, b, c);
                   }));
}

}  // namespace

std::int64_t evaluate(const Expr& e, const Point& point) {
  if (const auto* node = e.as<Constant>()) return static_cast<std::int64_t>(node->raw);
  if (const auto* node = e.as<Variable>()) return point.at(node->name);
  if (const auto* node = e.as<Cast>()) return evaluate(node->operand, point);
  if (const auto* node = e.as<Select>()) {
    return evaluate(node->condition, point) != 0 ? evaluate(node->a, point)
                                                 : evaluate(node->b, point);
  }
  if (const auto* node = e.as<Unary>()) {
    const std::int64_t value = evaluate(node->operand, point);
    if (node->op == UnaryOp::kNegate) return -value;
    if (node->op == UnaryOp::kAbs) return value < 0 ? -value : value;
    return value == 0 ? 1 : 0;
  }
  const auto* node = e.as<Binary>();
  if (node == nullptr) throw std::logic_error("an expression that these tests do not make");
  return evaluate_binary(node->op, evaluate(node->a, point), evaluate(node->b, point));
}

rc::Gen<Expr> index_expressions(const std::vector<std::string>& variables, int depth) {
  return expressions(variables, depth);
}

}  // namespace heddle::kernel
