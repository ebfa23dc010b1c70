#include "engine/quant/sizes.h"

#include "base/error.h"
#include "engine/quant/roles.h"

namespace heddle {
namespace {

constexpr std::int64_t kMostInputs = 131'072;  ///< of a linear
constexpr std::int64_t kWidestNorm = 65'536;
constexpr std::int64_t kWidestHead = 4'096;
constexpr std::int64_t kMostKeys = 65'536;

/// Whether docs/arithmetic.md defines the operator.
bool has_integers(const Node& node, const Operator& op) {
  if (std::holds_alternative<Attention>(op)) return node.inputs.size() == 3;
  return !std::holds_alternative<RelativeBias>(op) && !std::holds_alternative<Experts>(op);
}

}  // namespace

void check_sizes(const Graph& graph) {
  for_each_operator(graph.nodes, [&](const Node& node) {
    const auto require = [&](const char* what, std::int64_t found, std::int64_t most) {
      if (found <= most) return;
      throw UserError(fmt::format("{} has {} {}, and integers are proved right up to {}",
                                  graph[node.output].name, found, what, most),
                      "run the float checkpoint instead");
    };
    const auto& op = std::get<Operator>(node.what);
    if (!has_integers(node, op)) {
      throw UserError(fmt::format("{} is made by {}{}, which integers are not defined for yet",
                                  graph[node.output].name, name_of(op),
                                  std::holds_alternative<Attention>(op) ? " with a bias" : ""),
                      "run the float checkpoint instead");
    }
    const Shape& x = graph[node.inputs.front()].shape;
    if (std::holds_alternative<Linear>(op)) require("inputs", x.back(), kMostInputs);
    if (std::holds_alternative<LayerNorm>(op) || std::holds_alternative<RmsNorm>(op)) {
      require("channels", x.back(), kWidestNorm);
    }
    if (const auto* attention = std::get_if<Attention>(&op)) {
      const Shape& keys = graph[node.inputs[1]].shape;
      require("numbers in a head", attention->head_dim, kWidestHead);
      require("keys", keys[keys.size() - 2], kMostKeys);
    }
  });
}

}  // namespace heddle
