// Builds a Graph operator by operator; shapes are inferred and checked as it grows.
#pragma once

#include <initializer_list>
#include <string>
#include <unordered_map>
#include <vector>

#include "model/graph.h"

namespace heddle {

class GraphBuilder {
 public:
  explicit GraphBuilder(std::string name);

  /// Nodes added from now on belong to this stage; stages are what run times are reported by.
  void stage(std::string name);

  ValueId input(std::string name, DType dtype, Shape shape);
  /// A checkpoint tensor; declaring the same name again gives the same value.
  ValueId weight(const std::string& name, const Shape& shape);
  ValueId constant(std::string name, Tensor tensor);

  /// Adds a node; `name` names its result.
  ValueId add(std::string name, Operator op, std::vector<ValueId> inputs);

  /// Between begin_loop and end_loop nodes go into the loop's body. Loops do not nest.
  void begin_loop(std::int64_t trips);
  /// Inside a loop: a value that is `initial` in the first trip.
  ValueId carry(std::string name, ValueId initial);
  /// Inside a loop: row s of `source` in trip s.
  ValueId scan(std::string name, ValueId source);
  /// Inside a loop: what the carried value `current` is in the next trip.
  void carry_next(ValueId current, ValueId next);
  /// Ends the loop; returns the final values in the order of carry(), named "<carried>.final".
  std::vector<ValueId> end_loop();

  void tap(std::string name, ValueId value, std::optional<std::int64_t> row = {});
  void output(ValueId value);

  [[nodiscard]] const Shape& shape(ValueId value) const { return graph_[value].shape; }

  /// The finished Graph, verified.
  [[nodiscard]] Graph finish();

 private:
  ValueId add_value(Value value);

  Graph graph_;
  std::unordered_map<std::string, ValueId> weights_;
  bool in_loop_ = false;
  Loop loop_;
};

}  // namespace heddle
