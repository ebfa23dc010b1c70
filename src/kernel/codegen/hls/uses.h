// Which names of its surroundings a statement uses: what a function made of it takes as parameters.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "kernel/ir.h"

namespace heddle::kernel::hls {

struct Uses {
  /// Arrays, streams, counters and scalar arguments, in the order of the text.
  std::vector<std::string> names;
  std::set<std::string> written;  ///< arrays among them

  [[nodiscard]] bool contains(const std::string& name) const;
};

/// Names that the statement declares itself are among them.
Uses uses_of(const Stmt& stmt);
/// Direction of the callee's parameter `position`.
Direction direction_of(const Kernel& callee, std::size_t position);

}  // namespace heddle::kernel::hls
