#include "model/smolvla/time_embedding.h"

#include <cmath>
#include <numbers>

namespace heddle::smolvla {

Tensor time_embedding(const Config& config, std::int64_t steps) {
  const auto half = static_cast<std::size_t>(config.expert.hidden / 2);
  Tensor embedding(DType::kF32, {steps, config.expert.hidden});
  const std::span<float> out = embedding.floats();
  const double step = -1.0 / static_cast<double>(steps);
  for (std::size_t s = 0; s < static_cast<std::size_t>(steps); ++s) {
    const double time = static_cast<float>(1.0 + static_cast<double>(s) * step);
    for (std::size_t i = 0; i < half; ++i) {
      const double fraction =
          half > 1 ? static_cast<double>(i) / static_cast<double>(half - 1) : 0.0;
      const double period =
          config.min_period * std::pow(config.max_period / config.min_period, fraction);
      const double angle = time * (1.0 / period * 2 * std::numbers::pi);
      out[2 * half * s + i] = static_cast<float>(std::sin(angle));
      out[2 * half * s + half + i] = static_cast<float>(std::cos(angle));
    }
  }
  return embedding;
}

}  // namespace heddle::smolvla
