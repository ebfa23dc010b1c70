// SmolVLA as a Graph.
#pragma once

#include <optional>

#include "model/graph.h"
#include "model/policy.h"
#include "model/smolvla/config.h"
#include "model/smolvla/prefix.h"
#include "model/smolvla/weights.h"

namespace heddle::smolvla {

/// The Graph of requests of `shape`. `weights` is the table of `config`; `image_tokens` must be
/// given exactly if the config asks for image_special_tokens. With `dead_code` the text model is
/// whole, as LeRobot runs it, though the actions need only keys and values of its last layer.
///
/// Inputs: "images" F32 [cameras,3,side,side] in [-1,1], "token_ids" I32 [language_tokens], "state"
/// F32 [1,max_state_size] normalised and padded with zeros, "noise" F32 [chunk,max_action_size].
/// Output: raw actions [chunk,max_action_size]. Stages: vision, connector, prefix, vlm, cross_kv,
/// denoise. Taps, with L rows of prefix: image.<camera>, vision.<camera>.patch_embed,
/// vision.<camera>.layer.<i>, vision.<camera>.post_norm, connector.<camera>, prefix.embed
/// [L,hidden], vlm.layer.<i>.k (rotated) and .v [L,kv_heads*head_size], expert.step.{}.velocity,
/// actions.raw.
Graph make_graph(const Config& config, const WeightTable& weights, const PolicyShape& shape,
                 const std::optional<ImageTokens>& image_tokens, bool dead_code = false);

}  // namespace heddle::smolvla
