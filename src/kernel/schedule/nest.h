// What the loop primitives share: perfect nests, bounds that stay, marks that still hold.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "kernel/schedule/affine.h"
#include "kernel/schedule/dependence.h"
#include "kernel/schedule/place.h"

namespace heddle::kernel {

/// Loops each of which holds nothing but the next, or nothing but ifs (without else) around it.
struct Band {
  std::vector<Stmt> loops;  ///< outermost first
  struct Guard {
    Expr condition;
    std::size_t depth = 0;  ///< how many of the loops stand around it
  };
  std::vector<Guard> guards;  ///< outermost first
  Stmt body;                  ///< of the innermost loop, behind the guards there

  [[nodiscard]] const For& loop(std::size_t depth) const { return *as<For>(loops[depth]); }
  [[nodiscard]] std::vector<const For*> nodes() const;
  [[nodiscard]] std::vector<std::string> names() const;
  [[nodiscard]] bool holds(const std::string& name) const;
  /// Of a loop that it holds.
  [[nodiscard]] std::size_t depth_of(const std::string& name) const;
};
/// The band from a loop inward, as far as it goes.
Band band_from(const Stmt& outermost);

/// The values of the counters around a place, as far as the bounds tell.
Ranges ranges_around(const Place& place);

/// The arrays that a statement writes, and the arrays that one kernel's statement reads in bounds.
std::set<std::string> written_arrays(const Stmt& stmt);
/// An array that a loop's bounds load and `body` writes: then the bounds mean something else when
/// they are evaluated once more.
std::optional<std::string> changed_bound(const For& loop, const Stmt& body);

/// Why a pipeline mark would not stand on the loop: nonliteral trip counts or another pipelined
/// loop inside.
std::optional<std::string> pipeline_obstacle(const For& loop);
/// Refuses the step if a mark on one of the loops `names` of the changed kernel does not hold there
/// (pipeline: see verify(); parallel: the iterations are independent). The message shows `before`,
/// with a note on loop `shown`.
void check_marks(const Kernel& before, const std::string& step, const Stmt& shown,
                 const Kernel& after, const std::vector<std::string>& names);

/// A refusal for a dependence: the reason names it, both statements are marked.
Refusal dependence_refusal(const std::string& step, const std::string& reason,
                           const Dependence& dependence, std::string remedy);

}  // namespace heddle::kernel
