// The Graph: a model as operators over named, shaped, typed tensors. A plain value: what makes one
// knows a model, what runs or measures one does not.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "model/operators.h"
#include "tensor/tensor.h"

namespace heddle {

/// Names a Value of one Graph.
struct ValueId {
  std::size_t index = 0;
  friend bool operator==(ValueId, ValueId) = default;
};

enum class ValueKind {
  kInput,     ///< given by the caller for each run
  kWeight,    ///< a tensor of the checkpoint, found there by the value's name
  kConstant,  ///< part of the Graph
  kComputed,  ///< written by a node
};

struct Value {
  std::string name;  ///< unique in the Graph
  ValueKind kind = ValueKind::kComputed;
  DType dtype = DType::kF32;  ///< kF32 for any real number, kI32 for ids
  Shape shape;
  Tensor constant;  ///< of a kConstant
};

struct Node;

/// Runs `body` `trips` times. Values of the whole Graph are visible inside; values of the body are
/// not visible outside.
struct Loop {
  /// A value that each trip hands to the next: `current` is `initial` in the first trip and the
  /// last trip's `next` after that; `result` is `next` of the last trip.
  struct Carried {
    ValueId initial, current, next, result;
  };
  /// `row` is source[s,...] in trip s.
  struct Scanned {
    ValueId source, row;
  };
  std::int64_t trips = 0;
  std::vector<Carried> carried;
  std::vector<Scanned> scanned;
  std::vector<Node> body;
};

/// One operator application, or a loop (whose inputs and output stand in the Loop).
struct Node {
  std::variant<Operator, Loop> what;
  std::vector<ValueId> inputs;
  ValueId output;
  std::size_t stage = 0;  ///< index into Graph::stages
};

/// A value that people want to look at. Inside a loop the name holds "{}" for the trip's number.
struct Tap {
  std::string name;
  ValueId value;
  std::optional<std::int64_t> row;  ///< only value[row,...]
};

struct Graph {
  std::string name;
  std::vector<Value> values;
  std::vector<Node> nodes;  ///< in an order in which they can run
  std::vector<std::string> stages;
  std::vector<ValueId> outputs;
  std::vector<Tap> taps;

  [[nodiscard]] const Value& operator[](ValueId id) const { return values[id.index]; }
};

/// The values that a node reads, those that a loop's body takes from outside included.
std::vector<ValueId> reads_of(const Node& node);

/// Checks that every node's inputs exist before it runs, that no value is written twice, that names
/// are unique and that all shapes are the inferred ones. Throws InternalError that names the value.
void verify(const Graph& graph);

/// The Graph as indented text: inputs, then per stage one line per node.
std::string to_string(const Graph& graph);

}  // namespace heddle
