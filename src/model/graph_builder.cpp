#include "model/graph_builder.h"

#include <utility>

#include "base/error.h"

namespace heddle {

GraphBuilder::GraphBuilder(std::string name) {
  graph_.name = std::move(name);
}

void GraphBuilder::stage(std::string name) {
  graph_.stages.push_back(std::move(name));
}

ValueId GraphBuilder::add_value(Value value) {
  graph_.values.push_back(std::move(value));
  return {graph_.values.size() - 1};
}

ValueId GraphBuilder::input(std::string name, DType dtype, Shape shape) {
  return add_value({std::move(name), ValueKind::kInput, dtype, std::move(shape), {}});
}

ValueId GraphBuilder::weight(const std::string& name, const Shape& shape) {
  const auto [found, is_new] = weights_.try_emplace(name);
  if (is_new) {
    found->second = add_value({name, ValueKind::kWeight, DType::kF32, shape, {}});
  } else {
    const Shape& known = graph_[found->second].shape;
    ensure(known == shape, "weight {} declared as {} and as {}", name, to_string(known),
           to_string(shape));
  }
  return found->second;
}

ValueId GraphBuilder::constant(std::string name, Tensor tensor) {
  const DType dtype = tensor.dtype;
  const Shape shape = tensor.shape;
  return add_value({std::move(name), ValueKind::kConstant, dtype, shape, std::move(tensor)});
}

ValueId GraphBuilder::add(std::string name, Operator op, std::vector<ValueId> inputs) {
  ensure(!graph_.stages.empty(), "{}: no stage was begun", name);
  std::vector<Shape> shapes;
  shapes.reserve(inputs.size());
  for (const ValueId id : inputs) shapes.push_back(graph_[id].shape);
  const ValueId output =
      add_value({std::move(name), ValueKind::kComputed, DType::kF32, result_shape(op, shapes), {}});
  auto& nodes = in_loop_ ? loop_.body : graph_.nodes;
  nodes.push_back({std::move(op), std::move(inputs), output, graph_.stages.size() - 1});
  return output;
}

void GraphBuilder::begin_loop(std::int64_t trips) {
  ensure(!in_loop_, "loops do not nest");
  in_loop_ = true;
  loop_ = {};
  loop_.trips = trips;
}

ValueId GraphBuilder::carry(std::string name, ValueId initial) {
  const Shape shape = graph_[initial].shape;
  const ValueId result = add_value({name + ".final", ValueKind::kComputed, DType::kF32, shape, {}});
  const ValueId current =
      add_value({std::move(name), ValueKind::kComputed, DType::kF32, shape, {}});
  loop_.carried.push_back({initial, current, current, result});
  return current;
}

ValueId GraphBuilder::scan(std::string name, ValueId source) {
  const Shape& shape = graph_[source].shape;
  const ValueId row = add_value({std::move(name),
                                 ValueKind::kComputed,
                                 DType::kF32,
                                 Shape(shape.begin() + 1, shape.end()),
                                 {}});
  loop_.scanned.push_back({source, row});
  return row;
}

void GraphBuilder::carry_next(ValueId current, ValueId next) {
  for (Loop::Carried& carried : loop_.carried) {
    if (carried.current == current) carried.next = next;
  }
}

std::vector<ValueId> GraphBuilder::end_loop() {
  std::vector<ValueId> results;
  results.reserve(loop_.carried.size());
  for (const Loop::Carried& carried : loop_.carried) results.push_back(carried.result);
  graph_.nodes.push_back({std::move(loop_), {}, results.front(), graph_.stages.size() - 1});
  in_loop_ = false;
  return results;
}

void GraphBuilder::tap(std::string name, ValueId value, std::optional<std::int64_t> row) {
  graph_.taps.push_back({std::move(name), value, row});
}

void GraphBuilder::output(ValueId value) {
  graph_.outputs.push_back(value);
}

Graph GraphBuilder::finish() {
  verify(graph_);
  return std::move(graph_);
}

}  // namespace heddle
