#include "model/graph.h"

#include <set>

#include "base/error.h"

namespace heddle {
namespace {

/// Walks the Graph in execution order and keeps what is defined so far.
class Verifier {
 public:
  explicit Verifier(const Graph& graph) : graph_(graph), defined_(graph.values.size()) {}

  void run() {
    std::set<std::string> names;
    for (std::size_t i = 0; i < graph_.values.size(); ++i) {
      const Value& value = graph_.values[i];
      ensure(names.insert(value.name).second, "two values are named {}", value.name);
      ensure(value.kind != ValueKind::kConstant || value.constant.shape == value.shape,
             "constant {} does not have its value's shape", value.name);
      defined_[i] = value.kind != ValueKind::kComputed;
    }
    for (const Node& node : graph_.nodes) check(node);
    for (const ValueId id : graph_.outputs) require(id);
  }

 private:
  const std::string& name(ValueId id) const { return graph_[id].name; }

  void require(ValueId id) const {
    ensure(id.index < graph_.values.size(), "value {} does not exist", id.index);
    ensure(defined_[id.index], "value {} is read before it is computed", name(id));
  }

  void define(ValueId id) {
    ensure(id.index < graph_.values.size(), "value {} does not exist", id.index);
    ensure(!defined_[id.index], "value {} is written twice", name(id));
    defined_[id.index] = true;
  }

  void check(const Node& node) {
    ensure(node.stage < graph_.stages.size(), "a node has no stage");
    if (const auto* loop = std::get_if<Loop>(&node.what)) return check(*loop);
    std::vector<Shape> shapes;
    for (const ValueId id : node.inputs) {
      require(id);
      shapes.push_back(graph_[id].shape);
    }
    const Shape shape = result_shape(std::get<Operator>(node.what), shapes);
    ensure(shape == graph_[node.output].shape, "value {} has shape {}, its node gives {}",
           name(node.output), to_string(graph_[node.output].shape), to_string(shape));
    define(node.output);
  }

  void check(const Loop& loop) {
    ensure(loop.trips > 0, "a loop runs {} times", loop.trips);
    const std::vector<bool> outside = defined_;
    for (const Loop::Carried& carried : loop.carried) {
      require(carried.initial);
      define(carried.current);
    }
    for (const Loop::Scanned& scanned : loop.scanned) {
      require(scanned.source);
      ensure(graph_[scanned.source].shape.front() == loop.trips,
             "{} has not one row per trip of its loop", name(scanned.source));
      define(scanned.row);
    }
    for (const Node& node : loop.body) {
      ensure(std::holds_alternative<Operator>(node.what), "loops do not nest");
      check(node);
    }
    for (const Loop::Carried& carried : loop.carried) {
      require(carried.next);
      ensure(graph_[carried.next].shape == graph_[carried.initial].shape,
             "{} changes its shape from trip to trip", name(carried.current));
    }
    defined_ = outside;
    for (const Loop::Carried& carried : loop.carried) define(carried.result);
  }

  const Graph& graph_;
  std::vector<bool> defined_;
};

std::string reference(const Graph& graph, ValueId id) {
  const Value& value = graph[id];
  return value.kind == ValueKind::kWeight ? fmt::format("@{}", value.name)
                                          : fmt::format("%{}", value.name);
}

std::string declaration(const Graph& graph, ValueId id) {
  const Value& value = graph[id];
  return fmt::format("{} : {}{}", reference(graph, id), name_of(value.dtype),
                     to_string(value.shape));
}

std::string line(const Graph& graph, const Node& node) {
  const auto& op = std::get<Operator>(node.what);
  std::string arguments;
  for (const ValueId id : node.inputs) {
    arguments += (arguments.empty() ? "" : ", ") + reference(graph, id);
  }
  const std::string parameters = parameters_of(op);
  return fmt::format("{} = {}({}){}\n", declaration(graph, node.output), name_of(op), arguments,
                     parameters.empty() ? "" : " " + parameters);
}

std::string lines(const Graph& graph, const Loop& loop) {
  std::string text = fmt::format("  loop {} times", loop.trips);
  for (const auto& carried : loop.carried) {
    text += fmt::format(", {} = {} then {}", reference(graph, carried.current),
                        reference(graph, carried.initial), reference(graph, carried.next));
  }
  for (const auto& scanned : loop.scanned) {
    text += fmt::format(", {} = row of {}", reference(graph, scanned.row),
                        reference(graph, scanned.source));
  }
  text += " {\n";
  for (const Node& node : loop.body) text += "    " + line(graph, node);
  text += "  }";
  for (const auto& carried : loop.carried) text += " -> " + declaration(graph, carried.result);
  return text + "\n";
}

}  // namespace

std::vector<ValueId> reads_of(const Node& node) {
  std::vector<ValueId> reads = node.inputs;
  if (const auto* loop = std::get_if<Loop>(&node.what)) {
    for (const auto& carried : loop->carried) reads.push_back(carried.initial);
    for (const auto& scanned : loop->scanned) reads.push_back(scanned.source);
    for (const Node& inner : loop->body) {
      reads.insert(reads.end(), inner.inputs.begin(), inner.inputs.end());
    }
  }
  return reads;
}

void verify(const Graph& graph) {
  Verifier(graph).run();
}

std::string to_string(const Graph& graph) {
  std::string text = fmt::format("graph {}\n", graph.name);
  for (std::size_t i = 0; i < graph.values.size(); ++i) {
    const ValueKind kind = graph.values[i].kind;
    if (kind == ValueKind::kInput) text += "  input " + declaration(graph, {i}) + "\n";
    if (kind == ValueKind::kConstant) text += "  constant " + declaration(graph, {i}) + "\n";
  }
  std::optional<std::size_t> stage;
  for (const Node& node : graph.nodes) {
    if (stage != node.stage) text += fmt::format("stage {}\n", graph.stages[node.stage]);
    stage = node.stage;
    const auto* loop = std::get_if<Loop>(&node.what);
    text += loop != nullptr ? lines(graph, *loop) : "  " + line(graph, node);
  }
  for (const ValueId id : graph.outputs) text += fmt::format("output {}\n", reference(graph, id));
  return text;
}

}  // namespace heddle
