// Deliberately wrong primitives: what the differential test must catch.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "kernel/property/random_kernel.h"

namespace heddle::kernel {

struct Mutant {
  std::string name;
  /// The wrongly changed kernel, or none if there is nothing here to do wrong.
  std::function<std::optional<Kernel>(const Kernel&, Dice&)> change;
};

/// A permutation and a fission without their dependence checks, a split whose tail is one off, a
/// partition whose banks alias, a staged tile that is not written back.
const std::vector<Mutant>& mutants();

}  // namespace heddle::kernel
