#include "model/smolvla/vision.h"

#include <fmt/format.h>

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

}  // namespace

ValueId add_vision(GraphContext& context, ValueId images) {
  const Backbone& backbone = context.config.backbone;
  context.builder.stage("vision");
  tap_cameras(context, "image", "", images);
  ValueId x = add_patch_embedding(context, backbone.vision, images, in_vision("embeddings."));
  tap_cameras(context, "vision", ".patch_embed", x);
  for (std::int64_t i = 0; i < backbone.vision.layers; ++i) {
    x = add_vision_layer(context, backbone.vision, fmt::format("vision.layer.{}.", i), x,
                         vision_layer(i));
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
