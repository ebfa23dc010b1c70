// The tensors of a Switch Transformer's checkpoint.
#pragma once

#include <string>

#include "model/switch/config.h"
#include "model/tensor_table.h"

namespace heddle::switch_transformer {

/// All of them. Both embeddings of the stacks are copies of "shared.weight", and so is the language
/// head if it is tied.
TensorTable tensors_of(const Config& config);

/// "encoder.block.3.layer.1." and the like: the part-th residual branch of a layer.
std::string branch(const StackConfig& stack, std::int64_t layer, std::int64_t part);
/// The branch that is the feed-forward: the last, after self-attention and the decoder's
/// cross-attention.
std::int64_t feed_forward_part(const StackConfig& stack);
/// "...mlp.experts.expert_5." of the branch `prefix`.
std::string expert(const std::string& prefix, std::int64_t number);
/// The table of the relative position bias, which stands in the first layer and serves all.
std::string bias_table(const StackConfig& stack);

}  // namespace heddle::switch_transformer
