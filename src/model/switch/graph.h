// A Switch Transformer as Graphs: what the decoder needs of a text, and one decoded token.
#pragma once

#include "model/graph.h"
#include "model/switch/config.h"
#include "model/tensor_table.h"

namespace heddle::switch_transformer {

/// Input: "token_ids" I32 [tokens], none of them padding. Outputs, of every layer of the decoder:
/// "decoder.layer.<i>.cross_k" and ".cross_v" [tokens,attention_size], which do not change from one
/// decoded token to the next. Stages: encoder, cross_kv.
Graph make_encode(const Config& config, const TensorTable& tensors, std::int64_t tokens);

/// One token that sees `context` decoded ones, itself included, and a text of `tokens`. Inputs:
/// "token_ids" I32 [1]; of every layer make_encode()'s outputs and, if context > 1,
/// "decoder.layer.<i>.past_k" and ".past_v" F32 [context-1,attention_size]. Outputs: "head.logits"
/// [1,vocabulary], and of every layer "decoder.layer.<i>.k" and ".v" [1,attention_size]. Stages:
/// decoder, head.
Graph make_decode(const Config& config, const TensorTable& tensors, std::int64_t tokens,
                  std::int64_t context);

}  // namespace heddle::switch_transformer
