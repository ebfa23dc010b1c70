#include "cost/traffic.h"

#include <fmt/ranges.h>

#include <array>
#include <set>

#include "base/text.h"
#include "cost/activations.h"
#include "cost/walk.h"

namespace heddle::cost {
namespace {

constexpr std::array kFusions = {Fusion::kOperators, Fusion::kChains, Fusion::kStages};

/// The stage whose nodes make each value; what a loop hands on or scans is made by the loop.
std::vector<std::optional<std::size_t>> makers(const Graph& graph) {
  std::vector<std::optional<std::size_t>> stages(graph.values.size());
  for (const Node& node : graph.nodes) {
    const auto* loop = std::get_if<Loop>(&node.what);
    if (loop == nullptr) continue;
    for (const Loop::Carried& carried : loop->carried) {
      stages[carried.current.index] = stages[carried.result.index] = node.stage;
    }
    for (const Loop::Scanned& scanned : loop->scanned) stages[scanned.row.index] = node.stage;
  }
  for_each_operator(graph, [&](const Node& node, const Operator&, const Loop*) {
    stages[node.output.index] = node.stage;
  });
  return stages;
}

/// Calls visit(node, input) for each use of a weight.
template <typename Visit>
void for_each_weight(const Graph& graph, const Visit& visit) {
  for_each_operator(graph, [&](const Node& node, const Operator&, const Loop*) {
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      if (graph[node.inputs[i]].kind == ValueKind::kWeight) visit(node, i);
    }
  });
}

class Counter {
 public:
  explicit Counter(const Graph& graph)
      : graph_(graph), roles_(activation_roles(graph)), made_in_(makers(graph)) {
    work_.operators = work_of_operators(graph);
    work_.stages.resize(graph.stages.size());
    for (std::size_t i = 0; i < graph.stages.size(); ++i) {
      work_.stages[i].name = work_.stages[i].all.name = graph.stages[i];
      work_.stages[i].all.stage = i;
    }
  }

  GraphWork run() {
    for (const PartWork& part : work_.operators) work_.stages[part.stage].all += part;
    count_distinct_weights();
    count_chains();
    count_handed_over();
    work_.live = live_activations(graph_, Keeping::kUntilRead);
    work_.on_chip = live_activations(graph_, Keeping::kInStage);
    return std::move(work_);
  }

 private:
  [[nodiscard]] ActivationCount count_at(std::size_t value) const {
    return count_of(graph_.values[value], roles_[value]);
  }

  void count_distinct_weights() {
    std::vector<std::set<std::size_t>> seen(work_.stages.size());
    for_each_weight(graph_, [&](const Node& node, std::size_t input) {
      const bool is_new = seen[node.stage].insert(node.inputs[input].index).second;
      if (is_new) work_.stages[node.stage].distinct += weight_of(graph_, node, input);
    });
  }

  void count_chains() {
    const std::vector<bool> is_inner = inner_values(graph_);
    for_each_operator(graph_, [&](const Node& node, const Operator& op, const Loop* loop) {
      if (is_view(op)) return;
      const std::int64_t trips = loop == nullptr ? 1 : loop->trips;
      ActivationCount& chains = work_.stages[node.stage].chains;
      for (const ValueId input : node.inputs) {
        if (!is_inner[input.index]) chains += count_at(input.index) * trips;
      }
      if (!is_inner[node.output.index]) chains += count_at(node.output.index) * trips;
    });
  }

  void count_handed_over() {
    std::vector<std::set<std::size_t>> received(work_.stages.size());
    std::set<std::size_t> sent;
    for (const Node& node : graph_.nodes) {
      for (const ValueId read : reads_of(node)) {
        const auto& maker = made_in_[read.index];
        if (!roles_[read.index] || maker == node.stage) continue;
        received[node.stage].insert(read.index);
        if (maker) sent.insert(read.index);
      }
    }
    for (const ValueId output : graph_.outputs) sent.insert(output.index);
    for (std::size_t i = 0; i < received.size(); ++i) {
      for (const std::size_t value : received[i]) work_.stages[i].received += count_at(value);
    }
    for (const std::size_t value : sent) {
      const std::optional<std::size_t>& maker = made_in_[value];
      if (maker) work_.stages[*maker].sent += count_at(value);
    }
  }

  const Graph& graph_;
  const std::vector<std::optional<ActivationRole>> roles_;
  const std::vector<std::optional<std::size_t>> made_in_;
  GraphWork work_;
};

}  // namespace

const char* name_of(Fusion fusion) {
  constexpr std::array kNames = {"operators", "chains", "stages"};
  return kNames[static_cast<std::size_t>(fusion)];
}

Fusion find_fusion(const std::string& name) {
  std::vector<std::string> names;
  names.reserve(kFusions.size());
  for (const Fusion fusion : kFusions) {
    if (name_of(fusion) == name) return fusion;
    names.emplace_back(name_of(fusion));
  }
  throw UserError(fmt::format("there is no fusion {}", quote(name)),
                  fmt::format("choose one of: {}", fmt::join(names, ", ")));
}

ActivationCount StageWork::crossing(Fusion fusion) const {
  ActivationCount count = fusion == Fusion::kStages   ? received
                          : fusion == Fusion::kChains ? chains
                                                      : all.read;
  if (fusion == Fusion::kStages) count += sent;
  if (fusion == Fusion::kOperators) count += all.written;
  return count;
}

GraphWork count(const Graph& graph) {
  return Counter(graph).run();
}

WeightCount stored_weights(const std::vector<const Graph*>& graphs) {
  WeightCount stored;
  std::set<std::string> seen;
  for (const Graph* graph : graphs) {
    for_each_weight(*graph, [&](const Node& node, std::size_t input) {
      const bool is_new = seen.insert((*graph)[node.inputs[input]].name).second;
      if (is_new) stored += weight_of(*graph, node, input);
    });
  }
  return stored;
}

}  // namespace heddle::cost
