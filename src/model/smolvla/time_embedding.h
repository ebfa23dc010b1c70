// The time of each denoising step as the model reads it.
#pragma once

#include "model/smolvla/config.h"
#include "tensor/tensor.h"

namespace heddle::smolvla {

/// F32 [steps,expert hidden]: row s is sin(t w_i) for all i, then cos(t w_i), where t = 1 - s/steps
/// and w_i = 2 pi / period_i with periods from min_period to max_period in geometric steps.
/// Computed in float64 from t rounded to float32, as create_sinusoidal_pos_embedding in LeRobot.
Tensor time_embedding(const Config& config, std::int64_t steps);

}  // namespace heddle::smolvla
