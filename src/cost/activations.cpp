#include "cost/activations.h"

#include <algorithm>
#include <map>
#include <set>

#include "cost/walk.h"

namespace heddle::cost {
namespace {

/// Whether products alone read each activation, directly or moved.
std::vector<bool> operands(const Graph& graph) {
  std::vector<bool> is_operand(graph.values.size(), false);
  std::vector<bool> is_wide(graph.values.size(), false);
  for (const ValueId output : graph.outputs) is_wide[output.index] = true;
  for (const Node& node : graph.nodes) {
    const auto* loop = std::get_if<Loop>(&node.what);
    if (loop == nullptr) continue;
    for (const Loop::Carried& carried : loop->carried) {
      for (const ValueId id : {carried.initial, carried.current, carried.next, carried.result}) {
        is_wide[id.index] = true;
      }
    }
    for (const Loop::Scanned& scanned : loop->scanned) {
      is_wide[scanned.row.index] = is_wide[scanned.source.index] = true;
    }
  }
  std::vector<const Node*> nodes;
  for_each_operator(
      graph, [&](const Node& node, const Operator&, const Loop*) { nodes.push_back(&node); });
  // Backwards: what a moved value is for depends on what happens to it later.
  for (auto it = nodes.rbegin(); it != nodes.rend(); ++it) {
    const Node& node = **it;
    const auto& op = std::get<Operator>(node.what);
    const bool goes_on = is_operand[node.output.index] && !is_wide[node.output.index];
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const bool as_operand = (std::holds_alternative<Linear>(op) && i == 0) ||
                              (std::holds_alternative<Attention>(op) && i < 3) ||
                              (is_move(op) && goes_on);
      (as_operand ? is_operand : is_wide)[node.inputs[i].index] = true;
    }
  }
  for (std::size_t i = 0; i < is_operand.size(); ++i) {
    is_operand[i] = is_operand[i] && !is_wide[i];
  }
  return is_operand;
}

/// Finds the keys and values that outlive where attention reads them.
class CacheFinder {
 public:
  explicit CacheFinder(const Graph& graph)
      : graph_(graph), maker_(graph.values.size()), loop_(graph.values.size()) {
    for_each_operator(graph, [&](const Node& node, const Operator&, const Loop* loop) {
      maker_[node.output.index] = &node;
      loop_[node.output.index] = loop;
    });
  }

  std::set<std::size_t> run() {
    for_each_operator(graph_, [&](const Node& node, const Operator& op, const Loop* loop) {
      if (!std::holds_alternative<Attention>(op)) return;
      for (const std::size_t key_or_value : {1, 2}) visit(node.inputs[key_or_value], loop);
    });
    return std::move(found_);
  }

 private:
  void visit(ValueId id, const Loop* reader) {
    const Node* maker = maker_[id.index];
    const bool is_kept = graph_[id].kind == ValueKind::kInput ||
                         std::ranges::find(graph_.outputs, id) != graph_.outputs.end() ||
                         (maker != nullptr && loop_[id.index] != reader);
    if (is_kept) {
      found_.insert(id.index);
    } else if (maker != nullptr && is_move(std::get<Operator>(maker->what))) {
      for (const ValueId input : maker->inputs) visit(input, reader);
    }
  }

  const Graph& graph_;
  std::vector<const Node*> maker_;
  std::vector<const Loop*> loop_;  ///< around the maker
  std::set<std::size_t> found_;
};

}  // namespace

std::vector<std::optional<ActivationRole>> activation_roles(const Graph& graph) {
  const std::vector<bool> is_operand = operands(graph);
  const std::set<std::size_t> cached = CacheFinder(graph).run();
  std::vector<std::optional<ActivationRole>> roles(graph.values.size());
  for (std::size_t i = 0; i < roles.size(); ++i) {
    const Value& value = graph.values[i];
    if (!is_activation(value)) continue;
    roles[i] = value.dtype == DType::kI32 ? ActivationRole::kId
               : cached.contains(i)       ? ActivationRole::kCache
               : is_operand[i]            ? ActivationRole::kOperand
                                          : ActivationRole::kValue;
  }
  return roles;
}

ActivationCount count_of(const Value& value, std::optional<ActivationRole> role) {
  ActivationCount count;
  if (role) count[*role] = element_count(value.shape);
  return count;
}

std::vector<Cache> caches(const Graph& graph) {
  std::map<std::int64_t, Cache> by_rows;
  for (const std::size_t index : CacheFinder(graph).run()) {
    const Shape& shape = graph.values[index].shape;
    const std::int64_t rows = shape[shape.size() - 2];
    Cache& cache = by_rows[rows];
    cache.rows = rows;
    ++cache.values;
    cache.per_row += element_count(shape) / rows;
  }
  std::vector<Cache> all;
  all.reserve(by_rows.size());
  for (const auto& [rows, cache] : by_rows) all.push_back(cache);
  return all;
}

}  // namespace heddle::cost
