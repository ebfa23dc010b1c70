// The action expert's part of the Graph: from noise to actions, in Euler steps of a learned flow.
#pragma once

#include <vector>

#include "model/smolvla/graph_context.h"

namespace heddle::smolvla {

/// Stages "cross_kv" and "denoise". `cache` holds the text model's keys and values by layer.
/// Returns the raw actions [chunk,max_action_size]: x after the last step, where x starts as the
/// input "noise" and moves by -1/steps times the velocity that the expert sees at x.
ValueId add_expert(GraphContext& context, const std::vector<KeyValue>& cache);

}  // namespace heddle::smolvla
