#include "model/smolvla/graph.h"

#include "base/error.h"
#include "model/smolvla/expert.h"
#include "model/smolvla/graph_context.h"
#include "model/smolvla/vision.h"
#include "model/smolvla/vlm.h"

namespace heddle::smolvla {

Graph make_graph(const Config& config, const WeightTable& weights, const PolicyShape& shape,
                 const std::optional<ImageTokens>& image_tokens, bool dead_code) {
  ensure(!shape.cameras.empty() && shape.language_tokens > 0 && shape.steps > 0,
         "a policy's Graph needs a camera, a token and a step");
  ensure(image_tokens.has_value() == config.image_special_tokens,
         "image tokens do not agree with add_image_special_tokens");
  GraphContext context(config, shape, weights);
  const VisionConfig& vision = config.backbone.vision;
  const ValueId images = context.builder.input(
      "images", DType::kF32, {context.camera_count(), vision.channels, vision.image, vision.image});
  const ValueId image_rows = add_vision(context, images);
  const ValueId prefix = add_prefix(context, image_rows, image_tokens);
  const std::vector<KeyValue> cache = add_vlm(context, prefix, dead_code);
  const ValueId actions = add_expert(context, cache);
  context.builder.output(actions);
  return context.builder.finish();
}

}  // namespace heddle::smolvla
