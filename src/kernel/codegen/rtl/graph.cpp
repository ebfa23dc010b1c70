#include "kernel/codegen/rtl/graph.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "kernel/scalar.h"

namespace heddle::kernel::rtl {
namespace {

Int128 power(int exponent) {
  return Int128{1} << exponent;
}

/// Bits of `value` as a number of that width.
Int128 wrapped(Int128 value, int width, bool is_signed) {
  if (width >= kMaxWidth) return value;
  const Int128 low_bits = value & (power(width) - 1);
  const bool is_negative = is_signed && ((low_bits >> (width - 1)) & 1) != 0;
  return is_negative ? low_bits - power(width) : low_bits;
}

Int128 lowest_of(int width, bool is_signed) {
  return is_signed ? -power(std::min(width, kMaxWidth) - 1) : 0;
}

Int128 highest_of(int width, bool is_signed) {
  return power(std::min(width, kMaxWidth - 1) - (is_signed ? 1 : 0)) - 1;
}

std::string key_of(const Node& node) {
  std::string key = fmt::format("{} {} {} {} {}", static_cast<int>(node.op), node.name,
                                to_string(node.value), to_string(node.low), to_string(node.high));
  for (const NodeId operand : node.operands) key += fmt::format(" {}", operand);
  if (node.over != 0) key += fmt::format(" over {}", node.over);
  return key;
}

}  // namespace

int bits_for(Int128 low, Int128 high) {
  if (low >= 0) {
    int width = 1;
    while (width < kMaxWidth && (high >> width) != 0) ++width;
    return width;
  }
  int width = 1;
  while (width < 128 && ((low >> (width - 1)) < -1 || (high >> (width - 1)) > 0)) ++width;
  return width;
}

int Node::width() const {
  return bits_for(low, high);
}

NodeId Graph::make(Node node) {
  const std::string key = key_of(node);
  const auto known = known_.find(key);
  if (known != known_.end()) return known->second;
  const NodeId id = append(std::move(node));
  known_.emplace(key, id);
  return id;
}

NodeId Graph::append(Node node) {
  for (const NodeId operand : node.operands) node.lanes |= (*this)[operand].lanes;
  if (node.op == Op::kWrite && node.predicate != kNoNode) {
    node.lanes |= (*this)[node.predicate].lanes;
  }
  node.lanes &= ~node.over;
  nodes_.push_back(std::move(node));
  return static_cast<NodeId>(nodes_.size()) - 1;
}

std::int64_t Graph::lane_count(LaneSet lanes) const {
  std::int64_t count = 1;
  for (std::size_t n = 0; n < lane_loops.size(); ++n) {
    if ((lanes >> n & 1) != 0) count *= lane_loops[n].trips;
  }
  return count;
}

void Graph::for_each_lane(
    LaneSet lanes, const std::function<void(const std::vector<std::int64_t>&)>& visit) const {
  std::vector<std::int64_t> lane(lane_loops.size(), 0);
  const std::int64_t count = lane_count(lanes);
  for (std::int64_t i = 0; i < count; ++i) {
    std::int64_t rest = i;
    for (std::size_t n = lane_loops.size(); n-- > 0;) {
      if ((lanes >> n & 1) == 0) continue;
      lane[n] = rest % lane_loops[n].trips;
      rest /= lane_loops[n].trips;
    }
    visit(lane);
  }
}

bool Graph::is_fixed(const Node& node) const {
  switch (node.op) {
    case Op::kConstant:
    case Op::kLane:
      return true;
    case Op::kAdd:
    case Op::kSub:
    case Op::kMul:
    case Op::kQuotient:
    case Op::kRemainder:
    case Op::kShiftLeft:
      return std::ranges::all_of(node.operands, [&](NodeId operand) { return is_fixed(operand); });
    default:
      return false;
  }
}

Int128 Graph::fixed_value(NodeId id, const std::vector<std::int64_t>& lane) const {
  const Node& node = (*this)[id];
  if (node.op == Op::kConstant) return node.value;
  if (node.op == Op::kLane) return lane[static_cast<std::size_t>(node.value)];
  const Int128 a = fixed_value(node.operands[0], lane);
  const Int128 b = fixed_value(node.operands[1], lane);
  switch (node.op) {
    case Op::kAdd:
      return a + b;
    case Op::kSub:
      return a - b;
    case Op::kMul:
      return a * b;
    case Op::kQuotient:
      return a / b;
    case Op::kRemainder:
      return a % b;
    case Op::kShiftLeft:
      return a * power(static_cast<int>(b));
    default:
      throw InternalError("a node that is not fixed");
  }
}

NodeId Graph::lane(int loop) {
  const Int128 last = lane_loops[static_cast<std::size_t>(loop)].trips - 1;
  const NodeId id = make({.op = Op::kLane, .high = last, .value = loop});
  if (last > 0) nodes_[static_cast<std::size_t>(id)].lanes = LaneSet{1} << loop;
  return settled(id);
}

const Int128* Graph::literal(NodeId id) const {
  const Node& node = (*this)[id];
  return node.op == Op::kConstant ? &node.value : nullptr;
}

NodeId Graph::settled(NodeId id) {
  const Node& node = (*this)[id];
  return node.low == node.high ? constant(node.low) : id;
}

NodeId Graph::constant(Int128 value) {
  return make({.op = Op::kConstant, .low = value, .high = value, .value = value});
}

NodeId Graph::input(const std::string& name, Int128 low, Int128 high) {
  return settled(make({.op = Op::kInput, .low = low, .high = high, .name = name}));
}

NodeId Graph::counter(const std::string& name, Int128 factor, Int128 low, Int128 high) {
  return settled(
      make({.op = Op::kCounter, .low = low, .high = high, .value = factor, .name = name}));
}

NodeId Graph::add(NodeId a, NodeId b) {
  const Node& x = (*this)[a];
  const Node& y = (*this)[b];
  if (literal(a) != nullptr && x.value == 0) return b;
  if (literal(b) != nullptr && y.value == 0) return a;
  return settled(
      make({.op = Op::kAdd, .operands = {a, b}, .low = x.low + y.low, .high = x.high + y.high}));
}

NodeId Graph::sub(NodeId a, NodeId b) {
  const Node& x = (*this)[a];
  const Node& y = (*this)[b];
  if (literal(b) != nullptr && y.value == 0) return a;
  return settled(
      make({.op = Op::kSub, .operands = {a, b}, .low = x.low - y.high, .high = x.high - y.low}));
}

NodeId Graph::mul(NodeId a, NodeId b) {
  if (literal(a) != nullptr) std::swap(a, b);
  const Node& x = (*this)[a];
  const Node& y = (*this)[b];
  if (const Int128* factor = literal(b)) {
    if (*factor == 0) return constant(0);
    for (int shift = 0; shift < 64; ++shift) {
      if (*factor == power(shift)) return shift_left(a, shift);
    }
  }
  const std::array ends = {x.low * y.low, x.low * y.high, x.high * y.low, x.high * y.high};
  return settled(make({.op = Op::kMul,
                       .operands = {a, b},
                       .low = *std::ranges::min_element(ends),
                       .high = *std::ranges::max_element(ends)}));
}

NodeId Graph::quotient(NodeId a, NodeId b) {
  const Node& x = (*this)[a];
  const Int128 most = std::max(x.high, -x.low);
  const bool is_natural = x.low >= 0 && (*this)[b].low >= 0;
  return make(
      {.op = Op::kQuotient, .operands = {a, b}, .low = is_natural ? 0 : -most, .high = most});
}

NodeId Graph::remainder(NodeId a, NodeId b) {
  const Node& x = (*this)[a];
  const Node& y = (*this)[b];
  const Int128 most = std::max<Int128>(std::max(y.high, -y.low) - 1, 0);
  return make({.op = Op::kRemainder,
               .operands = {a, b},
               .low = std::max(std::min<Int128>(x.low, 0), -most),
               .high = std::min(std::max<Int128>(x.high, 0), most)});
}

NodeId Graph::bitwise(Op op, NodeId a, NodeId b, Int128 low, Int128 high) {
  if (literal(a) != nullptr) std::swap(a, b);
  const Int128* y = literal(b);
  if (const Int128* x = literal(a); x != nullptr && y != nullptr) {
    return constant(op == Op::kAnd ? *x & *y : op == Op::kOr ? *x | *y : *x ^ *y);
  }
  const bool is_condition = low == 0 && high == 1;
  if (y != nullptr && *y == 0) return op == Op::kAnd ? b : a;
  if (y != nullptr && is_condition && *y == 1 && op != Op::kXor) return op == Op::kAnd ? a : b;
  return make({.op = op, .operands = {a, b}, .low = low, .high = high});
}

NodeId Graph::invert(NodeId a, Int128 low, Int128 high) {
  return settled(make({.op = Op::kNot, .operands = {a}, .low = low, .high = high}));
}

NodeId Graph::less(NodeId a, NodeId b) {
  const Node& x = (*this)[a];
  const Node& y = (*this)[b];
  if (x.high < y.low) return constant(1);
  if (x.low >= y.high) return constant(0);
  return make({.op = Op::kLess, .operands = {a, b}, .high = 1});
}

NodeId Graph::equal(NodeId a, NodeId b) {
  const Node& x = (*this)[a];
  const Node& y = (*this)[b];
  if (a == b) return constant(1);
  if (x.high < y.low || x.low > y.high) return constant(0);
  if (literal(a) != nullptr && literal(b) != nullptr) return constant(1);
  return make({.op = Op::kEqual, .operands = {a, b}, .high = 1});
}

NodeId Graph::mux(NodeId condition, NodeId a, NodeId b) {
  if (const Int128* known = literal(condition)) return *known != 0 ? a : b;
  if (a == b) return a;
  const Node& x = (*this)[a];
  const Node& y = (*this)[b];
  return make({.op = Op::kMux,
               .operands = {condition, a, b},
               .low = std::min(x.low, y.low),
               .high = std::max(x.high, y.high)});
}

NodeId Graph::slice(NodeId a, int first, int width, bool is_signed) {
  const Node& x = (*this)[a];
  const int shift = std::min(first, kMaxWidth - 1);
  const Int128 low = x.low >> shift;
  const Int128 high = x.high >> shift;
  const bool fits = low >= lowest_of(width, is_signed) && high <= highest_of(width, is_signed);
  if (literal(a) != nullptr) return constant(wrapped(low, width, is_signed));
  if (fits && first == 0) return a;
  return settled(make({.op = Op::kSlice,
                       .operands = {a},
                       .low = fits ? low : lowest_of(width, is_signed),
                       .high = fits ? high : highest_of(width, is_signed),
                       .value = first}));
}

NodeId Graph::shift_left(NodeId a, int amount) {
  if (amount == 0) return a;
  const Node& x = (*this)[a];
  const Int128 factor = power(amount);
  return settled(make({.op = Op::kShiftLeft,
                       .operands = {a, constant(amount)},
                       .low = x.low * factor,
                       .high = x.high * factor}));
}

NodeId Graph::shift_left(NodeId a, NodeId amount, int width, bool is_signed) {
  if (const Int128* by = literal(amount); by != nullptr && *by >= 0 && *by < kMaxWidth) {
    const Node& x = (*this)[a];
    const Int128 most = highest_of(kMaxWidth - 1, false) >> static_cast<int>(*by);
    if (x.high <= most && -x.low <= most) {
      return slice(shift_left(a, static_cast<int>(*by)), 0, width, is_signed);
    }
  }
  return make({.op = Op::kShiftLeft,
               .operands = {a, amount},
               .low = lowest_of(width, is_signed),
               .high = highest_of(width, is_signed)});
}

NodeId Graph::shift_right(NodeId a, NodeId amount) {
  const Node& x = (*this)[a];
  if (const Int128* by = literal(amount)) {
    return slice(a, static_cast<int>(std::min<Int128>(*by, kMaxWidth)), x.width(), x.is_signed());
  }
  return make({.op = Op::kShiftRight,
               .operands = {a, amount},
               .low = std::min<Int128>(x.low, 0),
               .high = std::max<Int128>(x.high, 0)});
}

NodeId Graph::total(Op op, NodeId a, LaneSet over) {
  const LaneSet along = (*this)[a].lanes & over;
  if (op == Op::kTotal) a = mul(a, constant(lane_count(over & ~along)));
  if (along == 0) return a;
  const Node& x = (*this)[a];
  const Int128 count = op == Op::kTotal ? lane_count(along) : 1;
  return make(
      {.op = op, .operands = {a}, .low = x.low * count, .high = x.high * count, .over = along});
}

NodeId Graph::floating(FloatUnit unit, std::vector<NodeId> operands, const std::string& parameters,
                       const std::pair<Int128, Int128>& ends) {
  return make({.op = Op::kFloat,
               .operands = std::move(operands),
               .low = ends.first,
               .high = ends.second,
               .value = static_cast<int>(unit),
               .name = parameters});
}

NodeId Graph::dot(NodeId a, NodeId b, LaneSet over) {
  const auto is_byte = [&](NodeId id) {
    return (*this)[id].low >= -128 && (*this)[id].high <= 127;
  };
  if (!is_byte(a) || !is_byte(b) || ((*this)[a].lanes & over) != over ||
      ((*this)[b].lanes & over) != over) {
    return kNoNode;
  }
  const auto pair_of = [&](NodeId shared, NodeId other) {
    const LaneSet apart = (*this)[other].lanes & ~(*this)[shared].lanes;
    for (int n = static_cast<int>(lane_loops.size()) - 1; n >= 0; --n) {
      if ((apart >> n & 1) != 0 && lane_loops[static_cast<std::size_t>(n)].trips % 2 == 0) return n;
    }
    return -1;
  };
  int pair = pair_of(a, b);
  if (pair < 0) {
    std::swap(a, b);
    pair = pair_of(a, b);
  }
  if (pair < 0) return kNoNode;
  const Int128 most = Int128{128} * 128 * lane_count(over);
  return make({.op = Op::kDot,
               .operands = {a, b},
               .low = -most,
               .high = most,
               .value = pair,
               .over = over});
}

NodeId Graph::read(const std::string& array, const Place& place, Int128 low, Int128 high,
                   NodeId predicate, const Stmt& statement, bool consumes) {
  return append({.op = Op::kRead,
                 .operands = {place.address, place.bank, place.choice},
                 .low = low,
                 .high = high,
                 .value = consumes ? 1 : 0,
                 .name = array,
                 .predicate = predicate,
                 .statement = statement,
                 .offsets = place.offsets});
}

NodeId Graph::write(const std::string& array, const Place& place, NodeId value, NodeId predicate,
                    const Stmt& statement) {
  return append({.op = Op::kWrite,
                 .operands = {place.address, place.bank, place.choice, value},
                 .name = array,
                 .predicate = predicate,
                 .statement = statement,
                 .offsets = place.offsets});
}

void Graph::remove_unused() {
  std::vector<bool> used(nodes_.size());
  const auto use = [&](NodeId id) {
    if (id != kNoNode) used[static_cast<std::size_t>(id)] = true;
  };
  for (std::size_t i = nodes_.size(); i-- > 0;) {
    const Node& node = nodes_[i];
    const bool acts = node.op == Op::kWrite || (node.op == Op::kRead && node.value != 0);
    if (!acts && !used[i]) continue;
    used[i] = true;
    for (const NodeId operand : node.operands) use(operand);
    use(node.predicate);
  }
  std::vector<NodeId> moved(nodes_.size(), kNoNode);
  std::deque<Node> kept;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (!used[i]) continue;
    moved[i] = static_cast<NodeId>(kept.size());
    Node node = std::move(nodes_[i]);
    for (NodeId& operand : node.operands) operand = moved[static_cast<std::size_t>(operand)];
    if (node.predicate != kNoNode) node.predicate = moved[static_cast<std::size_t>(node.predicate)];
    kept.push_back(std::move(node));
  }
  nodes_ = std::move(kept);
  known_.clear();
  for (Order& order : orders) {
    order.from = moved[static_cast<std::size_t>(order.from)];
    order.to = moved[static_cast<std::size_t>(order.to)];
  }
  std::erase_if(orders,
                [](const Order& order) { return order.from == kNoNode || order.to == kNoNode; });
}

}  // namespace heddle::kernel::rtl
