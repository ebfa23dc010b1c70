#include "model/smolvla/prefix.h"

#include <array>
#include <cmath>
#include <cstring>

namespace heddle::smolvla {
namespace {

Tensor ids_tensor(std::span<const std::int32_t> ids) {
  Tensor tensor(DType::kI32, {std::ssize(ids)});
  std::memcpy(tensor.bytes.data(), ids.data(), ids.size_bytes());
  return tensor;
}

/// The rows of each image between its special tokens. LeRobot masks a stand-in's image but not the
/// tokens around it, so those count.
std::vector<ValueId> surrounded(GraphContext& context, ValueId rows, const ImageTokens& tokens) {
  GraphBuilder& builder = context.builder;
  const std::array ids{static_cast<std::int32_t>(tokens.around),
                       static_cast<std::int32_t>(tokens.global)};
  const ValueId start = builder.add("prefix.image_start", Embedding{},
                                    {context.weight(in_text("embed_tokens.weight")),
                                     builder.constant("prefix.image_start_ids", ids_tensor(ids))});
  const ValueId end = builder.add("prefix.image_end", Slice{0, 0, 1}, {start});
  const std::int64_t per_image = context.config.backbone.image_tokens();
  std::vector<ValueId> parts;
  for (std::int64_t i = 0; i < context.camera_count(); ++i) {
    const std::string& camera = context.shape.cameras[static_cast<std::size_t>(i)];
    const ValueId image =
        builder.add("prefix.image." + camera, Slice{0, i * per_image, (i + 1) * per_image}, {rows});
    parts.insert(parts.end(), {start, image, end});
  }
  for (std::int64_t i = 0; i < context.config.stand_ins(context.camera_count()); ++i) {
    parts.insert(parts.end(), {start, end});
  }
  return parts;
}

}  // namespace

ValueId add_prefix(GraphContext& context, ValueId image_rows,
                   const std::optional<ImageTokens>& image_tokens) {
  GraphBuilder& builder = context.builder;
  const Config& config = context.config;
  const std::int64_t hidden = config.backbone.text.hidden;
  const Scale scale{std::sqrt(static_cast<double>(hidden))};
  builder.stage("prefix");
  const ValueId scaled = builder.add("prefix.images_scaled", scale, {image_rows});
  const std::int64_t image_count = context.camera_count() * config.backbone.image_tokens();
  const ValueId images = builder.add("prefix.images", Reshape{{image_count, hidden}}, {scaled});
  std::vector<ValueId> parts{images};
  if (image_tokens) parts = surrounded(context, images, *image_tokens);

  const ValueId ids = builder.input("token_ids", DType::kI32, {context.shape.language_tokens});
  const ValueId words = builder.add("prefix.words", Embedding{},
                                    {context.weight(in_text("embed_tokens.weight")), ids});
  parts.push_back(builder.add("prefix.language", scale, {words}));

  const ValueId state = builder.input("state", DType::kF32, {1, config.max_state_size});
  parts.push_back(context.linear("prefix.state", state, in_model("state_proj")));

  const ValueId prefix = builder.add("prefix.embed", Concat{0}, std::move(parts));
  builder.tap("prefix.embed", prefix);
  return prefix;
}

}  // namespace heddle::smolvla
