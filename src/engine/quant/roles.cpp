#include "engine/quant/roles.h"

#include "base/error.h"

namespace heddle {
namespace {

WeightRole role(const Operator& op, std::size_t input) {
  const bool second = input == 1;
  if (std::holds_alternative<Linear>(op) && second) return WeightRole::kMatrix;
  if (std::holds_alternative<Embedding>(op)) return WeightRole::kTable;
  const bool norm = std::holds_alternative<LayerNorm>(op) || std::holds_alternative<RmsNorm>(op);
  return norm && second ? WeightRole::kFactors : WeightRole::kFixed;
}

}  // namespace

std::map<std::string, WeightRole> weight_roles(const Graph& graph) {
  std::map<std::string, WeightRole> roles;
  for_each_operator(graph.nodes, [&](const Node& node) {
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const Value& value = graph[node.inputs[i]];
      if (value.kind != ValueKind::kWeight) continue;
      const WeightRole here = role(std::get<Operator>(node.what), i);
      const WeightRole known = roles.emplace(value.name, here).first->second;
      ensure(known == here, "weight {} is used in two roles", value.name);
    }
  });
  return roles;
}

}  // namespace heddle
