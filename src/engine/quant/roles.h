// What each weight of a Graph is in the integer arithmetic, and who multiplies by it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "model/graph.h"

namespace heddle {

enum class WeightRole {
  kMatrix,   ///< of linears
  kTable,    ///< of embeddings
  kFactors,  ///< a norm's weight
  kFixed,    ///< anything that is added
};

/// Of every weight, by name. Throws InternalError for one that is used in two roles.
std::map<std::string, WeightRole> weight_roles(const Graph& graph);

/// Calls visit(node) for every node, those in loops included, in the order in which they run.
template <typename Visit>
void for_each_operator(const std::vector<Node>& nodes, const Visit& visit) {
  for (const Node& node : nodes) {
    if (const auto* loop = std::get_if<Loop>(&node.what)) {
      for_each_operator(loop->body, visit);
    } else {
      visit(node);
    }
  }
}

}  // namespace heddle
