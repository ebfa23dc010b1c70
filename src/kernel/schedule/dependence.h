// Which pairs of statement instances must keep their order.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "kernel/schedule/accesses.h"

namespace heddle::kernel {

/// Two accesses of one element, at least one a write, whose order a transformation would change.
struct Dependence {
  Access source;  ///< first in the original order
  Access sink;
  std::vector<std::string> loops;      ///< those around both
  std::vector<std::int64_t> distance;  ///< sink minus source in each, of one example
  bool constant = false;               ///< every pair in question has this distance
  /// The counters of all loops around source and sink in that example.
  std::map<std::string, std::int64_t> source_iteration, sink_iteration;
  bool certain = true;  ///< false: could not be excluded (not affine, or isl's limit)
};

/// "read after write of A at distance (i: 1, j: -1): `A[i, j] = ...` reads what `...` wrote": kind,
/// array, distance (the example's iterations if no loop is around both), both statements, and
/// whether it is certain.
std::string to_string(const Dependence& dependence);

/// How reductions count: reordering may exchange the updates of an integer reduction, running them
/// at the same time may not.
enum class Reductions : std::uint8_t { kMayReorder, kKeepOrder };

/// A dependence between different iterations of the loop (a For of the kernel) within one iteration
/// of those around it, or none. Arrays declared inside the loop are private to an iteration.
std::optional<Dependence> carried_dependence(const Kernel& kernel, const Stmt& loop,
                                             Reductions reductions);

/// A dependence that running the nest `band` (each loop inside the one before, outermost first, as
/// it stands; only ifs in between) in the order `permuted` (its names) would reverse, or none.
std::optional<Dependence> reversed_by_permutation(const Kernel& kernel,
                                                  const std::vector<const For*>& band,
                                                  const std::vector<std::string>& permuted,
                                                  Reductions reductions = Reductions::kMayReorder);

/// A dependence that running the band at other times would reverse, or none: `time` gives, as terms
/// in lexicographic order, when the iteration with these counters runs.
using Time = std::function<std::vector<std::string>(Formula&, const Formula::Renaming&)>;
std::optional<Dependence> reversed_by(const Kernel& kernel, const std::vector<const For*>& band,
                                      const Time& time,
                                      Reductions reductions = Reductions::kMayReorder);

/// x before y in lexicographic order, for Formula::require_any.
std::vector<std::vector<Formula::Relation>> earlier(const std::vector<std::string>& x,
                                                    const std::vector<std::string>& y);

/// A dependence between an access in `first` and one in `second` (first stands before second in the
/// original order) for which `moved` can hold; `moved` adds to the formula when, in the new order,
/// the sink comes before the source. For fission, fusion, compute_at and the like.
using OrderChange =
    std::function<void(Formula&, const Access& source, const Formula::Renaming& source_names,
                       const Access& sink, const Formula::Renaming& sink_names)>;
std::optional<Dependence> violated(const std::vector<Access>& first,
                                   const std::vector<Access>& second, const OrderChange& moved,
                                   Reductions reductions = Reductions::kMayReorder);

}  // namespace heddle::kernel
