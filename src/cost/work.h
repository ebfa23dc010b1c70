// The work in a Graph, counted from its shapes: products, other operations, weights and
// activations.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cost/precision.h"
#include "model/graph.h"

namespace heddle::cost {

/// Kinds of operations.
enum class Operation : std::uint8_t {
  kLinear,        ///< multiply-accumulates of activations with weights
  kAttention,     ///< of activations with each other: scores of all pairs of a query and a key, and
                  ///< values weighted by them, as hardware without masks does them
  kVisible,       ///< the part of kAttention that the mask does not hide
  kExponentials,  ///< of visible scores
  kFunctions,     ///< of map and gate
  kNormalised,    ///< elements of a norm's result
  kRotated,       ///< elements that rope turns: two products each
  kMultiplied,    ///< by a constant, or by a gate
  kAdded,         ///< biases left out
  kEnd,
};
using OperationCount = Counts<Operation>;
/// "linear", "attention", ...
const char* name_of(Operation operation);

/// Dense: linear and attention.
std::int64_t macs_of(const OperationCount& operations);

/// y[rows, columns] = x[rows, inner] w[inner, columns], `times` times.
struct Product {
  std::int64_t times = 1;
  std::int64_t rows = 1;
  std::int64_t columns = 1;
  std::int64_t inner = 1;
  bool is_of_weights = true;  ///< else both operands are activations
};

/// What some of a Graph's operators do in one run of it, trips of loops included.
struct PartWork {
  std::string name;
  std::size_t stage = 0;
  std::string op;         ///< "linear"; of several: "" if they differ
  std::int64_t runs = 0;  ///< of operators
  OperationCount operations;
  WeightCount weights;  ///< that are read; of a table the rows asked for
  ActivationCount read;
  ActivationCount written;
  std::vector<Product> products;

  /// Adds what another part does; name and stage stay.
  PartWork& operator+=(const PartWork& other);
};

/// The whole of the weight that is the node's input `input`.
WeightCount weight_of(const Graph& graph, const Node& node, std::size_t input);

/// Each operator, named after its result.
std::vector<PartWork> work_of_operators(const Graph& graph);

/// Parts of one stage for which `key` gives the same name, as one of that name, in the order of the
/// first of each.
std::vector<PartWork> grouped(const std::vector<PartWork>& parts,
                              std::string (*key)(const std::string& name));
/// "vision.layer.3.fc1" -> "vision.layer.3"; "vision.post_norm" -> "vision".
std::string layer_of(const std::string& name);
/// "vision.layer.3.fc1" -> "vision.layer.*.fc1".
std::string any_layer_of(const std::string& name);

}  // namespace heddle::cost
