#include "base/random.h"

#include <cmath>
#include <numbers>

namespace heddle {

double RandomStream::normal(std::uint64_t index) const {
  // 1 - uniform lies in (0, 1], where the logarithm is finite.
  const double radius = std::sqrt(-2 * std::log(1 - uniform(2 * index)));
  return radius * std::cos(2 * std::numbers::pi * uniform(2 * index + 1));
}

}  // namespace heddle
