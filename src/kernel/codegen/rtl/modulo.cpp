#include "kernel/codegen/rtl/modulo.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/error.h"
#include "kernel/text.h"

namespace heddle::kernel::rtl {
namespace {

/// A memory's ports of one kind: a bank serves one access a cycle.
using Port = std::pair<std::string, Op>;

/// The accesses to such ports.
struct Contest {
  std::vector<NodeId> accesses;
  /// For each access those before it that need a port in common, as positions in `accesses`.
  std::vector<std::vector<std::size_t>> rivals;
  int most = 0;  ///< accesses that one port serves
};

class Solver {
 public:
  Solver(const Leaf& leaf, const Design& design)
      : graph_(leaf.graph), design_(design), pipelined_(!leaf.loops.empty()) {
    int total = 1;
    for (const Node& node : graph_.nodes()) {
      timing_.push_back(timing(node));
      total += timing_.back().cycles + 1;
      if (node.is_access() && design_.memory(node.name).has_ports()) {
        ports_[{node.name, node.op}].accesses.push_back(static_cast<NodeId>(timing_.size()) - 1);
      }
    }
    std::size_t accesses = 0;
    for (auto& [port, contest] : ports_) {
      find_rivals(design_.memory(port.first), contest);
      accesses += contest.accesses.size();
    }
    most_rounds_ = 16 + 4 * accesses;
    // A longest path leaves each node once.
    std::vector<int> leaving(timing_.size(), 0);
    for (const Order& order : graph_.orders) {
      int& latency = leaving[static_cast<std::size_t>(order.from)];
      latency = std::max(latency, order.latency);
    }
    for (const int latency : leaving) total += latency;
    longest_ = total;
  }

  /// The least interval from `least` on at which both orders and ports can be kept.
  Times solve(int least) {
    if (!pipelined_) return take(attempt(longest_ + 1, true), 1);
    int low = 1;
    int high = longest_ + 1;
    while (low < high) {  // Orders alone can be kept at every longer interval too.
      const int middle = low + (high - low) / 2;
      if (attempt(middle, false)) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    low = std::max(low, least);
    for (const auto& [port, contest] : ports_) low = std::max(low, contest.most);
    for (int interval = low;; interval += 1 + interval / 8) {
      ensure(interval <= 2 * (least + longest_ + low),
             "no interval serves the ports of a pipeline");
      if (attempt(interval, true)) return take(true, interval);
    }
  }

  [[nodiscard]] const std::map<Port, Contest>& ports() const { return ports_; }

  /// The order between iterations that asks for the longest interval, and that interval.
  [[nodiscard]] std::pair<const Order*, int> critical() const {
    std::pair<const Order*, int> worst{nullptr, 0};
    for (const Order& order : graph_.orders) {
      if (order.distance == 0) continue;
      const int path = longest_path(order.to, order.from);
      if (path < 0) continue;
      const auto needed =
          static_cast<int>((path + order.latency + order.distance - 1) / order.distance);
      if (needed > worst.second) worst = {&order, needed};
    }
    return worst;
  }

 private:
  void find_rivals(const Memory& memory, Contest& contest) const {
    std::map<std::int64_t, std::vector<std::size_t>> users;
    for (std::size_t i = 0; i < contest.accesses.size(); ++i) {
      const Node& node = graph_[contest.accesses[i]];
      std::vector<std::int64_t> banks = {0};  // All banks of a word share its command.
      if (memory.kind != Memory::Kind::kGlobal) banks = banks_of(graph_, node);
      std::set<std::size_t> rivals;
      for (const std::int64_t bank : banks) {
        std::vector<std::size_t>& others = users[bank];
        rivals.insert(others.begin(), others.end());
        others.push_back(i);
        contest.most = std::max(contest.most, static_cast<int>(others.size()));
      }
      contest.rivals.emplace_back(rivals.begin(), rivals.end());
    }
  }

  [[nodiscard]] Timing timing(const Node& node) const {
    if (node.op == Op::kWrite) return {};
    if (node.op != Op::kRead) return timing_of(graph_, node);
    const Memory& memory = design_.memory(node.name);
    const int cycles = memory.read_cycles(design_.target);
    constexpr int kChoice = 400;  // among banks, or behind a memory
    const bool is_register = memory.kind == Memory::Kind::kRegisters && node.offsets.size() == 1;
    return {cycles, 0, is_register ? 0 : kChoice};
  }

  Times take(bool found, int interval) {
    ensure(found, "a graph without a schedule");
    Times times;
    times.interval = interval;
    times.start = start_;
    for (std::size_t i = 0; i < start_.size(); ++i) {
      times.ready.push_back(start_[i] + timing_[i].cycles);
      const Node& node = graph_.nodes()[i];
      if (node.is_access()) times.depth = std::max(times.depth, times.ready.back() + 1);
    }
    return times;
  }

  /// Whether there are start times at that interval; leaves them in start_.
  bool attempt(int interval, bool keep_ports) {
    start_.assign(graph_.nodes().size(), 0);
    offset_.assign(graph_.nodes().size(), 0);
    for (std::size_t round = 0; round <= most_rounds_; ++round) {
      if (!relax(interval)) return false;
      if (!keep_ports || !separate(interval)) return true;
    }
    return false;
  }

  /// The least times, from those there are, that keep all orders; false if there are none.
  bool relax(int interval) {
    // A longest path goes along each order once; beyond that (and what chains of operators add) it
    // goes round in a circle.
    const std::size_t most = graph_.nodes().size() + 2 * graph_.orders.size();
    bool is_changed = true;
    for (std::size_t pass = 0; is_changed; ++pass) {
      if (pass > most) return false;
      is_changed = false;
      for (std::size_t i = 0; i < start_.size(); ++i) is_changed |= place(i);
      for (const Order& order : graph_.orders) {
        const auto to = static_cast<std::size_t>(order.to);
        const std::int64_t earliest = start_[static_cast<std::size_t>(order.from)] + order.latency -
                                      interval * order.distance;
        if (order.distance > 0 && !pipelined_) continue;
        if (earliest <= start_[to]) continue;
        if (earliest > std::int64_t{longest_} * 2) return false;
        start_[to] = static_cast<int>(earliest);
        offset_[to] = 0;
        is_changed = true;
      }
    }
    return true;
  }

  /// Moves a node behind its operands.
  bool place(std::size_t i) {
    const Node& node = graph_.nodes()[i];
    int start = start_[i];
    int offset = 0;
    const auto after = [&](NodeId operand) {
      const Node& from = graph_[operand];
      if (from.op == Op::kConstant || from.op == Op::kInput) return;
      const auto index = static_cast<std::size_t>(operand);
      const int ready = start_[index] + timing_[index].cycles;
      const int behind =
          timing_[index].cycles > 0 ? timing_[index].delay : offset_[index] + timing_[index].delay;
      if (ready > start) {
        start = ready;
        offset = behind;
      } else if (ready == start) {
        offset = std::max(offset, behind);
      }
    };
    for (const NodeId operand : node.operands) after(operand);
    if (node.predicate != kNoNode) after(node.predicate);
    const int own = timing_[i].cycles > 0 ? timing_[i].setup : timing_[i].delay;
    if (offset > 0 && offset + own > design_.target.budget()) {
      ++start;
      offset = 0;
    }
    if (start == start_[i] && offset == offset_[i]) return false;
    start_[i] = start;
    offset_[i] = offset;
    return true;
  }

  /// Moves accesses that meet at a port; false if there are none.
  bool separate(int interval) {
    bool is_changed = false;
    for (const auto& [port, contest] : ports_) {
      const auto start_of = [&](std::size_t i) -> int& {
        return start_[static_cast<std::size_t>(contest.accesses[i])];
      };
      for (std::size_t i = 0; i < contest.accesses.size(); ++i) {
        std::set<int> taken;
        for (const std::size_t rival : contest.rivals[i]) taken.insert(start_of(rival) % interval);
        while (taken.contains(start_of(i) % interval)) {
          ++start_of(i);
          is_changed = true;
        }
      }
    }
    return is_changed;
  }

  /// Cycles along data from one node to the start of another, or -1.
  [[nodiscard]] int longest_path(NodeId from, NodeId to) const {
    std::vector<int> length(graph_.nodes().size(), -1);
    length[static_cast<std::size_t>(from)] = 0;
    for (auto i = static_cast<std::size_t>(from) + 1; i <= static_cast<std::size_t>(to); ++i) {
      const auto follow = [&](NodeId operand) {
        const auto index = static_cast<std::size_t>(operand);
        if (length[index] < 0) return;
        length[i] = std::max(length[i], length[index] + timing_[index].cycles);
      };
      for (const NodeId operand : graph_.nodes()[i].operands) follow(operand);
      if (graph_.nodes()[i].predicate != kNoNode) follow(graph_.nodes()[i].predicate);
    }
    return length[static_cast<std::size_t>(to)];
  }

  const Graph& graph_;
  const Design& design_;
  bool pipelined_;
  int longest_ = 0;  ///< no schedule without ports is longer
  std::vector<Timing> timing_;
  std::map<Port, Contest> ports_;
  /// Accesses that push each other on for longer than that rarely come to rest at all.
  std::size_t most_rounds_ = 0;
  std::vector<int> start_;
  std::vector<int> offset_;  ///< picoseconds into the start's cycle
};

std::string first_line(const Stmt& stmt) {
  const std::string text = to_text(stmt);
  return text.substr(0, text.find('\n'));
}

Miss explain(const Leaf& leaf, int asked, const Solver& solver) {
  Miss miss{leaf.loops.back().name, asked, leaf.times.interval, "", ""};
  for (const auto& [port, contest] : solver.ports()) {
    if (contest.most <= asked) continue;
    miss.reason =
        fmt::format("an iteration {} {} {} times, and its memory allows one in a cycle",
                    port.second == Op::kRead ? "reads" : "writes", port.first, contest.most);
    miss.remedy = fmt::format(
        "partition {} so that these lie in different banks, stage it on chip, "
        "or keep what is used again in a scalar",
        port.first);
    return miss;
  }
  const auto [order, needed] = solver.critical();
  if (order != nullptr) {
    const Node& from = leaf.graph[order->from];
    const Node& to = leaf.graph[order->to];
    miss.reason = fmt::format("`{}` uses what `{}` made {} iteration{} before, {} cycles later",
                              first_line(to.statement), first_line(from.statement), order->distance,
                              order->distance == 1 ? "" : "s",
                              static_cast<std::int64_t>(needed) * order->distance);
    miss.remedy = fmt::format(
        "keep {} in a scalar, stage it on chip, or reorder the loops so that "
        "neighbouring iterations use different elements",
        from.name);
    return miss;
  }
  miss.reason = "accesses of several memories cannot all be placed";
  miss.remedy = "partition the arrays that are accessed most often";
  return miss;
}

}  // namespace

std::optional<Miss> schedule(Leaf& leaf, const Design& design) {
  Solver solver(leaf, design);
  leaf.times = solver.solve(leaf.asked.value_or(1));
  if (!leaf.asked || leaf.times.interval == *leaf.asked) return std::nullopt;
  return explain(leaf, *leaf.asked, solver);
}

}  // namespace heddle::kernel::rtl
