// Scaling a vector between the robot's units and the model's, with LeRobot's float32 arithmetic.
#pragma once

#include <span>
#include <vector>

#include "model/smolvla/config.h"

namespace heddle::smolvla {

/// The statistics of one vector. `first` and `second` are mean and standard deviation for kMeanStd,
/// low and high end for kMinMax, kQuantiles and kQuantile10, and empty for kIdentity.
struct Scaler {
  Normalisation mode = Normalisation::kIdentity;
  std::vector<float> first;
  std::vector<float> second;
  float epsilon = 0;  ///< kept away from dividing by zero with

  /// In place, from the robot's units: (x - mean) / (deviation + epsilon), or low..high to -1..1.
  /// As many numbers as there are statistics.
  void to_model(std::span<float> values) const;
  /// In place, to the robot's units: x * deviation + mean, or -1..1 to low..high.
  void to_robot(std::span<float> values) const;

 private:
  [[nodiscard]] float range(std::size_t i) const;
};

}  // namespace heddle::smolvla
