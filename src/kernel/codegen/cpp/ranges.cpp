#include "kernel/codegen/cpp/ranges.h"

#include <algorithm>
#include <initializer_list>

#include "kernel/codegen/cpp/carrier.h"
#include "kernel/scalar.h"

namespace heddle::kernel::native {
namespace {

constexpr Int128 kFar = Int128{1} << 100;

Int128 clamp(Int128 value) {
  return std::clamp(value, -kFar, kFar);
}

Int128 product(Int128 a, Int128 b) {
  if (a == 0 || b == 0) return 0;
  const Int128 near = Int128{1} << 62;
  const bool fits = a > -near && a < near && b > -near && b < near;
  if (fits) return a * b;
  return (a < 0) == (b < 0) ? kFar : -kFar;
}

Int128 floor_divide(Int128 a, Int128 b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

Range of_type(const Type& type) {
  if (type.is_float()) return {};
  return {clamp(lowest(type)), clamp(highest(type))};
}

Range hull(std::initializer_list<Int128> values) {
  return {clamp(std::min(values)), clamp(std::max(values))};
}

Range of_binary(const Binary& node, const Range& a, const Range& b) {
  switch (node.op) {
    case BinaryOp::kAdd:
      return {clamp(a.low + b.low), clamp(a.high + b.high)};
    case BinaryOp::kSub:
      return {clamp(a.low - b.high), clamp(a.high - b.low)};
    case BinaryOp::kMul:
      return hull({product(a.low, b.low), product(a.low, b.high), product(a.high, b.low),
                   product(a.high, b.high)});
    case BinaryOp::kMin:
      return {std::min(a.low, b.low), std::min(a.high, b.high)};
    case BinaryOp::kMax:
      return {std::max(a.low, b.low), std::max(a.high, b.high)};
    case BinaryOp::kDiv: {
      const Int128 least = std::max<Int128>(b.low, 1);  // A divisor is positive.
      const Int128 most = std::max(b.high, least);
      return hull({floor_divide(a.low, least), floor_divide(a.low, most),
                   floor_divide(a.high, least), floor_divide(a.high, most)});
    }
    case BinaryOp::kMod:
      if (a.low >= 0) return {0, std::min(a.high, std::max<Int128>(b.high - 1, 0))};
      return {0, std::max<Int128>(b.high - 1, 0)};
    default:
      return {};
  }
}

Range intersect(const Range& a, const Range& b) {
  return {std::max(a.low, b.low), std::min(a.high, b.high)};
}

}  // namespace

Range range_of(const Expr& e, const std::map<std::string, Range>& variables) {
  const Range possible = of_type(e.type());
  if (const Int128* value = as_integer(e)) return {*value, *value};
  if (const auto* node = e.as<Variable>()) {
    const auto found = variables.find(node->name);
    return found == variables.end() ? possible : intersect(found->second, possible);
  }
  if (const auto* node = e.as<Cast>()) {
    const Type& from = node->operand.type();
    if (from.is_integer() || from.is_index()) {
      return intersect(range_of(node->operand, variables), possible);
    }
  }
  if (const auto* node = e.as<Select>()) {
    const Range a = range_of(node->a, variables);
    const Range b = range_of(node->b, variables);
    return {std::min(a.low, b.low), std::max(a.high, b.high)};
  }
  if (const auto* node = e.as<Binary>(); node != nullptr && e.type().is_index()) {
    return intersect(of_binary(*node, range_of(node->a, variables), range_of(node->b, variables)),
                     possible);
  }
  return possible;
}

}  // namespace heddle::kernel::native
