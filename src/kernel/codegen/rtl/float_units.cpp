#include "kernel/codegen/rtl/float_units.h"

#include <fmt/core.h>

#include "base/error.h"
#include "kernel/codegen/rtl/arithmetic.h"

namespace heddle::kernel::rtl {
namespace {

bool is_brief(const Type& type) {
  return type.kind == TypeKind::kBFloat16;
}

NodeId unit(Graph& graph, FloatUnit which, std::vector<NodeId> operands,
            const std::string& parameters = "") {
  return graph.floating(which, std::move(operands), parameters, ends_of(float32_type()));
}

/// Numbers in the order of the floats that they are made of; both zeros are 0.
NodeId rank(Graph& graph, NodeId value) {
  const NodeId magnitude = graph.slice(value, 0, 31, false);
  return graph.mux(graph.slice(value, 31, 1, false), graph.sub(graph.constant(0), magnitude),
                   magnitude);
}

/// Neither is a NaN.
NodeId ordered(Graph& graph, NodeId a, NodeId b) {
  const NodeId infinity = graph.constant(0x7F80'0000);
  const auto is_number = [&](NodeId value) {
    return graph.logical_not(graph.less(infinity, graph.slice(value, 0, 31, false)));
  };
  return graph.both(is_number(a), is_number(b));
}

NodeId widened(Graph& graph, NodeId value, const Type& type) {
  return is_brief(type) ? graph.shift_left(value, 16) : value;
}

NodeId narrowed(Graph& graph, NodeId value, const Type& type) {
  if (!is_brief(type)) return value;
  return graph.floating(FloatUnit::kToBfloat16, {value}, "", ends_of(type));
}

NodeId from_fixed(Graph& graph, NodeId value, const Type& from) {
  const Node& node = graph[value];
  const std::string parameters = fmt::format(".WIDTH({}), .FRACTION({}), .SIGNED({:d})",
                                             node.width(), from.fraction, node.is_signed());
  return graph.floating(FloatUnit::kFromFixed, {value}, parameters, ends_of(float32_type()));
}

NodeId to_fixed(Graph& graph, NodeId value, const Type& to) {
  // What does not fit an exact type is a fault, and may be anything.
  const std::string overflow =
      to.overflow == Overflow::kExact ? "wrap" : std::string(to_string(to.overflow));
  const std::string parameters =
      fmt::format(".WIDTH({}), .FRACTION({}), .SIGNED({:d}), .ROUNDING(\"{}\"), .OVERFLOW(\"{}\")",
                  to.bits(), to.fraction, is_signed(to), to_string(to.rounding), overflow);
  const NodeId bits =
      graph.floating(FloatUnit::kToFixed, {value}, parameters, {0, (Int128{1} << to.bits()) - 1});
  return graph.slice(bits, 0, to.bits(), is_signed(to));
}

}  // namespace

const FloatModule& module_of(FloatUnit unit) {
  static constexpr std::array<FloatModule, 9> kModules = {{
      {"fp32_add", 6, {"a", "b"}, "y", ".sub(1'b0)"},
      {"fp32_add", 6, {"a", "b"}, "y", ".sub(1'b1)"},
      {"fp32_mul", 6, {"a", "b"}, "y", ""},
      {"fp32_div", 29, {"a", "b"}, "y", ""},
      {"fp32_sqrt", 28, {"a", ""}, "y", ""},
      {"fp32_integral", 2, {"in", ""}, "out", ""},
      {"fp32_to_bf16", 1, {"in", ""}, "out", ""},
      {"fp32_to_fixed", 4, {"in", ""}, "out", ""},
      {"fixed_to_fp32", 4, {"in", ""}, "out", ""},
  }};
  return kModules.at(static_cast<std::size_t>(unit));
}

NodeId convert_float(Graph& graph, NodeId value, const Type& from, const Type& to) {
  if (from.kind == to.kind) return value;
  if (!from.is_float()) return narrowed(graph, from_fixed(graph, value, from), to);
  const NodeId wide = widened(graph, value, from);
  return to.is_float() ? narrowed(graph, wide, to) : to_fixed(graph, wide, to);
}

NodeId apply_float(Graph& graph, UnaryOp op, NodeId a, const Type& type) {
  const auto [low, high] = ends_of(type);
  const NodeId sign = graph.constant((high + 1) / 2);
  const auto by = [&](FloatUnit which, const std::string& parameters = "") {
    return narrowed(graph, unit(graph, which, {widened(graph, a, type)}, parameters), type);
  };
  switch (op) {
    case UnaryOp::kNegate:
      return graph.bitwise(Op::kXor, a, sign, low, high);
    case UnaryOp::kAbs:
      return graph.slice(a, 0, type.bits() - 1, false);
    case UnaryOp::kSqrt:
      return by(FloatUnit::kSqrt);
    case UnaryOp::kFloor:
      return by(FloatUnit::kIntegral, ".TO_NEAREST(0)");
    case UnaryOp::kRound:
      return by(FloatUnit::kIntegral, ".TO_NEAREST(1)");
    default:
      throw InternalError(fmt::format("{} on floats", to_string(op)));
  }
}

NodeId apply_float(Graph& graph, BinaryOp op, NodeId a, NodeId b, const Type& type) {
  const NodeId x = widened(graph, a, type);
  const NodeId y = widened(graph, b, type);
  const auto by = [&](FloatUnit which) {
    return narrowed(graph, unit(graph, which, {x, y}), type);
  };
  const auto less = [&](NodeId left, NodeId right) {
    return graph.both(ordered(graph, x, y), graph.less(rank(graph, left), rank(graph, right)));
  };
  const auto equal = [&] {
    return graph.both(ordered(graph, x, y), graph.equal(rank(graph, x), rank(graph, y)));
  };
  switch (op) {
    case BinaryOp::kAdd:
      return by(FloatUnit::kAdd);
    case BinaryOp::kSub:
      return by(FloatUnit::kSubtract);
    case BinaryOp::kMul:
      return by(FloatUnit::kMultiply);
    case BinaryOp::kDiv:
      return by(FloatUnit::kDivide);
    case BinaryOp::kMin:
      return graph.mux(less(y, x), b, a);
    case BinaryOp::kMax:
      return graph.mux(less(x, y), b, a);
    case BinaryOp::kEq:
      return equal();
    case BinaryOp::kNe:
      return graph.logical_not(equal());
    case BinaryOp::kLt:
      return less(x, y);
    case BinaryOp::kLe:
      return graph.either(less(x, y), equal());
    case BinaryOp::kGt:
      return less(y, x);
    case BinaryOp::kGe:
      return graph.either(less(y, x), equal());
    default:
      throw InternalError(fmt::format("{} on floats", to_string(op)));
  }
}

}  // namespace heddle::kernel::rtl
