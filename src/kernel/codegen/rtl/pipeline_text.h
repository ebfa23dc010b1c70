// A leaf as SystemVerilog: its loop counters, its operators, and the registers between them.
//
// A value that varies along lanes is one flat vector, the lanes of the outermost loop in the
// highest bits but lane 0 lowest; what makes it stands in `generate` loops over its lanes.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "kernel/codegen/rtl/design.h"
#include "kernel/codegen/rtl/verilog.h"

namespace heddle::kernel::rtl {

/// An access of a leaf, as the memory behind it sees it. All are expressions in its module.
struct Site {
  std::string array;
  bool is_write = false;
  std::string wanted;   ///< happens in this cycle, if nothing stalls
  std::string at;       ///< a vector: to which units; empty for all of them
  std::string address;  ///< of all units, or a vector with one for each
  int address_width = 1;
  bool has_addresses = false;  ///< one for each unit
  std::string data;            ///< of a write: all banks, each in the width of its element
  std::string data_wanted;     ///< of a global read: its data is taken in this cycle
  bool waits = false;          ///< of a global read: for all writes before it
};

/// Writes leaves; each signal's name starts with the leaf's number, as in l0_valid.
class PipelineText {
 public:
  PipelineText(const Leaf& leaf, const Design& design);

  /// The leaf's lines. `go` is an expression; `l<n>_done` is declared here.
  std::string write(const std::string& go);
  [[nodiscard]] const std::vector<Site>& sites() const { return sites_; }

 private:
  /// What stands for the number of a lane along some loops, instead of its name.
  using Numbers = std::map<std::size_t, std::string>;

  void control(const std::string& go);
  void counter(const Loop& loop, const std::string& advances, const std::string& wraps);
  void operation(NodeId id);
  /// The wire of a node's value, of all its lanes.
  void declare(NodeId id, const std::string& kind = "wire");
  void unit(NodeId id);
  void floating(NodeId id);
  void total(NodeId id);
  void dot(NodeId id);
  void read(NodeId id);
  void access(NodeId id);
  void data(Site& site, NodeId id, int width);
  void place_units(Site& site, NodeId id, int cycle);
  void delays();
  [[nodiscard]] std::string expression(NodeId id);
  [[nodiscard]] std::string compare(NodeId id);

  /// Lines inside of loops over lanes. Consecutive ones over the same lanes share the loops; lines
  /// outside of all loops come before them.
  void line(LaneSet lanes, const std::string& text);
  void close_lanes();
  /// Lines inside of loops over lanes; that of lane loop `pair` takes two lanes at a time.
  void write_in_lanes(LaneSet lanes, const std::vector<std::string>& lines, std::size_t pair);
  static constexpr std::size_t kNoPair = kMostLaneLoops;
  /// "l0_x12[(g_i * 8 + g_j) * 16 +: 16]" for a value in a lane.
  [[nodiscard]] std::string part(const std::string& vector, LaneSet lanes, int width,
                                 const Numbers& numbers = {}) const;
  [[nodiscard]] std::string lane_index(LaneSet lanes, const Numbers& numbers = {}) const;
  /// A fixed node as a number of 32 bits.
  [[nodiscard]] std::string number(NodeId id, const Numbers& numbers = {}) const;
  /// A bank that a lane may choose; all are expressions.
  struct Choice {
    std::string bank;
    std::string number;  ///< among the choices
    std::string chosen;  ///< whether it is the one; empty: always
  };
  /// Lines for each bank that a lane may choose: `write` makes them of a Choice.
  template <typename Write>
  void for_choices(const Node& node, const std::string& bank, const std::string& choice,
                   LaneSet lanes, const Write& write);
  /// Zeros for what is not covered, `width` bits each.
  void zeros(const std::string& vector, const std::set<std::int64_t>& covered, std::int64_t count,
             std::int64_t width);
  /// A vector of an operand's lanes: those of `rest` outside, those of `over` inside.
  std::string gathered(NodeId user, std::size_t position, LaneSet over, int width);

  /// A node's value at a cycle, in its own width or another.
  std::string at(NodeId id, int cycle);
  std::string at(NodeId id, int cycle, int width);
  std::string operand(NodeId user, std::size_t position);
  std::string operand(NodeId user, std::size_t position, int width);
  /// Whether an iteration is at that cycle, and the access's predicate holds there.
  std::string happens(const Node& node, int cycle);
  [[nodiscard]] std::string name(const std::string& part) const { return prefix_ + part; }
  [[nodiscard]] std::string node_name(NodeId id) const;
  [[nodiscard]] int ready(NodeId id) const {
    return leaf_.times.ready[static_cast<std::size_t>(id)];
  }
  [[nodiscard]] int start(NodeId id) const {
    return leaf_.times.start[static_cast<std::size_t>(id)];
  }
  [[nodiscard]] const Graph& graph() const { return leaf_.graph; }

  const Leaf& leaf_;
  const Design& design_;
  std::string prefix_;
  Text text_;
  Declarations
      declarations_;  ///< of registers that operators before them use, and of vectors of lanes
  std::vector<std::string> in_lanes_;  ///< lines that wait for their loops
  LaneSet open_ = 0;                   ///< the lanes of these
  int blocks_ = 0;
  std::vector<Site> sites_;
  std::map<NodeId, std::set<int>> taps_;  ///< cycles after a value is there at which it is used
  int last_valid_ = 0;                    ///< the last cycle at which an iteration's place matters
};

/// "reg_i_first" for a bound in a register, else its literal, in so many bits.
std::string bound_text(const Bound& bound, int width);
/// Bits of a loop's counter, its upper bound included.
int counter_width(const Loop& loop);

}  // namespace heddle::kernel::rtl
