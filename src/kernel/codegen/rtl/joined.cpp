#include "kernel/codegen/rtl/joined.h"

#include <algorithm>
#include <map>

namespace heddle::kernel::rtl {
namespace {

using Lane = std::vector<std::int64_t>;

/// A lane's numbers along some loops, 0 along the others.
Lane projected(Lane lane, LaneSet loops) {
  for (std::size_t n = 0; n < lane.size(); ++n) {
    if ((loops >> n & 1) == 0) lane[n] = 0;
  }
  return lane;
}

/// Whether the access touches whole units only, each at one address and under one condition.
bool is_closed(const Graph& graph, const Node& access, std::int64_t unit) {
  const auto is_whole = [&](std::int64_t offset) { return offset % unit == 0; };
  if (!std::ranges::all_of(access.offsets, is_whole)) return false;
  LaneSet apart = graph[access.operands[0]].lanes | graph[access.operands[2]].lanes;
  if (access.predicate != kNoNode) apart |= graph[access.predicate].lanes;
  std::map<std::int64_t, std::int64_t> used;  // banks of each unit
  std::map<std::int64_t, Lane> asked;
  bool is_one = true;
  graph.for_each_lane(graph[access.operands[1]].lanes | apart, [&](const Lane& lane) {
    const auto bank = static_cast<std::int64_t>(graph.fixed_value(access.operands[1], lane));
    ++used[bank / unit];
    const Lane own = projected(lane, apart);
    is_one = is_one && asked.emplace(bank / unit, own).first->second == own;
  });
  return is_one && std::ranges::all_of(used, [&](const auto& of) { return of.second == unit; });
}

}  // namespace

void join_banks(Design& design) {
  std::map<std::string, std::vector<std::pair<const Graph*, const Node*>>> accesses;
  for_each_leaf(design.top, [&](const Leaf& leaf) {
    for (const Node& node : leaf.graph.nodes()) {
      if (node.is_access()) accesses[node.name].emplace_back(&leaf.graph, &node);
    }
  });
  for (Memory& memory : design.memories) {
    if (memory.kind != Memory::Kind::kRam && memory.kind != Memory::Kind::kStream) continue;
    for (std::int64_t unit = memory.banks.count; unit > 1; --unit) {
      if (memory.banks.count % unit != 0) continue;
      const bool fits = std::ranges::all_of(accesses[memory.array.name], [&](const auto& access) {
        return is_closed(*access.first, *access.second, unit);
      });
      if (!fits) continue;
      memory.unit = unit;
      break;
    }
  }
}

LaneSet lanes_of_units(const Graph& graph, const Node& access, std::int64_t unit) {
  LaneSet result = 0;
  const NodeId place = access.operands[1];
  graph.for_each_lane(graph[place].lanes, [&](const Lane& lane) {
    for (std::size_t n = 0; n < lane.size(); ++n) {
      Lane other = lane;
      other[n] = 0;
      const Int128 moved =
          graph.fixed_value(place, lane) / unit - graph.fixed_value(place, other) / unit;
      if (moved != 0) result |= LaneSet{1} << n;
    }
  });
  return result;
}

}  // namespace heddle::kernel::rtl
