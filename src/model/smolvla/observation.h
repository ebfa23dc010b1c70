// A request turned into the tensors that the Graph reads.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "model/policy.h"
#include "model/smolvla/config.h"
#include "model/smolvla/scaler.h"
#include "tensor/tensor.h"

namespace heddle::smolvla {

/// An image and the camera it is from.
struct CameraImage {
  const PolicyCamera* camera = nullptr;
  const Image* image = nullptr;
};

/// The images of a request in the order of the config's cameras. A camera may be called by its
/// short name, by its key, or by a name that `renamed` (keys or short names of keys) maps to its
/// key. Throws UserError for a camera that the policy does not have, one that is given twice, and
/// none at all. The pointers point into the arguments.
std::vector<CameraImage> match_cameras(const Config& config,
                                       const std::map<std::string, std::string>& renamed,
                                       const PolicyRequest& request);

/// F32 [cameras,3,side,side] in [-1,1]: each image resized into the square without distortion, its
/// left and upper rest -1.
Tensor image_tensor(const Config& config, const std::vector<CameraImage>& images, ImageRoute route);

/// F32 [1,max_state_size]: scaled, the rest 0. Throws UserError for a wrong number of numbers and
/// for numbers that are not finite.
Tensor state_tensor(const Config& config, const std::vector<float>& state, const Scaler& scaler);

/// F32 [chunk,max_action_size]: the request's, or standard normal numbers of its seed. Throws
/// UserError for another shape or dtype and for numbers that are not finite.
Tensor noise_tensor(const Config& config, const PolicyRequest& request);

/// F32 [chunk,action_size]: the first columns of raw actions [chunk,max_action_size], scaled.
Tensor action_tensor(const Config& config, const Tensor& raw, const Scaler& scaler);

}  // namespace heddle::smolvla
