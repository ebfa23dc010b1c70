#include "model/smolvla/scaler.h"

#include "base/error.h"

namespace heddle::smolvla {

float Scaler::range(std::size_t i) const {
  const float range = second[i] - first[i];
  return range == 0 ? epsilon : range;
}

void Scaler::to_model(std::span<float> values) const {
  if (mode == Normalisation::kIdentity) return;
  ensure(values.size() == first.size(), "{} numbers to scale, statistics of {}", values.size(),
         first.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const float offset = values[i] - first[i];
    values[i] = mode == Normalisation::kMeanStd ? offset / (second[i] + epsilon)
                                                : 2 * offset / range(i) - 1;
  }
}

void Scaler::to_robot(std::span<float> values) const {
  if (mode == Normalisation::kIdentity) return;
  ensure(values.size() == first.size(), "{} numbers to scale, statistics of {}", values.size(),
         first.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = mode == Normalisation::kMeanStd ? values[i] * second[i] + first[i]
                                                : (values[i] + 1) / 2 * range(i) + first[i];
  }
}

}  // namespace heddle::smolvla
