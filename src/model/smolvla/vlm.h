// The text model's part of the Graph: from the prefix to the keys and values of every layer.
#pragma once

#include <vector>

#include "model/smolvla/graph_context.h"

namespace heddle::smolvla {

/// Stage "vlm" on prefix[L,hidden]. Returns the keys (after their rotary embedding) and values of
/// the layers up to the last that the expert reads. Of that one nothing else is computed, nor any
/// later layer or the final norm, unless `dead_code`: no action depends on them.
std::vector<KeyValue> add_vlm(GraphContext& context, ValueId prefix, bool dead_code);

}  // namespace heddle::smolvla
