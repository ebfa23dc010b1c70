// Between which ends an index expression lies: decides where plain / and % do.
#pragma once

#include <map>
#include <string>

#include "kernel/expr.h"

namespace heddle::kernel::native {

/// Both ends included; an end beyond 64 bits means that nothing is known of it.
struct Range {
  Int128 low = -(Int128{1} << 100);
  Int128 high = Int128{1} << 100;
};

/// The values that an index or integer expression takes in a run without fault, given those of
/// variables (others may have any value of their type).
Range range_of(const Expr& e, const std::map<std::string, Range>& variables);

}  // namespace heddle::kernel::native
