#include "model/smolvla/vision.h"

#include <fmt/format.h>

#include <cmath>

namespace heddle::smolvla {
namespace {

/// One tap per camera, of its row of `value`: `before`.<camera>`after`.
void tap_cameras(GraphContext& context, std::string_view before, std::string_view after,
                 ValueId value) {
  for (std::int64_t row = 0; row < context.camera_count(); ++row) {
    const std::string& camera = context.shape.cameras[static_cast<std::size_t>(row)];
    context.builder.tap(fmt::format("{}.{}{}", before, camera, after), value, row);
  }
}

ValueId add_attention(GraphContext& context, const std::string& name, ValueId x,
                      const std::string& prefix) {
  const VisionConfig& vision = context.config.backbone.vision;
  const ValueId query = context.linear(name + "q", x, prefix + "q_proj");
  const ValueId key = context.linear(name + "k", x, prefix + "k_proj");
  const ValueId value = context.linear(name + "v", x, prefix + "v_proj");
  const double scale = 1 / std::sqrt(static_cast<double>(vision.head_size()));
  const Attention attention{vision.heads, vision.heads,     vision.head_size(),
                            scale,        vision.patches(), std::nullopt};
  const ValueId attended = context.builder.add(name + "attention", attention, {query, key, value});
  return context.linear(name + "o", attended, prefix + "out_proj");
}

ValueId add_layer(GraphContext& context, std::int64_t i, ValueId x) {
  const VisionConfig& vision = context.config.backbone.vision;
  const std::string name = fmt::format("vision.layer.{}.", i);
  const std::string prefix = vision_layer(i);
  const ValueId norm1 =
      context.layer_norm(name + "norm1", x, prefix + "layer_norm1", vision.epsilon);
  const ValueId attended = add_attention(context, name, norm1, prefix + "self_attn.");
  const ValueId middle = context.add(name + "attention_residual", x, attended);
  const ValueId norm2 =
      context.layer_norm(name + "norm2", middle, prefix + "layer_norm2", vision.epsilon);
  const ValueId wide = context.linear(name + "fc1", norm2, prefix + "mlp.fc1");
  const ValueId active = context.builder.add(name + "activation", Map{vision.activation}, {wide});
  const ValueId narrow = context.linear(name + "fc2", active, prefix + "mlp.fc2");
  return context.add(name + "output", middle, narrow);
}

}  // namespace

ValueId add_vision(GraphContext& context, ValueId images) {
  const Backbone& backbone = context.config.backbone;
  context.builder.stage("vision");
  tap_cameras(context, "image", "", images);
  const ValueId patches =
      context.builder.add("vision.patches", Patchify{backbone.vision.patch}, {images});
  const ValueId embedded =
      context.linear("vision.patch_projection", patches, in_vision("embeddings.patch_embedding"));
  ValueId x = context.add("vision.patch_embed", embedded,
                          context.weight(in_vision("embeddings.position_embedding.weight")));
  tap_cameras(context, "vision", ".patch_embed", x);
  for (std::int64_t i = 0; i < backbone.vision.layers; ++i) {
    x = add_layer(context, i, x);
    tap_cameras(context, "vision", fmt::format(".layer.{}", i), x);
  }
  x = context.layer_norm("vision.post_norm", x, in_vision("post_layernorm"),
                         backbone.vision.epsilon);
  tap_cameras(context, "vision", ".post_norm", x);

  context.builder.stage("connector");
  x = context.builder.add("connector.shuffled", PixelShuffle{backbone.scale_factor}, {x});
  x = context.linear("connector.output", x, in_vlm("model.connector.modality_projection.proj"));
  tap_cameras(context, "connector", "", x);
  return x;
}

}  // namespace heddle::smolvla
