// A mapping in which all stages work side by side, each on a request of its own: how many DSPs each
// should get, and what comes out.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "cost/roofline.h"

namespace heddle::cost {

struct Pipeline {
  std::vector<std::int64_t> dsps;  ///< by stage; 0 for one without products
  std::int64_t depth = 0;          ///< stages with products
  double compute_seconds = 0;      ///< of the slowest stage
  double memory_seconds = 0;       ///< of all bytes, which share the memory
  double busy = 0;                 ///< share of the DSPs' cycles in which they make products
  /// From one request (or batch) to the next.
  [[nodiscard]] double interval() const { return std::max(compute_seconds, memory_seconds); }
  /// From a request's begin to its end: an interval in each stage.
  [[nodiscard]] double latency() const { return static_cast<double>(depth) * interval(); }
};

/// The whole numbers of DSPs that make the slowest stage as fast as can be. `stages` are bounds on
/// the whole board. None if there are fewer DSPs than stages with products, or no products.
std::optional<Pipeline> balanced(const std::vector<Bound>& stages, const Roof& roof);

}  // namespace heddle::cost
