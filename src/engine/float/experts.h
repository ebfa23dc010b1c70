// Which expert each row of an Experts operator goes to, and the rows of each expert side by side.
#pragma once

#include <cstdint>
#include <vector>

#include "base/threads.h"

namespace heddle {

struct Routing {
  std::vector<std::int64_t> rows;  ///< all rows, sorted by expert and then by number
  std::vector<float> shares;       ///< of each of `rows`, the router's probability of its expert
  /// Expert e's rows are rows[first[e]] ... rows[first[e+1] - 1].
  std::vector<std::int64_t> first;
};

/// x[rows,depth] and router[experts,depth]. The result does not depend on the number of threads.
Routing route(const float* x, std::int64_t rows, std::int64_t depth, const float* router,
              std::int64_t experts, ThreadPool& pool);

}  // namespace heddle
