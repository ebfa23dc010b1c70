// Finding the place a primitive speaks of, and refusing a step with a message that teaches.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kernel/ir.h"

namespace heddle::kernel {

/// A statement with those around it, outermost (the kernel's body) first.
struct Place {
  Stmt statement;
  std::vector<Stmt> around;

  /// The loops among `around`, outermost first.
  [[nodiscard]] std::vector<const For*> loops() const;
};

/// The loop of that name. Throws UserError with the nearest names and all loops of the kernel.
Place find_loop(const Kernel& kernel, const std::string& name);
/// The array of that name, local or parameter. Throws UserError likewise.
const Array& require_array(const Kernel& kernel, const std::string& name);
/// The kernel with one statement (found by its address) exchanged for others (none: removed).
Kernel exchange(const Kernel& kernel, const Stmt& old, const std::vector<Stmt>& replacement);
/// The number of iterations, if the bounds' affine forms differ by a literal: never less often than
/// literal_trips(), which a loop has to satisfy to be unrolled.
std::optional<std::int64_t> trip_count(const For& loop);
/// The first line of a statement's text without indentation, in backticks.
std::string code(const Stmt& stmt);

/// A refused step, as the UserError of every primitive: "cannot STEP: REASON", the nest with each
/// mark's note behind its line, and the remedy.
struct Refusal {
  std::string step;    ///< "reorder k i"
  std::string reason;  ///< one sentence, with the dependence if one forbids it
  struct Mark {
    Stmt statement;
    std::string note;  ///< "<-- written here"
  };
  std::vector<Mark> marks;
  std::string remedy;  ///< what would be legal here
};
[[noreturn]] void refuse(const Kernel& kernel, const Refusal& refusal);

}  // namespace heddle::kernel
