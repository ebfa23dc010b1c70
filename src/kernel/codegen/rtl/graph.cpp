#include "kernel/codegen/rtl/graph.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

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
  const auto id = static_cast<NodeId>(nodes_.size());
  known_.emplace(key, id);
  nodes_.push_back(std::move(node));
  return id;
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
  return make({Op::kConstant, {}, value, value, value, {}, kNoNode, {}});
}

NodeId Graph::input(const std::string& name, Int128 low, Int128 high) {
  return settled(make({Op::kInput, {}, low, high, 0, name, kNoNode, {}}));
}

NodeId Graph::counter(const std::string& name, Int128 factor, Int128 low, Int128 high) {
  return settled(make({Op::kCounter, {}, low, high, factor, name, kNoNode, {}}));
}

NodeId Graph::add(NodeId a, NodeId b) {
  const Node& x = (*this)[a];
  const Node& y = (*this)[b];
  if (literal(a) != nullptr && x.value == 0) return b;
  if (literal(b) != nullptr && y.value == 0) return a;
  return settled(make({Op::kAdd, {a, b}, x.low + y.low, x.high + y.high, 0, {}, kNoNode, {}}));
}

NodeId Graph::sub(NodeId a, NodeId b) {
  const Node& x = (*this)[a];
  const Node& y = (*this)[b];
  if (literal(b) != nullptr && y.value == 0) return a;
  return settled(make({Op::kSub, {a, b}, x.low - y.high, x.high - y.low, 0, {}, kNoNode, {}}));
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
  return settled(make({Op::kMul,
                       {a, b},
                       *std::ranges::min_element(ends),
                       *std::ranges::max_element(ends),
                       0,
                       {},
                       kNoNode,
                       {}}));
}

NodeId Graph::quotient(NodeId a, NodeId b) {
  const Node& x = (*this)[a];
  const Int128 most = std::max(x.high, -x.low);
  const bool is_natural = x.low >= 0 && (*this)[b].low >= 0;
  return make({Op::kQuotient, {a, b}, is_natural ? 0 : -most, most, 0, {}, kNoNode, {}});
}

NodeId Graph::remainder(NodeId a, NodeId b) {
  const Node& x = (*this)[a];
  const Node& y = (*this)[b];
  const Int128 most = std::max<Int128>(std::max(y.high, -y.low) - 1, 0);
  return make({Op::kRemainder,
               {a, b},
               std::max(std::min<Int128>(x.low, 0), -most),
               std::min(std::max<Int128>(x.high, 0), most),
               0,
               {},
               kNoNode,
               {}});
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
  return make({op, {a, b}, low, high, 0, {}, kNoNode, {}});
}

NodeId Graph::invert(NodeId a, Int128 low, Int128 high) {
  return settled(make({Op::kNot, {a}, low, high, 0, {}, kNoNode, {}}));
}

NodeId Graph::less(NodeId a, NodeId b) {
  const Node& x = (*this)[a];
  const Node& y = (*this)[b];
  if (x.high < y.low) return constant(1);
  if (x.low >= y.high) return constant(0);
  return make({Op::kLess, {a, b}, 0, 1, 0, {}, kNoNode, {}});
}

NodeId Graph::equal(NodeId a, NodeId b) {
  const Node& x = (*this)[a];
  const Node& y = (*this)[b];
  if (a == b) return constant(1);
  if (x.high < y.low || x.low > y.high) return constant(0);
  if (literal(a) != nullptr && literal(b) != nullptr) return constant(1);
  return make({Op::kEqual, {a, b}, 0, 1, 0, {}, kNoNode, {}});
}

NodeId Graph::mux(NodeId condition, NodeId a, NodeId b) {
  if (const Int128* known = literal(condition)) return *known != 0 ? a : b;
  if (a == b) return a;
  const Node& x = (*this)[a];
  const Node& y = (*this)[b];
  return make({Op::kMux,
               {condition, a, b},
               std::min(x.low, y.low),
               std::max(x.high, y.high),
               0,
               {},
               kNoNode,
               {}});
}

NodeId Graph::slice(NodeId a, int first, int width, bool is_signed) {
  const Node& x = (*this)[a];
  const int shift = std::min(first, kMaxWidth - 1);
  const Int128 low = x.low >> shift;
  const Int128 high = x.high >> shift;
  const bool fits = low >= lowest_of(width, is_signed) && high <= highest_of(width, is_signed);
  if (literal(a) != nullptr) return constant(wrapped(low, width, is_signed));
  if (fits && first == 0) return a;
  return settled(make({Op::kSlice,
                       {a},
                       fits ? low : lowest_of(width, is_signed),
                       fits ? high : highest_of(width, is_signed),
                       first,
                       {},
                       kNoNode,
                       {}}));
}

NodeId Graph::shift_left(NodeId a, int amount) {
  if (amount == 0) return a;
  const Node& x = (*this)[a];
  const Int128 factor = power(amount);
  return settled(make({Op::kShiftLeft,
                       {a, constant(amount)},
                       x.low * factor,
                       x.high * factor,
                       0,
                       {},
                       kNoNode,
                       {}}));
}

NodeId Graph::shift_left(NodeId a, NodeId amount, int width, bool is_signed) {
  if (const Int128* by = literal(amount); by != nullptr && *by >= 0 && *by < kMaxWidth) {
    const Node& x = (*this)[a];
    const Int128 most = highest_of(kMaxWidth - 1, false) >> static_cast<int>(*by);
    if (x.high <= most && -x.low <= most) {
      return slice(shift_left(a, static_cast<int>(*by)), 0, width, is_signed);
    }
  }
  return make({Op::kShiftLeft,
               {a, amount},
               lowest_of(width, is_signed),
               highest_of(width, is_signed),
               0,
               {},
               kNoNode,
               {}});
}

NodeId Graph::shift_right(NodeId a, NodeId amount) {
  const Node& x = (*this)[a];
  if (const Int128* by = literal(amount)) {
    return slice(a, static_cast<int>(std::min<Int128>(*by, kMaxWidth)), x.width(), x.is_signed());
  }
  return make({Op::kShiftRight,
               {a, amount},
               std::min<Int128>(x.low, 0),
               std::max<Int128>(x.high, 0),
               0,
               {},
               kNoNode,
               {}});
}

NodeId Graph::read(const std::string& array, NodeId index, Int128 low, Int128 high,
                   NodeId predicate, const Stmt& statement) {
  nodes_.push_back({Op::kRead, {index}, low, high, 0, array, predicate, statement});
  return static_cast<NodeId>(nodes_.size()) - 1;
}

NodeId Graph::write(const std::string& array, NodeId index, NodeId value, NodeId predicate,
                    const Stmt& statement) {
  nodes_.push_back({Op::kWrite, {index, value}, 0, 0, 0, array, predicate, statement});
  return static_cast<NodeId>(nodes_.size()) - 1;
}

void Graph::remove_unused() {
  std::vector<bool> used(nodes_.size());
  const auto use = [&](NodeId id) {
    if (id != kNoNode) used[static_cast<std::size_t>(id)] = true;
  };
  for (std::size_t i = nodes_.size(); i-- > 0;) {
    const Node& node = nodes_[i];
    if (node.op != Op::kWrite && !used[i]) continue;
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
