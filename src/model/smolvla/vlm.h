// The text model's part of the Graph: from the prefix to the keys and values of every layer.
#pragma once

#include <vector>

#include "model/smolvla/graph_context.h"

namespace heddle::smolvla {

/// Stage "vlm" on prefix[L,hidden]. Returns the keys (after their rotary embedding) and values of
/// the layers up to the last that the expert reads. Of that one nothing else is computed, nor the
/// final norm or the language head: no action depends on them.
std::vector<KeyValue> add_vlm(GraphContext& context, ValueId prefix);

}  // namespace heddle::smolvla
