// The prefix of the Graph: what the text model reads, one row per token.
#pragma once

#include <optional>

#include "model/smolvla/graph_context.h"

namespace heddle::smolvla {

/// The tokens that "add_image_special_tokens" puts around every image, by their ids.
struct ImageTokens {
  std::int64_t around = 0;  ///< "<fake_token_around_image>"
  std::int64_t global = 0;  ///< "<global-img>"
};

/// Stage "prefix": joins image_rows[cameras,image_tokens,hidden], the language and the state to
/// [L,hidden]. Only tokens that have an influence are there: LeRobot pads the language and stands
/// black images in for absent cameras, but masks both everywhere and does not count them in
/// positions, so leaving them out gives the same result.
ValueId add_prefix(GraphContext& context, ValueId image_rows,
                   const std::optional<ImageTokens>& image_tokens);

}  // namespace heddle::smolvla
