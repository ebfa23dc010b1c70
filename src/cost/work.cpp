#include "cost/work.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>

namespace heddle {
namespace {

bool is_activation(const Value& value) {
  return value.kind == ValueKind::kComputed || value.kind == ValueKind::kInput;
}

/// Makes no new elements.
bool is_view(const Operator& op) {
  return std::holds_alternative<Reshape>(op) || std::holds_alternative<Slice>(op);
}

Work attention_work(const Attention& op, const Shape& q, const Shape& k) {
  const std::int64_t queries = q[q.size() - 2];
  const std::int64_t keys = k[k.size() - 2];
  const std::int64_t batch = element_count(q) / (queries * q.back());
  std::int64_t visible = 0;
  for (std::int64_t i = 0; i < queries; ++i) visible += std::min(op.visible(i), keys);
  const std::int64_t per_pair = 2 * op.heads * op.head_dim;  // Scores, and values weighted by them.
  Work work;
  work.macs = batch * queries * keys * per_pair;
  work.visible_macs = batch * visible * per_pair;
  return work;
}

/// Of one run of the node.
Work work_of(const Graph& graph, const Node& node, const Operator& op) {
  const auto shape = [&](std::size_t i) -> const Shape& { return graph[node.inputs[i]].shape; };
  const std::int64_t made = element_count(graph[node.output].shape);
  Work work;
  if (std::holds_alternative<Linear>(op)) {
    work.macs = work.visible_macs = made * (element_count(shape(1)) / shape(1)[0]);
  } else if (const auto* attention = std::get_if<Attention>(&op)) {
    work = attention_work(*attention, shape(0), shape(1));
  } else if (std::holds_alternative<Experts>(op)) {
    // Each row goes through the router and one expert.
    const std::int64_t row = element_count(shape(1)) + 2 * element_count(shape(2));
    work.macs = work.visible_macs = made / shape(0).back() * row;
  }
  const bool is_lookup = std::holds_alternative<Embedding>(op);
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    const Value& value = graph[node.inputs[i]];
    // Rows may all choose different experts, but no more of them than there are rows.
    const bool is_expert = std::holds_alternative<Experts>(op) && i >= 2;
    if (is_expert && static_cast<std::int64_t>(i - 2) / 2 >= made / shape(0).back()) break;
    if (is_activation(value)) {
      if (!is_view(op)) work.read += element_count(value.shape);
    } else if (value.kind == ValueKind::kWeight) {
      work.weights += is_lookup ? made : element_count(value.shape);
    }
  }
  if (!is_view(op)) work.written = made;
  return work;
}

Work times(const Work& work, std::int64_t factor) {
  return {work.macs * factor, work.visible_macs * factor, work.weights * factor, work.read * factor,
          work.written * factor};
}

/// Calls `visit` for each node that holds an operator, with the trips of the loop around it.
void for_each_operator(
    const Graph& graph,
    const std::function<void(const Node&, const Operator&, std::int64_t trips)>& visit) {
  for (const Node& node : graph.nodes) {
    if (const auto* op = std::get_if<Operator>(&node.what)) {
      visit(node, *op, 1);
      continue;
    }
    const Loop& loop = std::get<Loop>(node.what);
    for (const Node& inner : loop.body) visit(inner, std::get<Operator>(inner.what), loop.trips);
  }
}

/// The stage whose nodes make each value.
std::map<std::size_t, std::size_t> makers(const Graph& graph) {
  std::map<std::size_t, std::size_t> stages;
  for (const Node& node : graph.nodes) {
    if (const auto* loop = std::get_if<Loop>(&node.what)) {
      for (const Loop::Carried& carried : loop->carried) {
        stages[carried.current.index] = stages[carried.result.index] = node.stage;
      }
      for (const Loop::Scanned& scanned : loop->scanned) stages[scanned.row.index] = node.stage;
      for (const Node& inner : loop->body) stages[inner.output.index] = node.stage;
    } else {
      stages[node.output.index] = node.stage;
    }
  }
  return stages;
}

}  // namespace

Work& Work::operator+=(const Work& other) {
  macs += other.macs;
  visible_macs += other.visible_macs;
  weights += other.weights;
  read += other.read;
  written += other.written;
  return *this;
}

std::vector<NodeWork> work_of_nodes(const Graph& graph) {
  std::vector<NodeWork> all;
  for_each_operator(graph, [&](const Node& node, const Operator& op, std::int64_t trips) {
    all.push_back({graph[node.output].name, name_of(op), node.stage, trips,
                   times(work_of(graph, node, op), trips)});
  });
  return all;
}

std::vector<StageWork> work_of_stages(const Graph& graph) {
  std::vector<StageWork> stages(graph.stages.size());
  for (std::size_t i = 0; i < stages.size(); ++i) stages[i].name = graph.stages[i];
  for (const NodeWork& node : work_of_nodes(graph)) stages[node.stage].work += node.work;
  const std::map<std::size_t, std::size_t> made_in = makers(graph);
  std::vector<std::set<std::size_t>> received(stages.size());
  std::set<std::size_t> sent;
  for (const Node& node : graph.nodes) {
    for (const ValueId read : reads_of(node)) {
      const auto maker = made_in.find(read.index);
      if (!is_activation(graph[read])) continue;
      if (maker != made_in.end() && maker->second == node.stage) continue;
      received[node.stage].insert(read.index);
      if (maker != made_in.end()) sent.insert(read.index);
    }
  }
  for (const ValueId output : graph.outputs) sent.insert(output.index);
  for (std::size_t i = 0; i < stages.size(); ++i) {
    for (const std::size_t value : received[i]) {
      stages[i].received += element_count(graph.values[value].shape);
    }
  }
  for (const std::size_t value : sent) {
    const auto maker = made_in.find(value);
    if (maker != made_in.end()) {
      stages[maker->second].sent += element_count(graph.values[value].shape);
    }
  }
  return stages;
}

std::int64_t peak_activations(const Graph& graph) {
  // A loop's body counts once, with all that it reads from outside kept; views stand for their
  // source.
  std::vector<std::size_t> source(graph.values.size());
  for (std::size_t i = 0; i < source.size(); ++i) source[i] = i;
  std::vector<std::vector<std::size_t>> reads;
  std::vector<std::vector<std::size_t>> makes;
  const auto step = [&](std::vector<std::size_t> read, std::vector<std::size_t> made) {
    reads.push_back(std::move(read));
    makes.push_back(std::move(made));
  };
  const auto operation = [&](const Node& node) {
    const auto& op = std::get<Operator>(node.what);
    if (is_view(op)) {
      source[node.output.index] = source[node.inputs.front().index];
      return;
    }
    std::vector<std::size_t> read;
    read.reserve(node.inputs.size());
    for (const ValueId input : node.inputs) read.push_back(source[input.index]);
    step(std::move(read), {node.output.index});
  };
  for (const Node& node : graph.nodes) {
    const auto* loop = std::get_if<Loop>(&node.what);
    if (loop == nullptr) {
      operation(node);
      continue;
    }
    for (const Loop::Carried& carried : loop->carried) {
      source[carried.current.index] = source[carried.initial.index];
      source[carried.result.index] = carried.next.index;
    }
    for (const Loop::Scanned& scanned : loop->scanned) {
      source[scanned.row.index] = source[scanned.source.index];
    }
    for (const Node& inner : loop->body) operation(inner);
    std::set<std::size_t> own;
    for (const Node& inner : loop->body) own.insert(source[inner.output.index]);
    std::vector<std::size_t> kept;  // Other trips need them again.
    for (const ValueId read : reads_of(node)) {
      if (!own.contains(source[read.index])) kept.push_back(source[read.index]);
    }
    step(std::move(kept), {});
  }
  std::vector<std::size_t> last(graph.values.size(), 0);
  std::vector<bool> is_live(graph.values.size(), false);
  for (std::size_t time = 0; time < reads.size(); ++time) {
    for (const std::size_t value : reads[time]) last[value] = time;
  }
  for (const ValueId output : graph.outputs) last[source[output.index]] = reads.size();
  std::int64_t live = 0;
  const auto size = [&](std::size_t value) { return element_count(graph.values[value].shape); };
  for (std::size_t value = 0; value < graph.values.size(); ++value) {
    if (graph.values[value].kind != ValueKind::kInput) continue;
    is_live[value] = true;
    live += size(value);
  }
  std::int64_t peak = live;
  for (std::size_t time = 0; time < reads.size(); ++time) {
    for (const std::size_t value : makes[time]) {
      is_live[value] = true;
      live += size(value);
    }
    peak = std::max(peak, live);
    for (const std::size_t value : reads[time]) {
      if (!is_live[value] || last[value] > time) continue;
      is_live[value] = false;
      live -= size(value);
    }
    for (const std::size_t value : makes[time]) {
      if (last[value] > time || !is_live[value]) continue;  // Nothing reads it.
      is_live[value] = false;
      live -= size(value);
    }
  }
  return peak;
}

}  // namespace heddle
