// A kernel as one piece: calls as the bodies of their callees, unrolled loops as lanes or as
// copies.
#pragma once

#include <set>
#include <string>

#include "kernel/ir.h"

namespace heddle::kernel::rtl {

struct Expanded {
  /// Without calls. A loop that is marked unroll stands for lanes side by side: its trip count is a
  /// literal, its body straight, and no iteration depends on another but through reductions.
  Kernel kernel;
  /// Loops over the terms of a sum of products that a packed_dot instruction makes.
  std::set<std::string> dots;
};

/// Unrolled loops, and loops inside of pipelined ones, become lanes where they can, else copies.
/// Throws UserError if that makes too many statements.
Expanded expand(const Kernel& kernel);

/// The loop's body once for each of its iterations; names of loops in a copy are made different,
/// and what `dots` says of them is kept.
Stmt copies_of(const For& loop, std::set<std::string>& taken, std::set<std::string>& dots);

/// Whether the statement holds no loop but lanes, and nothing that takes a process of its own.
bool is_straight(const Stmt& stmt);

}  // namespace heddle::kernel::rtl
