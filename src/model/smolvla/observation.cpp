#include "model/smolvla/observation.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/random.h"
#include "base/text.h"
#include "model/image/normalise.h"
#include "model/image/resize_with_pad.h"
#include "model/image/squash.h"

namespace heddle::smolvla {
namespace {

std::string camera_list(const Config& config) {
  std::vector<std::string> names;
  names.reserve(config.cameras.size());
  for (const PolicyCamera& camera : config.cameras) names.push_back(shorten(camera.name));
  return fmt::format("{}", fmt::join(names, ", "));
}

/// The key that `name` stands for after renaming, or `name`.
std::string renamed_key(const std::map<std::string, std::string>& renamed,
                        const std::string& name) {
  for (const auto& [from, to] : renamed) {
    if (from == name || from.ends_with("." + name)) return to;
  }
  return name;
}

/// The index of the camera called `name`, or the number of cameras.
std::size_t camera_index(const Config& config, const std::map<std::string, std::string>& renamed,
                         const std::string& name) {
  const auto find = [&](const std::string& wanted) {
    const auto found = std::find_if(
        config.cameras.begin(), config.cameras.end(),
        [&](const PolicyCamera& camera) { return camera.name == wanted || camera.key == wanted; });
    return static_cast<std::size_t>(found - config.cameras.begin());
  };
  const std::size_t index = find(renamed_key(renamed, name));
  return index < config.cameras.size() ? index : find(name);
}

void require_finite(std::span<const float> values, std::string_view what) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i])) continue;
    throw UserError(fmt::format("number {} of the {} is {}", i, what, values[i]),
                    fmt::format("give a {} of finite numbers", what));
  }
}

/// One image as F32 [3,side,side].
Tensor prepare(const CameraImage& source, std::int64_t side, ImageRoute route) {
  const PolicyCamera& camera = *source.camera;
  Tensor planes = route == ImageRoute::kServer
                      ? to_unit_floats(squash_bilinear(*source.image, camera.width, camera.height))
                      : to_unit_floats(*source.image);
  planes = resize_with_pad(planes, static_cast<int>(side), static_cast<int>(side), 0);
  unit_to_signed(planes);
  return planes;
}

}  // namespace

std::vector<CameraImage> match_cameras(const Config& config,
                                       const std::map<std::string, std::string>& renamed,
                                       const PolicyRequest& request) {
  std::vector<CameraImage> slots(config.cameras.size());
  for (const auto& [name, image] : request.images) {
    const std::size_t index = camera_index(config, renamed, name);
    if (index == slots.size()) {
      throw UserError(fmt::format("the policy has no camera {}", quote(name)),
                      fmt::format("its cameras: {}", camera_list(config)));
    }
    if (slots[index].image != nullptr) {
      throw UserError(fmt::format("camera {} is given twice", quote(config.cameras[index].name)),
                      "give each camera one image");
    }
    slots[index] = {&config.cameras[index], &image};
  }
  std::erase_if(slots, [](const CameraImage& slot) { return slot.image == nullptr; });
  if (slots.empty()) {
    throw UserError("no camera image is given",
                    fmt::format("give at least one of {}", camera_list(config)));
  }
  return slots;
}

Tensor image_tensor(const Config& config, const std::vector<CameraImage>& images,
                    ImageRoute route) {
  const VisionConfig& vision = config.backbone.vision;
  Tensor tensor(DType::kF32, {std::ssize(images), vision.channels, vision.image, vision.image});
  auto out = tensor.bytes.begin();
  for (const CameraImage& image : images) {
    const Tensor planes = prepare(image, vision.image, route);
    out = std::copy(planes.bytes.begin(), planes.bytes.end(), out);
  }
  ensure(out == tensor.bytes.end(), "an image has not the size of the vision tower");
  return tensor;
}

Tensor state_tensor(const Config& config, const std::vector<float>& state, const Scaler& scaler) {
  if (std::ssize(state) != config.state_size) {
    throw UserError(fmt::format("the state has {} numbers, but the policy's has {}", state.size(),
                                config.state_size),
                    fmt::format("give {} numbers, as \"observation.state\" in {}",
                                config.state_size, config.where));
  }
  require_finite(state, "state");
  Tensor tensor(DType::kF32, {1, config.max_state_size});
  const auto values = tensor.floats().first(state.size());
  std::copy(state.begin(), state.end(), values.begin());
  scaler.to_model(values);
  return tensor;
}

Tensor noise_tensor(const Config& config, const PolicyRequest& request) {
  const Shape shape{config.chunk, config.max_action_size};
  if (!request.noise) {
    Tensor noise(DType::kF32, shape);
    const RandomStream stream(request.seed, "noise");
    const std::span<float> values = noise.floats();
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = static_cast<float>(stream.normal(i));
    }
    return noise;
  }
  if (request.noise->dtype != DType::kF32 || request.noise->shape != shape) {
    throw UserError(fmt::format("the noise is {} {}, but the policy needs F32 {}",
                                name_of(request.noise->dtype), to_string(request.noise->shape),
                                to_string(shape)),
                    "give noise of this shape, or a seed");
  }
  require_finite(request.noise->floats(), "noise");
  return *request.noise;
}

Tensor action_tensor(const Config& config, const Tensor& raw, const Scaler& scaler) {
  ensure(raw.shape == Shape({config.chunk, config.max_action_size}), "raw actions of shape {}",
         to_string(raw.shape));
  Tensor actions(DType::kF32, {config.chunk, config.action_size});
  const auto width = static_cast<std::size_t>(config.max_action_size);
  const auto kept = static_cast<std::size_t>(config.action_size);
  for (std::size_t row = 0; row < static_cast<std::size_t>(config.chunk); ++row) {
    const auto source = raw.floats().subspan(row * width, kept);
    const auto target = actions.floats().subspan(row * kept, kept);
    std::copy(source.begin(), source.end(), target.begin());
    scaler.to_robot(target);
  }
  return actions;
}

}  // namespace heddle::smolvla
