// Sharing the rows of a tensor out to threads.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/threads.h"

namespace heddle {

/// Calls body(row) for every row, rows of `width` elements grouped into tasks.
template <typename Body>
void for_rows(ThreadPool& pool, std::int64_t rows, std::int64_t width, const Body& body) {
  // Enough that handing them out costs nothing.
  constexpr std::int64_t kElementsPerTask = 4096;
  const std::int64_t group = std::max<std::int64_t>(1, kElementsPerTask / width);
  const std::int64_t tasks = (rows + group - 1) / group;
  pool.parallel_for(static_cast<std::size_t>(tasks), [&](std::size_t task, int) {
    const std::int64_t first = static_cast<std::int64_t>(task) * group;
    for (std::int64_t row = first; row < std::min(rows, first + group); ++row) body(row);
  });
}

}  // namespace heddle
