// One iteration of a pipeline: straight-line statements as a graph.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "kernel/codegen/rtl/design.h"
#include "kernel/schedule/accesses.h"
#include "kernel/schedule/affine.h"

namespace heddle::kernel::rtl {

/// What stands around the statements.
struct Context {
  const Design* design = nullptr;
  const std::set<std::string>* dots = nullptr;  ///< see Expanded
  std::vector<const For*> nest;                 ///< the loops that the pipeline flattens
  std::shared_ptr<const Access::Surroundings> surroundings;
  std::map<std::string, Range> ranges;  ///< of all counters
  /// Puts and gets happen one after the other, as in the text (rings.h).
  bool in_ring = false;
};

/// A loop whose iterations cannot be lanes side by side, and why.
struct NotSideBySide {
  std::string loop;
  std::string reason;
};

/// Fills in the leaf's graph, its orders and waits. Registers of which an iteration touches one
/// element (in each lane) are values within it, read where it begins and written where it ends.
/// Returns a loop that has to be copied out, if there is one; the leaf is of no use then.
std::optional<NotSideBySide> build_iteration(Leaf& leaf, const std::vector<Stmt>& statements,
                                             const Context& context);

/// In how many iterations at the least, up to `limit`, `sink` touches what `source` touched: from
/// 1, or 0 for the same iteration; nothing if it never does within the limit. Trip counts of inner
/// loops that are not literal count as 1.
std::optional<std::int64_t> nearest_conflict(const Access& source, const Access& sink,
                                             const std::vector<const For*>& nest,
                                             std::int64_t limit);
/// Whether both touch one element in the same iteration.
bool conflict_within(const Access& source, const Access& sink, const std::vector<const For*>& nest);

}  // namespace heddle::kernel::rtl
