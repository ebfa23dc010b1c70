// The tensors of a TinyLLaVA checkpoint.
#pragma once

#include <string>

#include "model/tensor_table.h"
#include "model/tinyllava/config.h"

namespace heddle::tinyllava {

/// All of them, those included that no answer depends on: the tower's layers after the one whose
/// rows are taken, its last norm, and its pooling head.
TensorTable tensors_of(const Config& config);

// The full names of what a part of the model calls `name`: "post_layernorm.", "norm.weight", ...
std::string in_vision(std::string_view name);
std::string in_text(std::string_view name);
/// "...encoder.layers.3." and the like.
std::string vision_layer(std::int64_t layer);
std::string text_layer(std::int64_t layer);
/// The connector's i-th linear map.
std::string connector_layer(std::int64_t i);

}  // namespace heddle::tinyllava
