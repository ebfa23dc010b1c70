// TinyLLaVA as Graphs: a prompt to its first answer token, and one token more.
#pragma once

#include <vector>

#include "model/graph.h"
#include "model/tensor_table.h"
#include "model/tinyllava/config.h"

namespace heddle::tinyllava {

/// What the Graph of a prompt depends on.
struct PromptShape {
  /// Text tokens before, between and after the pictures, one number more than there are pictures;
  /// each may be 0.
  std::vector<std::int64_t> text;

  [[nodiscard]] std::int64_t pictures() const { return std::ssize(text) - 1; }
};

// In both Graphs, with N rows so far, the present ones included: outputs "head.logits"
// [1,vocabulary] of the last row, and of every layer "language.layer.<i>.k" (rotated) and ".v" [new
// rows,kv_size]. The stages "language" and "head" are in both. All rows run through all layers,
// though of the last layer only keys and values are needed of any row but the last.

/// Inputs: "images" F32 [pictures,3,side,side] in [-1,1] if there are pictures, "token_ids" I32
/// [all text tokens]. Stages before "language": vision, connector. With `dead_code` also the rest
/// of the vision tower but for its pooling head, and the logits of all rows.
Graph make_prefill(const Config& config, const TensorTable& tensors, const PromptShape& shape,
                   bool dead_code = false);

/// One token that sees `context` rows, itself included. Inputs: "token_ids" I32 [1], and if
/// context > 1 of every layer "language.layer.<i>.past_k" and ".past_v" F32 [context-1,kv_size].
Graph make_decode(const Config& config, const TensorTable& tensors, std::int64_t context);

}  // namespace heddle::tinyllava
