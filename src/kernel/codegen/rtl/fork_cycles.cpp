#include "kernel/codegen/rtl/fork_cycles.h"

#include <algorithm>

#include "base/error.h"

namespace heddle::kernel::rtl {
namespace {

/// Values of a graph's nodes in one iteration, as far as they do not depend on arrays.
class Iteration {
 public:
  Iteration(const LeafRun& run, std::int64_t number) : run_(run), graph_(run.leaf->graph) {
    for (std::size_t n = run.trips.size(); n-- > 0;) {
      counters_[run.leaf->loops[n].name] = run.first[n] + number % run.trips[n];
      number /= run.trips[n];
    }
  }

  [[nodiscard]] std::optional<Int128> value(NodeId id,
                                            const std::vector<std::int64_t>& lane) const {
    const Node& node = graph_[id];
    if (node.op == Op::kConstant) return node.value;
    if (node.op == Op::kLane) return lane[static_cast<std::size_t>(node.value)];
    if (node.op == Op::kCounter) return node.value * counters_.at(node.name);
    if (node.op == Op::kInput) {
      const auto found = run_.inputs.find(node.name);
      if (found == run_.inputs.end()) return std::nullopt;
      return found->second;
    }
    std::vector<Int128> x;
    x.reserve(node.operands.size());
    for (const NodeId operand : node.operands) {
      const std::optional<Int128> one = value(operand, lane);
      if (!one) return std::nullopt;
      x.push_back(*one);
    }
    switch (node.op) {
      case Op::kAdd:
        return x[0] + x[1];
      case Op::kSub:
        return x[0] - x[1];
      case Op::kMul:
        return x[0] * x[1];
      case Op::kQuotient:
        return x[1] == 0 ? std::nullopt : std::optional(x[0] / x[1]);
      case Op::kRemainder:
        return x[1] == 0 ? std::nullopt : std::optional(x[0] % x[1]);
      case Op::kAnd:
        return x[0] & x[1];
      case Op::kOr:
        return x[0] | x[1];
      case Op::kLess:
        return Int128{x[0] < x[1]};
      case Op::kEqual:
        return Int128{x[0] == x[1]};
      case Op::kMux:
        return x[0] != 0 ? x[1] : x[2];
      case Op::kSlice:
        if (node.low < 0) return std::nullopt;
        return (x[0] >> static_cast<int>(node.value)) & ((Int128{1} << node.width()) - 1);
      case Op::kShiftLeft:
        return x[0] * (Int128{1} << static_cast<int>(x[1]));
      case Op::kShiftRight:
        return x[0] >> static_cast<int>(std::min<Int128>(x[1], 126));
      default:
        return std::nullopt;
    }
  }

 private:
  const LeafRun& run_;
  const Graph& graph_;
  std::map<std::string, std::int64_t> counters_;
};

/// How many elements each unit of a stream holds.
struct Queue {
  std::int64_t depth = 2;
  std::int64_t unit = 1;
  std::vector<std::int64_t> filled;
};

/// A put or a get of a run, and when it happens next.
struct Meeting {
  NodeId node = kNoNode;
  Queue* queue = nullptr;
  bool is_put = false;
  bool is_fixed = false;  ///< every iteration, always the same units
  std::int64_t iteration = 0;
  std::int64_t due = 0;
  std::vector<std::int64_t> units;
};

class Process {
 public:
  Process(const ProcessRun& run, std::map<std::string, Queue>& queues)
      : run_(run), queues_(queues) {
    enter();
  }

  [[nodiscard]] bool has_ended() const { return time_ > run_.cycles; }
  [[nodiscard]] bool is_known() const { return is_known_; }

  /// Whether nothing that is due now has to wait.
  [[nodiscard]] bool can_go() const {
    for (const Meeting& meeting : meetings_) {
      if (meeting.due != time_) continue;
      for (const std::int64_t unit : meeting.units) {
        const std::int64_t filled = meeting.queue->filled[static_cast<std::size_t>(unit)];
        if (meeting.is_put ? filled == meeting.queue->depth : filled == 0) return false;
      }
    }
    return true;
  }
  /// One cycle of its own time; changes of queues are kept for finish().
  void go() {
    for (Meeting& meeting : meetings_) {
      if (meeting.due != time_) continue;
      for (const std::int64_t unit : meeting.units) {
        changes_.emplace_back(&meeting.queue->filled[static_cast<std::size_t>(unit)],
                              meeting.is_put ? 1 : -1);
      }
      ++meeting.iteration;
      find_next(meeting);
    }
    advance(1);
  }
  void finish() {
    for (const auto& [filled, by] : changes_) *filled += by;
    changes_.clear();
  }
  /// Cycles until something is due, if all that has happened stays; 0 if it is now.
  [[nodiscard]] std::int64_t quiet() const {
    std::int64_t next = run_.cycles + 1;
    if (next_ < run_.runs.size()) next = std::min(next, run_.runs[next_].start);
    for (const Meeting& meeting : meetings_) next = std::min(next, meeting.due);
    return next - time_;
  }
  /// Lets its own time pass.
  void advance(std::int64_t cycles) {
    time_ += cycles;
    while (next_ < run_.runs.size() && time_ >= run_.runs[next_].start) enter();
  }

 private:
  static constexpr std::int64_t kNever = INT64_MAX;

  void enter() {
    if (next_ == run_.runs.size()) return;
    leaf_run_ = &run_.runs[next_++];
    const Leaf& leaf = *leaf_run_->leaf;
    meetings_.clear();
    for (NodeId id = 0; id < static_cast<NodeId>(leaf.graph.nodes().size()); ++id) {
      const Node& node = leaf.graph[id];
      const auto queue = node.is_access() ? queues_.find(node.name) : queues_.end();
      if (queue == queues_.end()) continue;
      Meeting meeting;
      meeting.node = id;
      meeting.queue = &queue->second;
      meeting.is_put = node.op == Op::kWrite;
      meeting.is_fixed = node.predicate == kNoNode && node.offsets.size() == 1;
      if (meeting.is_fixed) {
        std::set<std::int64_t> units;
        for (const std::int64_t bank : banks_of(leaf.graph, node)) {
          units.insert(bank / queue->second.unit);
        }
        meeting.units = {units.begin(), units.end()};
      }
      find_next(meeting);
      meetings_.push_back(std::move(meeting));
    }
  }

  /// The first iteration from the present one on in which it happens.
  void find_next(Meeting& meeting) {
    const Leaf& leaf = *leaf_run_->leaf;
    std::int64_t iterations = 1;
    for (const std::int64_t trips : leaf_run_->trips)
      iterations *= std::max<std::int64_t>(trips, 0);
    for (; meeting.iteration < iterations; ++meeting.iteration) {
      if (!meeting.is_fixed) find_units(meeting);
      if (meeting.units.empty()) continue;
      const std::int64_t issued =
          leaf_run_->start + (leaf.loops.empty() ? 0 : 1 + meeting.iteration * leaf.times.interval);
      meeting.due = issued + leaf.times.start[static_cast<std::size_t>(meeting.node)];
      return;
    }
    meeting.due = kNever;
  }

  void find_units(Meeting& meeting) {
    const Graph& graph = leaf_run_->leaf->graph;
    const Node& node = graph[meeting.node];
    const Iteration iteration(*leaf_run_, meeting.iteration);
    std::set<std::int64_t> units;
    LaneSet lanes = graph[node.operands[1]].lanes | graph[node.operands[2]].lanes;
    if (node.predicate != kNoNode) lanes |= graph[node.predicate].lanes;
    graph.for_each_lane(lanes, [&](const std::vector<std::int64_t>& lane) {
      const std::optional<Int128> choice = iteration.value(node.operands[2], lane);
      std::optional<Int128> happens = 1;
      if (node.predicate != kNoNode) happens = iteration.value(node.predicate, lane);
      if (!choice || !happens) {
        is_known_ = false;
        return;
      }
      if (*happens == 0) return;
      const Int128 bank = graph.fixed_value(node.operands[1], lane) +
                          node.offsets.at(static_cast<std::size_t>(*choice));
      units.insert(static_cast<std::int64_t>(bank) / meeting.queue->unit);
    });
    meeting.units = {units.begin(), units.end()};
  }

  const ProcessRun& run_;
  std::map<std::string, Queue>& queues_;
  std::int64_t time_ = 0;
  std::size_t next_ = 0;
  const LeafRun* leaf_run_ = nullptr;
  std::vector<Meeting> meetings_;
  std::vector<std::pair<std::int64_t*, int>> changes_;
  bool is_known_ = true;
};

}  // namespace

std::optional<std::int64_t> cycles_together(const Design& design,
                                            const std::vector<ProcessRun>& runs) {
  std::map<std::string, Queue> queues;
  for (const Memory& memory : design.memories) {
    if (memory.kind != Memory::Kind::kStream) continue;
    queues[memory.array.name] = {
        memory.fifo_depth, memory.unit,
        std::vector<std::int64_t>(static_cast<std::size_t>(memory.units()))};
  }
  std::vector<Process> processes;
  processes.reserve(runs.size());
  for (const ProcessRun& run : runs) processes.emplace_back(run, queues);
  std::int64_t now = 0;
  while (true) {
    std::vector<Process*> live;
    for (Process& process : processes) {
      if (!process.is_known()) return std::nullopt;
      if (!process.has_ended()) live.push_back(&process);
    }
    if (live.empty()) return now;
    std::int64_t quiet = INT64_MAX;
    for (const Process* process : live) quiet = std::min(quiet, process->quiet());
    if (quiet > 0) {
      for (Process* process : live) process->advance(quiet);
      now += quiet;
      continue;
    }
    std::vector<Process*> going;
    std::ranges::copy_if(live, std::back_inserter(going),
                         [](const Process* process) { return process->can_go(); });
    if (going.empty()) return std::nullopt;
    for (Process* process : going) process->go();
    for (Process* process : going) process->finish();
    ++now;
  }
}

}  // namespace heddle::kernel::rtl
