// Fusion: which operators of a Graph run together as one step of an engine.
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "model/graph.h"

namespace heddle {

/// One operator together with what was fused into its end.
struct FusedNode {
  Operator op;
  std::vector<ValueId> inputs;
  std::optional<Function> function;  ///< applied to the result,
  std::optional<ValueId> addend;     ///< then added to it
  ValueId output;
  std::size_t stage = 0;
  /// A linear whose operand is that of the linear before it, no attention in between: an engine
  /// that prepares operands in scratch memory finds it there.
  bool same_operand = false;
};

struct FusedLoop {
  Loop loop;  ///< its body is empty: it stands below
  std::vector<FusedNode> body;
  std::size_t stage = 0;
};

using FusedStep = std::variant<FusedNode, FusedLoop>;

/// The Graph's nodes in their order, with every linear -> map -> add chain whose inner values
/// nobody else reads, taps included, as one node at the place of the chain's last.
std::vector<FusedStep> fuse(const Graph& graph);

/// The Graph's nodes, none fused with another.
std::vector<FusedStep> one_by_one(const Graph& graph);

}  // namespace heddle
