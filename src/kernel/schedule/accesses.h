// Who touches which array element, and when: what legality checks start from.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kernel/ir.h"
#include "kernel/schedule/polyhedra.h"

namespace heddle::kernel {

/// One read or write of an array in the text of a kernel, with all that stands around it.
struct Access {
  std::string array;
  std::vector<Expr> indices;  ///< empty with `whole`
  bool whole = false;         ///< may touch any element
  bool write = false;
  bool stream = false;  ///< a put, a get, or a call that does either
  /// The load or store half of an `op=` whose order among others of the same op does not matter:
  /// integer += and *= that wrap or are exact, any min= and max= except on floats. A call whose
  /// callee does nothing else with that array counts too.
  std::optional<ReduceOp> reduction;
  Stmt statement;
  /// The loops around it, outermost first, and the conditions of the ifs (with whether they hold).
  std::vector<const For*> loops;
  struct Guard {
    Expr condition;
    bool holds = true;
  };
  std::vector<Guard> guards;
  /// What stands around the root: one iteration of these loops, in which these conditions hold.
  struct Surroundings {
    Stmt kernel_body;  ///< keeps `loops` alive
    std::vector<const For*> loops;
    std::vector<Guard> guards;
  };
  std::shared_ptr<const Surroundings> surroundings;
  /// What a call's window spans: loops (not of the kernel) over counters that `indices` mention.
  /// The callee may touch each of these elements, in any order.
  std::vector<Stmt> spans;
  /// Where it stands among its surroundings: position i is the index of the child taken at depth i
  /// of the statement tree; compares as text order.
  std::vector<int> position;
  Stmt root;  ///< keeps `loops` alive
};

/// All accesses inside `root`, a statement of the kernel or of one made from it, in the order of
/// the text; a Store's loads come before its write. The bounds and conditions around a statement
/// count as read by it. Streams appear as arrays that every put and get writes, so that their order
/// is kept. A call touches the windows of its arguments, by the callee's extents and the directions
/// of its parameters.
std::vector<Access> accesses(const Kernel& kernel, const Stmt& root);

/// Adds "this access is executed" to a formula, its loop counters renamed with `suffix`: bounds and
/// guards as far as they are affine. Returns the renaming. Counters of loops outside of the root
/// that accesses() was given keep their names: they mean one iteration throughout.
Formula::Renaming add_domain(Formula& formula, const Access& access, const std::string& suffix);
/// Adds the bounds and conditions of the access's surroundings, whose counters keep their names.
void add_surroundings(Formula& formula, const Access& access);
/// Adds "both touch the same element of the same array".
void add_same_element(Formula& formula, const Access& a, const Formula::Renaming& a_names,
                      const Access& b, const Formula::Renaming& b_names);

}  // namespace heddle::kernel
