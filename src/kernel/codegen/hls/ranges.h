// What values index expressions take, so that counters and subscripts can be plain ints in C++.
#pragma once

#include <map>
#include <string>

#include "kernel/expr.h"

namespace heddle::kernel::hls {

/// low ... high, both included.
struct Range {
  Int128 low = 0;
  Int128 high = 0;

  [[nodiscard]] bool fits_int() const;
  [[nodiscard]] bool is_natural() const { return low >= 0; }
};

/// Every index.
Range any_index();
/// All values of a bool, integer or fixed-point type rounded down, at most any_index().
Range range_of(const Type& type);
/// A range that holds every value of an index expression, given those of its variables. Variables
/// that are not named take any value.
Range range_of(const Expr& e, const std::map<std::string, Range>& variables);

/// A subscript in memory words of `lanes` elements: subscript = word * lanes + lane.
struct Lanes {
  Expr word;
  Expr lane;
};
/// Takes the subscript apart term by term where the terms allow, as in 8 * e + l for l in 0..8, and
/// by division otherwise.
Lanes split_lanes(const Expr& subscript, std::int64_t lanes,
                  const std::map<std::string, Range>& variables);

}  // namespace heddle::kernel::hls
