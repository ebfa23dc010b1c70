#include "model/layers.h"

#include "base/error.h"

namespace heddle {

ValueId Layers::weight(const std::string& name) {
  const Shape* shape = shape_of(name);
  ensure(shape != nullptr, "the model has no tensor {}", name);
  return builder.weight(name, *shape);
}

ValueId Layers::linear(const std::string& name, ValueId x, const std::string& prefix) {
  std::vector<ValueId> inputs{x, weight(prefix + ".weight")};
  if (shape_of(prefix + ".bias") != nullptr) inputs.push_back(weight(prefix + ".bias"));
  return builder.add(name, Linear{}, std::move(inputs));
}

ValueId Layers::layer_norm(const std::string& name, ValueId x, const std::string& prefix,
                           double epsilon) {
  return builder.add(name, LayerNorm{epsilon},
                     {x, weight(prefix + ".weight"), weight(prefix + ".bias")});
}

ValueId Layers::rms_norm(const std::string& name, ValueId x, const std::string& prefix,
                         double epsilon) {
  return builder.add(name, RmsNorm{epsilon}, {x, weight(prefix + ".weight")});
}

ValueId Layers::add(const std::string& name, ValueId a, ValueId b) {
  return builder.add(name, Add{}, {a, b});
}

}  // namespace heddle
