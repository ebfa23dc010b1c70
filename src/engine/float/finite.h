// Refuses weights that are not numbers.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/error.h"

namespace heddle {

/// Throws UserError, naming the weight and the element, unless all values are finite. `first` is
/// the number of values[0] within the weight.
inline void require_finite(std::string_view name, std::span<const float> values,
                           std::int64_t first) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) {
      throw UserError(fmt::format("weight {} holds {} at element {}", name, values[i],
                                  first + static_cast<std::int64_t>(i)),
                      "the checkpoint is damaged or its training diverged: use another one");
    }
  }
}

}  // namespace heddle
