// Vision transformers of SigLIP's form: pre-norm layers over square patches of square pictures.
#pragma once

#include <cstdint>
#include <string>

#include "base/json.h"
#include "model/layers.h"
#include "model/operators.h"

namespace heddle {

struct VisionConfig {
  std::int64_t hidden = 0;
  std::int64_t intermediate = 0;
  std::int64_t layers = 0;
  std::int64_t heads = 0;
  std::int64_t channels = 0;
  std::int64_t image = 0;  ///< pixels per side
  std::int64_t patch = 0;  ///< pixels per side
  Function activation{};
  double epsilon = 0;

  [[nodiscard]] std::int64_t head_size() const { return hidden / heads; }
  /// Patches per side; pixels that fill none are left out, at the right and at the bottom.
  [[nodiscard]] std::int64_t grid() const { return image / patch; }
  [[nodiscard]] std::int64_t patches() const { return grid() * grid(); }
};

/// From a "vision_config" with all its keys. Throws UserError.
VisionConfig read_vision(const JsonObject& object);

/// images[B,channels,image,image] -> [B,patches,hidden], with positions: values "vision.patches",
/// "vision.patch_projection", "vision.patch_embed"; weights `prefix`patch_embedding and
/// `prefix`position_embedding.
ValueId add_patch_embedding(Layers& layers, const VisionConfig& vision, ValueId images,
                            const std::string& prefix);

/// One layer on x[B,patches,hidden]. `name`, of values, and `prefix`, of weights, end in '.'.
ValueId add_vision_layer(Layers& layers, const VisionConfig& vision, const std::string& name,
                         ValueId x, const std::string& prefix);

}  // namespace heddle
