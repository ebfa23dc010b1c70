#include "kernel/codegen/rtl/arithmetic.h"

#include <algorithm>

#include "base/error.h"
#include "kernel/codegen/rtl/float_units.h"
#include "kernel/scalar.h"

namespace heddle::kernel::rtl {
namespace {

bool wraps(const Type& type) {
  return type.overflow == Overflow::kExact || type.overflow == Overflow::kWrap;
}

/// Brings raw numbers of two types to the same fraction.
std::pair<NodeId, NodeId> aligned(Graph& graph, NodeId a, const Type& a_type, NodeId b,
                                  const Type& b_type) {
  const int fraction = std::max(a_type.fraction, b_type.fraction);
  return {graph.shift_left(a, fraction - a_type.fraction),
          graph.shift_left(b, fraction - b_type.fraction)};
}

/// Whether the bits that are cut off round the rest up: bit `drop - 1` is a half, those below say
/// whether it is more.
NodeId rounds_up(Graph& graph, NodeId value, int drop, Rounding rounding, NodeId kept) {
  const NodeId half = graph.slice(value, drop - 1, 1, false);
  const NodeId more = drop == 1 ? graph.constant(0)
                                : graph.logical_not(graph.equal(
                                      graph.slice(value, 0, drop - 1, false), graph.constant(0)));
  const auto negative = [&] { return graph.less(value, graph.constant(0)); };
  switch (rounding) {
    case Rounding::kTruncate:
      return graph.constant(0);
    case Rounding::kTruncateZero:
      return graph.both(negative(), graph.either(half, more));
    case Rounding::kNearest:
      return half;
    case Rounding::kNearestZero:
      return graph.both(half, graph.either(more, negative()));
    case Rounding::kNearestNegative:
      return graph.both(half, more);
    case Rounding::kNearestInfinity:
      return graph.both(half, graph.either(more, graph.logical_not(negative())));
    case Rounding::kNearestEven:
      return graph.both(half, graph.either(more, graph.slice(kept, 0, 1, false)));
  }
  return graph.constant(0);
}

NodeId reduce_fraction(Graph& graph, NodeId value, int drop, Rounding rounding) {
  // Everything is less than a half of what more bits than a value has would cut off.
  drop = std::min(drop, graph[value].width() + 2);
  const NodeId kept = graph.shift_right(value, graph.constant(drop));
  return graph.add(kept, rounds_up(graph, value, drop, rounding, kept));
}

/// A number in the range of the type, by its overflow mode.
NodeId fit(Graph& graph, NodeId value, const Type& type) {
  const bool is_symmetric = type.overflow == Overflow::kSaturateSymmetric && is_signed(type);
  const Int128 high = highest(type);
  const Int128 low = is_symmetric ? -high : lowest(type);
  if (graph[value].low >= low && graph[value].high <= high) return value;
  if (wraps(type)) {
    return graph.slice(value, 0, type.bits(), is_signed(type));
  }
  const NodeId above = graph.less(graph.constant(high), value);
  const NodeId below = graph.less(value, graph.constant(low));
  const NodeId inside = graph.slice(value, 0, type.bits(), is_signed(type));
  const bool to_zero = type.overflow == Overflow::kSaturateZero;
  return graph.mux(above, graph.constant(to_zero ? 0 : high),
                   graph.mux(below, graph.constant(to_zero ? 0 : low), inside));
}

/// An index's 64 bits, also where its ends are known to be nearer.
NodeId as_index(Graph& graph, NodeId value) {
  return fit(graph, value, index_type());
}

NodeId divide(Graph& graph, BinaryOp op, NodeId a, NodeId b, bool floors) {
  const Node& divisor = graph[b];
  const bool is_power = divisor.op == Op::kConstant && divisor.value > 0 &&
                        (divisor.value & (divisor.value - 1)) == 0;
  if (is_power && (floors || graph[a].low >= 0)) {
    const int shift = bits_for(0, divisor.value) - 1;
    if (op == BinaryOp::kDiv) return graph.shift_right(a, graph.constant(shift));
    return shift == 0 ? graph.constant(0) : graph.slice(a, 0, shift, false);
  }
  const NodeId remainder = graph.remainder(a, b);
  if (!floors || graph[a].low >= 0) {
    return op == BinaryOp::kDiv ? graph.quotient(a, b) : remainder;
  }
  const NodeId down = graph.less(remainder, graph.constant(0));
  if (op == BinaryOp::kDiv) return graph.sub(graph.quotient(a, b), down);
  const Int128 most = std::max<Int128>(graph[b].high - 1, 0);
  const NodeId moved = graph.add(remainder, graph.mux(down, b, graph.constant(0)));
  return graph.slice(moved, 0, bits_for(0, most), false);
}

NodeId shift(Graph& graph, BinaryOp op, NodeId a, const Type& a_type, NodeId amount,
             const Type& result) {
  const Node& by = graph[amount];
  if (op == BinaryOp::kShr) {
    // A negative amount is a fault.
    return graph.shift_right(a, by.low < 0 ? graph.slice(amount, 0, 7, false) : amount);
  }
  if (by.op == Op::kConstant && by.value < kMaxWidth && result != a_type) {
    return graph.shift_left(a, static_cast<int>(by.value));
  }
  const NodeId natural = by.low < 0 ? graph.slice(amount, 0, 7, false) : amount;
  if (wraps(result)) return graph.shift_left(a, natural, result.bits(), is_signed(result));
  // Bits that leave are an overflow: shift in a field that none can leave.
  const NodeId most = graph.constant(result.bits() + 1);
  const NodeId near = graph.mux(graph.less(most, natural), most, natural);
  const int wide = std::min(kMaxWidth, 2 * result.bits() + 2);
  return fit(graph, graph.shift_left(a, near, wide, is_signed(result)), result);
}

}  // namespace

bool is_signed(const Type& type) {
  return type.is_index() || type.is_signed;
}

std::pair<Int128, Int128> ends_of(const Type& type) {
  if (type.is_float()) return {0, highest(uint_type(type.bits()))};
  return {lowest(type), highest(type)};
}

Int128 raw_of(const Constant& literal, const Type& type) {
  if (!type.is_float()) return literal.raw;
  return kernel::reinterpret({type, 0, literal.real}, uint_type(type.bits())).raw;
}

NodeId convert(Graph& graph, NodeId value, const Type& from, const Type& to) {
  if (from.is_float() || to.is_float()) return convert_float(graph, value, from, to);
  const int up = to.fraction - from.fraction;
  if (up < 0) return fit(graph, reduce_fraction(graph, value, -up, to.rounding), to);
  if (up == 0) return fit(graph, value, to);
  const Node& node = graph[value];
  if (up + node.width() < kMaxWidth) return fit(graph, graph.shift_left(value, up), to);
  const NodeId amount = graph.constant(up);
  if (wraps(to)) return graph.shift_left(value, amount, to.bits(), is_signed(to));
  // Everything but 0 that far up is outside of the type.
  if (up >= to.bits()) {
    const NodeId sign = graph.mux(
        graph.equal(value, graph.constant(0)), graph.constant(0),
        graph.mux(graph.less(value, graph.constant(0)), graph.constant(-1), graph.constant(1)));
    return fit(graph, graph.shift_left(sign, std::min(to.bits(), 64)), to);
  }
  Type narrow = to;
  narrow.fraction = static_cast<std::int16_t>(from.fraction);
  narrow.width = static_cast<std::int16_t>(to.width);
  const NodeId clipped = fit(graph, value, narrow);
  return fit(graph, graph.shift_left(clipped, up), to);
}

NodeId apply(Graph& graph, UnaryOp op, NodeId a, const Type& result) {
  if (result.is_float()) return apply_float(graph, op, a, result);
  switch (op) {
    case UnaryOp::kNegate:
      return fit(graph, graph.sub(graph.constant(0), a), result);
    case UnaryOp::kAbs:
      if (graph[a].low >= 0) return a;
      return fit(graph,
                 graph.slice(graph.mux(graph.less(a, graph.constant(0)),
                                       graph.sub(graph.constant(0), a), a),
                             0, bits_for(0, std::max(-graph[a].low, graph[a].high)), false),
                 result);
    case UnaryOp::kNot:
      if (result.is_bool()) return graph.logical_not(a);
      return graph.invert(a, lowest(result), highest(result));
    default:
      throw InternalError(fmt::format("{} on integers", to_string(op)));
  }
}

NodeId apply(Graph& graph, BinaryOp op, NodeId a, const Type& a_type, NodeId b, const Type& b_type,
             const Type& result) {
  if (a_type.is_float()) return apply_float(graph, op, a, b, a_type);
  const auto [x, y] = aligned(graph, a, a_type, b, b_type);
  switch (op) {
    case BinaryOp::kAdd:
      return result.is_index() ? as_index(graph, graph.add(x, y)) : graph.add(x, y);
    case BinaryOp::kSub:
      return result.is_index() ? as_index(graph, graph.sub(x, y)) : graph.sub(x, y);
    case BinaryOp::kMul:
      return result.is_index() ? as_index(graph, graph.mul(a, b)) : graph.mul(a, b);
    case BinaryOp::kDiv:
    case BinaryOp::kMod:
      return divide(graph, op, a, b, result.is_index());
    case BinaryOp::kMin:
      return graph.mux(graph.less(y, x), b, a);
    case BinaryOp::kMax:
      return graph.mux(graph.less(x, y), b, a);
    case BinaryOp::kAnd:
      return graph.bitwise(Op::kAnd, a, b, lowest(result), highest(result));
    case BinaryOp::kOr:
      return graph.bitwise(Op::kOr, a, b, lowest(result), highest(result));
    case BinaryOp::kXor:
      return graph.bitwise(Op::kXor, a, b, lowest(result), highest(result));
    case BinaryOp::kShl:
    case BinaryOp::kShr:
      return shift(graph, op, a, a_type, b, result);
    case BinaryOp::kEq:
      return graph.equal(x, y);
    case BinaryOp::kNe:
      return graph.logical_not(graph.equal(x, y));
    case BinaryOp::kLt:
      return graph.less(x, y);
    case BinaryOp::kLe:
      return graph.logical_not(graph.less(y, x));
    case BinaryOp::kGt:
      return graph.less(y, x);
    case BinaryOp::kGe:
      return graph.logical_not(graph.less(x, y));
  }
  throw InternalError("an unknown operator");
}

NodeId reinterpret(Graph& graph, NodeId value, const Type& to) {
  return graph.slice(value, 0, to.bits(), is_signed(to));
}

}  // namespace heddle::kernel::rtl
