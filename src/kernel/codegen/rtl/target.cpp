#include "kernel/codegen/rtl/target.h"

#include <algorithm>

#include "kernel/codegen/rtl/float_units.h"

namespace heddle::kernel::rtl {
namespace {

constexpr int kLogic = 250;
constexpr int kDotChain = 8;  ///< DSPs in a cascade of packed_dot_tree
constexpr int kRegisterAndNet = 900;

int carry(int width) {
  return kLogic + 50 * ((width + 7) / 8);
}

bool is_literal(const Graph& graph, NodeId id) {
  return graph[id].op == Op::kConstant;
}

/// A DSP's registers: operands, product, and one more for each further DSP in a cascade.
int multiply_cycles(int a, int b) {
  const int wide = std::max(a, b);
  const int narrow = std::min(a, b);
  const int dsps = ((wide + 25) / 26) * ((narrow + 16) / 17);
  return 2 + dsps;
}

}  // namespace

int Target::budget() const {
  return std::max(kLogic, static_cast<int>(1e6 / clock_mhz) - kRegisterAndNet);
}

Timing timing_of(const Graph& graph, const Node& node) {
  const auto width = [&](std::size_t operand) { return graph[node.operands[operand]].width(); };
  if (graph.is_fixed(node)) return {};
  switch (node.op) {
    case Op::kConstant:
    case Op::kInput:
    case Op::kCounter:
    case Op::kLane:
    case Op::kSlice:
      return {};
    case Op::kTotal:
    case Op::kLeast:
    case Op::kGreatest: {
      const int levels = bits_for(0, graph.lane_count(node.over) - 1);
      // Conditions are joined at once, numbers in a tree with a register behind each level.
      if (node.width() == 1) return {0, 0, kLogic * (levels + 1) / 2};
      return {levels, carry(node.width()), kLogic};
    }
    case Op::kFloat:
      // Behind the inputs operands are compared or taken apart; outputs are registers.
      return {module_of(static_cast<FloatUnit>(node.value)).cycles, carry(32) + kLogic, kLogic};
    case Op::kDot: {
      const auto depth = static_cast<int>(graph.lane_count(node.over));
      const int chains = (depth + kDotChain - 1) / kDotChain;
      const int levels = chains == 1 ? 0 : bits_for(0, chains - 1);
      return {std::min(depth, kDotChain) + 4 + levels, kLogic, kLogic};
    }
    case Op::kAdd:
    case Op::kSub:
      return {0, 0, carry(node.width())};
    case Op::kLess:
    case Op::kEqual:
      return {0, 0, carry(std::max(width(0), width(1)))};
    case Op::kMul:
      return {multiply_cycles(width(0), width(1)), 0, kLogic};
    case Op::kQuotient:
    case Op::kRemainder:
      // One bit of the quotient a cycle, the signs before and behind.
      return {width(0) + 2, carry(width(0)), carry(width(0))};
    case Op::kShiftLeft:
    case Op::kShiftRight:
      return is_literal(graph, node.operands[1]) ? Timing{} : Timing{0, 0, 4 * kLogic};
    default:
      return {0, 0, kLogic};
  }
}

}  // namespace heddle::kernel::rtl
