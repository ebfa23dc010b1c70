// The operators that layers are made of, added to a Graph with weights by their names in the
// checkpoint.
#pragma once

#include <functional>
#include <string>

#include "model/graph_builder.h"

namespace heddle {

struct Layers {
  GraphBuilder builder;
  /// The shape of a tensor of the checkpoint, nullptr for one that it does not have.
  std::function<const Shape*(const std::string& name)> shape_of;

  /// The tensor `name` of the checkpoint. Throws InternalError if there is none.
  ValueId weight(const std::string& name);
  /// x W^T with `prefix`.weight, plus `prefix`.bias if there is one.
  ValueId linear(const std::string& name, ValueId x, const std::string& prefix);
  /// With `prefix`.weight and `prefix`.bias.
  ValueId layer_norm(const std::string& name, ValueId x, const std::string& prefix, double epsilon);
  /// With `prefix`.weight.
  ValueId rms_norm(const std::string& name, ValueId x, const std::string& prefix, double epsilon);
  ValueId add(const std::string& name, ValueId a, ValueId b);
};

/// The keys and values of one layer, [tokens, heads of keys * head size] each.
struct KeyValue {
  ValueId key;
  ValueId value;
};

}  // namespace heddle
