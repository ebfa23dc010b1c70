// A leaf as SystemVerilog: its loop counters, its operators, and the registers between them.
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
  std::string wanted;  ///< happens in this cycle, if nothing stalls
  std::string index;
  int index_width = 1;
  std::string data;         ///< of a write, in the width of a global element or of the array's
  std::string data_wanted;  ///< of a global read: its data is taken in this cycle
  bool waits = false;       ///< of a global read: for all writes before it
};

/// Writes leaves; each signal's name starts with the leaf's number, as in l0_valid.
class PipelineText {
 public:
  PipelineText(const Leaf& leaf, const Design& design);

  /// The leaf's lines. `go` is an expression; `l<n>_done` is declared here.
  std::string write(const std::string& go);
  [[nodiscard]] const std::vector<Site>& sites() const { return sites_; }

 private:
  void control(const std::string& go);
  void counter(const Loop& loop, const std::string& advances, const std::string& wraps);
  void operation(NodeId id);
  void read(NodeId id);
  void write_site(NodeId id);
  void delays();
  [[nodiscard]] std::string expression(NodeId id);
  [[nodiscard]] std::string compare(NodeId id);
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

  const Leaf& leaf_;
  const Design& design_;
  std::string prefix_;
  Text text_;
  Text declarations_;  ///< of registers that operators before them use
  std::vector<Site> sites_;
  std::map<NodeId, std::set<int>> taps_;  ///< cycles after a value is there at which it is used
  int last_valid_ = 0;                    ///< the last cycle at which an iteration's place matters
};

/// "reg_i_first" for a bound in a register, else its literal, in so many bits.
std::string bound_text(const Bound& bound, int width);
/// Bits of a loop's counter, its upper bound included.
int counter_width(const Loop& loop);

}  // namespace heddle::kernel::rtl
