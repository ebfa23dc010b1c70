// Attention: rotary position embedding, multi-head attention, and the layer around it.
#pragma once

#include "kernel/library/common.h"

namespace heddle::kernel {

struct RopeShape {
  std::int64_t tokens = 1;
  std::int64_t heads = 1;
  std::int64_t head_dim = 2;
  std::int64_t rotary_dim = 2;  ///< even, at most head_dim
  Number number = Number::kFloat32;
};
/// x[tokens, heads * head_dim], cosine and sine[tokens, rotary_dim / 2] -> y: within each head,
/// elements i and i + rotary_dim / 2 turn by the angle of (token, i); those from rotary_dim on stay
/// (Su et al. 2021, half-split form). int8: cosine and sine are fixed<16,2>; the exact result is
/// rounded to the nearest (ties to even) and saturated. Throws UserError for a rotary_dim that does
/// not fit.
KernelPtr rope(const RopeShape& shape, const std::string& name = "rope");

struct AttentionShape {
  std::int64_t tokens = 1;
  std::int64_t keys = 1;
  std::int64_t heads = 1;
  std::int64_t kv_heads = 1;  ///< divides heads: query head h reads key head h / (heads / kv_heads)
  std::int64_t head_dim = 1;
  Mask mask = Mask::kNone;
  Number number = Number::kFloat32;

  [[nodiscard]] std::int64_t width() const { return heads * head_dim; }
  [[nodiscard]] std::int64_t kv_width() const { return kv_heads * head_dim; }
};
/// q[tokens, heads * head_dim], keys and values[keys, kv_heads * head_dim], (offset) -> y[tokens,
/// heads * head_dim] = softmax(scale q k^T) v for each head. Self- and cross-attention differ in
/// their arguments only; under kCausal query i sees keys 0 ... offset + i, none of them giving 0.
///
/// float32: scale is a scalar argument. int8: scores are exact, score_multiplier and score_shift
/// are those of the int8 softmax, and with its weights w: a = sum w v (exact), mean = floor(a *
/// floor(2^38 / total) / 2^22), which has 16 fraction bits, and y = requantise(mean,
/// context_multiplier, context_shift).
KernelPtr attention(const AttentionShape& shape, const std::string& name = "attention");

struct AttentionLayerShape {
  AttentionShape attention;
  std::int64_t hidden = 1;  ///< columns of x, of the memory and of y
  bool cross = false;       ///< keys and values from a memory[keys, hidden] rather than from x
  bool bias = false;        ///< of all four projections
};
/// x[tokens, hidden], (memory), a weight for each of query, key, value and output (with bias if
/// asked for), the arguments of attention -> y = output(attention(query(x), key(x or memory),
/// value(x or memory))). int8: each projection is followed by requantise() per channel.
KernelPtr attention_layer(const AttentionLayerShape& shape,
                          const std::string& name = "attention_layer");

LibraryKernel rope_entry();
LibraryKernel attention_entry();
LibraryKernel attention_layer_entry();

}  // namespace heddle::kernel
