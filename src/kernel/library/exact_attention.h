// An attention layer, bit for bit that of docs/arithmetic.md: every token sees every token.
#pragma once

#include "kernel/library/exact_linear.h"

namespace heddle::kernel {

/// Attention of one head. Throws UserError for a head_dim above 4,096 or more than 65,536 keys.
struct ExactHeadShape {
  std::int64_t queries = 1;
  std::int64_t keys = 1;
  std::int64_t head_dim = 1;
  int q_fraction = 0;
  int k_fraction = 0;
  int v_fraction = 0;
  int y_fraction = 0;
  double scale = 1;  ///< of the scores
};
/// q [queries, head_dim], k and v [keys, head_dim], each codes with a Scale for each row -> y
/// [queries, head_dim] int<27>.
KernelPtr head_exact(const ExactHeadShape& shape, const std::string& name = "head_exact");

struct ExactAttentionShape {
  std::int64_t tokens = 1;
  std::int64_t hidden = 1;  ///< columns of x and y
  std::int64_t heads = 1;
  std::int64_t head_dim = 1;
  int x_fraction = 0;
  int q_fraction = 0;
  int k_fraction = 0;
  int v_fraction = 0;
  int context_fraction = 0;  ///< of what the heads give
  int y_fraction = 0;
  double scale = 1;        ///< of the scores
  std::int64_t block = 1;  ///< rows that are kept at a time; divides tokens
};
/// x, x_mantissa, x_exponent (codes of rows [tokens, hidden]); for each of q, k, v [heads head_dim,
/// hidden] and out [hidden, heads head_dim] NAME_weight, NAME_weight_mantissa,
/// NAME_weight_exponent, NAME_bias -> y [tokens, hidden] int<27>: projections, attention, output
/// projection.
KernelPtr attention_exact(const ExactAttentionShape& shape,
                          const std::string& name = "attention_exact");

/// The shape that parameters of a library kernel say, a token at a time.
ExactAttentionShape exact_attention_shape(const LibraryArguments& arguments);
LibraryKernel attention_exact_entry();

}  // namespace heddle::kernel
