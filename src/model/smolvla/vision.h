// The vision part of the Graph: from images to one row of the text model's width per image token.
#pragma once

#include "model/smolvla/graph_context.h"

namespace heddle::smolvla {

/// Stages "vision" and "connector" on images[cameras,channels,side,side], values in [-1,1]. The
/// cameras are the batch of one tower. Returns [cameras,image_tokens,text hidden], not yet scaled.
ValueId add_vision(GraphContext& context, ValueId images);

}  // namespace heddle::smolvla
