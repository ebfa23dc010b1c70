#include "model/vision_tower.h"

#include <cmath>

#include "base/error.h"
#include "model/config_values.h"

namespace heddle {
namespace {

constexpr std::int64_t kMaxPatches = 1 << 16;

ValueId add_attention(Layers& layers, const VisionConfig& vision, const std::string& name,
                      ValueId x, const std::string& prefix) {
  const ValueId query = layers.linear(name + "q", x, prefix + "q_proj");
  const ValueId key = layers.linear(name + "k", x, prefix + "k_proj");
  const ValueId value = layers.linear(name + "v", x, prefix + "v_proj");
  const double scale = 1 / std::sqrt(static_cast<double>(vision.head_size()));
  const Attention attention{vision.heads, vision.heads,     vision.head_size(),
                            scale,        vision.patches(), std::nullopt};
  const ValueId attended = layers.builder.add(name + "attention", attention, {query, key, value});
  return layers.linear(name + "o", attended, prefix + "out_proj");
}

}  // namespace

VisionConfig read_vision(const JsonObject& object) {
  VisionConfig vision;
  vision.hidden = read_extent(object, "hidden_size");
  vision.intermediate = read_extent(object, "intermediate_size");
  vision.layers = read_within(object, "num_hidden_layers", 1, kMaxLayers);
  vision.heads = read_extent(object, "num_attention_heads");
  vision.channels = read_within(object, "num_channels", 3, 3);
  vision.image = read_extent(object, "image_size");
  vision.patch = read_within(object, "patch_size", 1, vision.image);
  vision.activation = read_activation(object, "hidden_act");
  vision.epsilon = read_positive(object, "layer_norm_eps");
  require_multiple(object, "hidden_size", vision.hidden, "num_attention_heads", vision.heads);
  if (vision.patches() > kMaxPatches) {
    throw UserError(
        fmt::format("{}: \"image_size\" {} and \"patch_size\" {} make {} patches, more "
                    "than {}",
                    object.where(), vision.image, vision.patch, vision.patches(), kMaxPatches),
        "set both to the values the checkpoint was trained with");
  }
  return vision;
}

ValueId add_patch_embedding(Layers& layers, const VisionConfig& vision, ValueId images,
                            const std::string& prefix) {
  GraphBuilder& builder = layers.builder;
  const std::int64_t used = vision.grid() * vision.patch;
  if (used < vision.image) {
    const ValueId rows = builder.add("vision.image_rows", Slice{2, 0, used}, {images});
    images = builder.add("vision.image_used", Slice{3, 0, used}, {rows});
  }
  const ValueId patches = builder.add("vision.patches", Patchify{vision.patch}, {images});
  const ValueId embedded =
      layers.linear("vision.patch_projection", patches, prefix + "patch_embedding");
  return layers.add("vision.patch_embed", embedded,
                    layers.weight(prefix + "position_embedding.weight"));
}

ValueId add_vision_layer(Layers& layers, const VisionConfig& vision, const std::string& name,
                         ValueId x, const std::string& prefix) {
  const ValueId norm1 =
      layers.layer_norm(name + "norm1", x, prefix + "layer_norm1", vision.epsilon);
  const ValueId attended = add_attention(layers, vision, name, norm1, prefix + "self_attn.");
  const ValueId middle = layers.add(name + "attention_residual", x, attended);
  const ValueId norm2 =
      layers.layer_norm(name + "norm2", middle, prefix + "layer_norm2", vision.epsilon);
  const ValueId wide = layers.linear(name + "fc1", norm2, prefix + "mlp.fc1");
  const ValueId active = layers.builder.add(name + "activation", Map{vision.activation}, {wide});
  const ValueId narrow = layers.linear(name + "fc2", active, prefix + "mlp.fc2");
  return layers.add(name + "output", middle, narrow);
}

}  // namespace heddle
