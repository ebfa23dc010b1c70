// Going through the operators of a Graph, those in loops included.
#pragma once

#include <variant>
#include <vector>

#include "model/graph.h"

namespace heddle::cost {

/// Whether a run of the Graph makes the value, or is given it.
inline bool is_activation(const Value& value) {
  return value.kind == ValueKind::kComputed || value.kind == ValueKind::kInput;
}

/// Makes no new elements: its result is its operand, seen otherwise.
inline bool is_view(const Operator& op) {
  return std::holds_alternative<Reshape>(op) || std::holds_alternative<Slice>(op);
}

/// Only moves elements.
inline bool is_move(const Operator& op) {
  return is_view(op) || std::holds_alternative<Patchify>(op) ||
         std::holds_alternative<PixelShuffle>(op) || std::holds_alternative<Repeat>(op) ||
         std::holds_alternative<Concat>(op);
}

/// Calls visit(node, op, loop) in the order of the nodes; `loop` is the Loop around the node or
/// nullptr.
template <typename Visit>
void for_each_operator(const Graph& graph, const Visit& visit) {
  for (const Node& node : graph.nodes) {
    const auto* loop = std::get_if<Loop>(&node.what);
    if (loop == nullptr) {
      visit(node, std::get<Operator>(node.what), loop);
      continue;
    }
    for (const Node& inner : loop->body) visit(inner, std::get<Operator>(inner.what), loop);
  }
}

/// By value: whether it lives only between two operators that run as one. As in the engines, a
/// linear's result goes on into a map and that, or the linear's, into a sum of the same shape, if
/// nobody else reads it.
std::vector<bool> inner_values(const Graph& graph);

}  // namespace heddle::cost
