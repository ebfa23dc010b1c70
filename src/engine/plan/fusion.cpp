#include "engine/plan/fusion.h"

#include <algorithm>
#include <map>

namespace heddle {
namespace {

class Fuser {
 public:
  explicit Fuser(const Graph& graph) : graph_(graph), reads_(graph.values.size(), 0) {
    for (const Node& node : graph.nodes) {
      for (const ValueId id : reads_of(node)) ++reads_[id.index];
      if (const auto* loop = std::get_if<Loop>(&node.what)) {
        for (const auto& carried : loop->carried) ++reads_[carried.next.index];
      }
    }
    for (const Tap& tap : graph.taps) ++reads_[tap.value.index];
    for (const ValueId id : graph.outputs) ++reads_[id.index];
  }

  std::vector<FusedNode> run(const std::vector<Node>& nodes) {
    std::vector<FusedNode> fused;
    // Position in `fused` of the node that computes a value.
    std::map<std::size_t, std::size_t> producer;
    std::vector<bool> moved;
    for (const Node& node : nodes) {
      FusedNode next = fuse(node, fused, producer, moved);
      producer[next.output.index] = fused.size();
      fused.push_back(std::move(next));
      moved.push_back(false);
    }
    std::vector<FusedNode> kept;
    for (std::size_t i = 0; i < fused.size(); ++i) {
      if (!moved[i]) kept.push_back(std::move(fused[i]));
    }
    return kept;
  }

 private:
  /// `node` as a fused node, having taken in an earlier one if it only continues that.
  FusedNode fuse(const Node& node, const std::vector<FusedNode>& fused,
                 const std::map<std::size_t, std::size_t>& producer, std::vector<bool>& moved) {
    const auto& op = std::get<Operator>(node.what);
    const auto* map = std::get_if<Map>(&op);
    const bool add = std::holds_alternative<Add>(op);
    for (std::size_t i = 0; (map != nullptr || add) && i < node.inputs.size(); ++i) {
      const auto found = producer.find(node.inputs[i].index);
      if (found == producer.end() || reads_[node.inputs[i].index] != 1) continue;
      FusedNode chain = fused[found->second];
      const bool open = std::holds_alternative<Linear>(chain.op) && !chain.addend &&
                        (map == nullptr || !chain.function);
      // The addend may be smaller than the result, but not the other way round.
      const bool fits = graph_[node.inputs[i]].shape == graph_[node.output].shape;
      if (!open || !fits) continue;
      if (map != nullptr) chain.function = map->function;
      if (add) chain.addend = node.inputs[1 - i];
      chain.output = node.output;
      moved[found->second] = true;
      return chain;
    }
    return {op, node.inputs, {}, {}, node.output, node.stage};
  }

  const Graph& graph_;
  std::vector<int> reads_;
};

/// The steps of a Graph, `join` turning what stands between loops, or in one, into fused nodes.
template <typename Join>
std::vector<FusedStep> steps_of(const Graph& graph, const Join& join) {
  std::vector<FusedStep> steps;
  std::vector<Node> straight;
  const auto flush = [&] {
    for (FusedNode& node : join(straight)) steps.emplace_back(std::move(node));
    straight.clear();
  };
  for (const Node& node : graph.nodes) {
    const auto* loop = std::get_if<Loop>(&node.what);
    if (loop == nullptr) {
      straight.push_back(node);
      continue;
    }
    flush();
    steps.emplace_back(
        FusedLoop{{loop->trips, loop->carried, loop->scanned, {}}, join(loop->body), node.stage});
  }
  flush();
  return steps;
}

}  // namespace

std::vector<FusedStep> fuse(const Graph& graph) {
  Fuser fuser(graph);
  return steps_of(graph, [&](const std::vector<Node>& nodes) { return fuser.run(nodes); });
}

std::vector<FusedStep> one_by_one(const Graph& graph) {
  return steps_of(graph, [](const std::vector<Node>& nodes) {
    std::vector<FusedNode> single;
    single.reserve(nodes.size());
    std::optional<ValueId> prepared;
    for (const Node& node : nodes) {
      const auto& op = std::get<Operator>(node.what);
      const bool linear = std::holds_alternative<Linear>(op);
      single.push_back({op,
                        node.inputs,
                        {},
                        {},
                        node.output,
                        node.stage,
                        linear && prepared == node.inputs.front()});
      if (linear) prepared = node.inputs.front();
      if (std::holds_alternative<Attention>(op)) prepared.reset();
    }
    return single;
  });
}

}  // namespace heddle
