#include "engine/plan/memory_plan.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "engine/plan/slab.h"

namespace heddle {
namespace {

/// The steps that a value must outlive, as positions in the flattened program.
struct Lifetime {
  std::size_t first = SIZE_MAX;
  std::size_t last = 0;
  void include(std::size_t time) {
    first = std::min(first, time);
    last = std::max(last, time);
  }
  [[nodiscard]] bool overlaps(const Lifetime& other) const {
    return first <= other.last && other.first <= last;
  }
};

class Planner {
 public:
  Planner(const Graph& graph, const std::vector<FusedStep>& steps)
      : graph_(graph), steps_(steps), lifetimes_(graph.values.size()), root_(graph.values.size()) {
    std::iota(root_.begin(), root_.end(), std::size_t{0});
  }

  MemoryPlan run(bool narrow_operands) {
    find_lifetimes();
    MemoryPlan plan;
    plan.placements.resize(graph_.values.size());
    if (narrow_operands) find_narrow(plan);
    place(plan);
    return plan;
  }

 private:
  [[nodiscard]] bool planned(std::size_t value) const {
    const ValueKind kind = graph_.values[value].kind;
    return kind == ValueKind::kInput || kind == ValueKind::kComputed;
  }

  void touch(ValueId id, std::size_t time) { lifetimes_[root_[id.index]].include(time); }

  /// Two values that share one place.
  void share(ValueId a, ValueId b) { root_[b.index] = root_[a.index]; }

  void visit(const FusedNode& node, std::size_t time) {
    for (const ValueId id : node.inputs) touch(id, time);
    if (node.addend) touch(*node.addend, time);
    touch(node.output, time);
  }

  void visit(const FusedLoop& fused, std::size_t& time) {
    const std::size_t begin = time++;
    for (const auto& carried : fused.loop.carried) {
      share(carried.current, carried.result);
      touch(carried.initial, begin);
      touch(carried.current, begin);
    }
    for (const auto& scanned : fused.loop.scanned) touch(scanned.row, begin);
    for (const FusedNode& node : fused.body) visit(node, time++);
    // What lives on from trip to trip, or is read from outside, lives through the last trip.
    for (const auto& carried : fused.loop.carried) {
      touch(carried.current, time);
      touch(carried.next, time);
    }
    for (const auto& scanned : fused.loop.scanned) {
      touch(scanned.row, time);
      touch(scanned.source, time);
    }
    for (const FusedNode& node : fused.body) {
      for (const ValueId id : node.inputs) outlive(id, begin, time);
      if (node.addend) outlive(*node.addend, begin, time);
    }
    ++time;
  }

  void outlive(ValueId id, std::size_t begin, std::size_t end) {
    if (lifetimes_[root_[id.index]].first < begin) touch(id, end);
  }

  void find_lifetimes() {
    for (std::size_t i = 0; i < graph_.values.size(); ++i) {
      if (graph_.values[i].kind == ValueKind::kInput) lifetimes_[i].include(0);
    }
    std::size_t time = 1;
    for (const FusedStep& step : steps_) {
      if (const auto* node = std::get_if<FusedNode>(&step)) {
        visit(*node, time++);
      } else {
        visit(std::get<FusedLoop>(step), time);
      }
    }
    for (const ValueId id : graph_.outputs) touch(id, time);
  }

  /// Whether node only moves elements, so that its input and output are held alike.
  static bool moves(const FusedNode& node) {
    return std::holds_alternative<Patchify>(node.op) ||
           std::holds_alternative<PixelShuffle>(node.op) ||
           std::holds_alternative<Reshape>(node.op) || std::holds_alternative<Repeat>(node.op) ||
           std::holds_alternative<Concat>(node.op) || std::holds_alternative<Slice>(node.op);
  }

  void find_narrow(MemoryPlan& plan) const {
    std::vector<const FusedNode*> nodes;
    for (const FusedStep& step : steps_) {
      if (const auto* node = std::get_if<FusedNode>(&step)) {
        nodes.push_back(node);
      } else {
        for (const FusedNode& inner : std::get<FusedLoop>(step).body) nodes.push_back(&inner);
      }
    }
    // Backwards: whether a moved value may be narrow depends on what happens to it later.
    std::vector<bool> narrow(graph_.values.size(), false), wide(graph_.values.size(), false);
    for (std::size_t i = 0; i < graph_.values.size(); ++i) {
      wide[i] = graph_.values[i].kind != ValueKind::kComputed;
    }
    for (const ValueId id : graph_.outputs) wide[id.index] = true;
    for (const FusedStep& step : steps_) {
      if (const auto* fused = std::get_if<FusedLoop>(&step)) widen(fused->loop, wide);
    }
    for (auto it = nodes.rbegin(); it != nodes.rend(); ++it) {
      const FusedNode& node = **it;
      for (std::size_t i = 0; i < node.inputs.size(); ++i) {
        const bool product = (std::holds_alternative<Linear>(node.op) && i == 0) ||
                             (std::holds_alternative<Attention>(node.op) && i < 3);
        const std::size_t output = node.output.index;
        const bool as_operand = product || (moves(node) && narrow[output] && !wide[output]);
        (as_operand ? narrow : wide)[node.inputs[i].index] = true;
      }
      if (node.addend) wide[node.addend->index] = true;
    }
    for (std::size_t i = 0; i < graph_.values.size(); ++i) {
      plan.placements[i].narrow = narrow[i] && !wide[i];
    }
  }

  static void widen(const Loop& loop, std::vector<bool>& wide) {
    for (const auto& carried : loop.carried) {
      for (const ValueId id : {carried.initial, carried.current, carried.next, carried.result}) {
        wide[id.index] = true;
      }
    }
    for (const auto& scanned : loop.scanned)
      wide[scanned.row.index] = wide[scanned.source.index] = true;
  }

  void place(MemoryPlan& plan) const {
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < graph_.values.size(); ++i) {
      Placement& placement = plan.placements[i];
      placement.used = planned(i) && lifetimes_[root_[i]].first != SIZE_MAX;
      placement.bytes = static_cast<std::size_t>(element_count(graph_.values[i].shape)) *
                        (placement.narrow ? 2 : 4);
      if (placement.used && root_[i] == i) order.push_back(i);
    }
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return std::pair(plan.placements[b].bytes, a) < std::pair(plan.placements[a].bytes, b);
    });
    std::vector<std::size_t> placed;
    for (const std::size_t value : order) {
      Placement& placement = plan.placements[value];
      placement.offset = lowest_gap(plan, placed, value);
      plan.arena_bytes = std::max(plan.arena_bytes, placement.offset + placement.bytes);
      placed.push_back(value);
    }
    for (std::size_t i = 0; i < graph_.values.size(); ++i) {
      plan.placements[i].offset = plan.placements[root_[i]].offset;
    }
  }

  [[nodiscard]] std::size_t lowest_gap(const MemoryPlan& plan,
                                       const std::vector<std::size_t>& placed,
                                       std::size_t value) const {
    std::vector<const Placement*> in_the_way;
    for (const std::size_t other : placed) {
      if (lifetimes_[other].overlaps(lifetimes_[value])) {
        in_the_way.push_back(&plan.placements[other]);
      }
    }
    std::sort(in_the_way.begin(), in_the_way.end(),
              [](const auto* a, const auto* b) { return a->offset < b->offset; });
    std::size_t offset = 0;
    for (const Placement* other : in_the_way) {
      if (offset + plan.placements[value].bytes <= other->offset) break;
      const std::size_t end = other->offset + other->bytes;
      offset = std::max(offset, (end + kSlabAlignment - 1) / kSlabAlignment * kSlabAlignment);
    }
    return offset;
  }

  const Graph& graph_;
  const std::vector<FusedStep>& steps_;
  std::vector<Lifetime> lifetimes_;
  /// The value whose place a value shares; itself for most.
  std::vector<std::size_t> root_;
};

}  // namespace

MemoryPlan plan_memory(const Graph& graph, const std::vector<FusedStep>& steps,
                       bool narrow_operands) {
  return Planner(graph, steps).run(narrow_operands);
}

}  // namespace heddle
