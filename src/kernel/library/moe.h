// A sparse mixture of experts: each token goes to the top_k of several perceptrons.
#pragma once

#include "kernel/library/common.h"

namespace heddle::kernel {

struct MoeShape {
  std::int64_t tokens = 1;
  std::int64_t hidden = 1;  ///< columns of x and y
  std::int64_t inner = 1;   ///< columns between an expert's two layers
  std::int64_t experts = 1;
  std::int64_t top_k = 1;  ///< at most experts
  Number number = Number::kFloat32;

  /// Pairs of a token and one of its experts.
  [[nodiscard]] std::int64_t slots() const { return tokens * top_k; }
};

/// What choices, slots and their places are: int<32>.
Type list_type();

/// probabilities[tokens, experts] -> choice (int<32>) and share (float32) [tokens, top_k]: the
/// experts with the largest probabilities, of equal ones those that come first, in ascending order
/// of the experts; and their probabilities.
KernelPtr choose_experts(const MoeShape& shape, const std::string& name = "choose_experts");

/// choice[tokens, top_k] -> first[experts + 1], token_of[slots], place[tokens, top_k] (int<32>):
/// the slots sorted by expert, and within one by token (a counting sort). Expert e has the slots
/// first[e]
/// ... first[e + 1] - 1, slot p belongs to token_of[p], and choice[t, s] lies in slot place[t, s].
KernelPtr sort_by_expert(const MoeShape& shape, const std::string& name = "sort_by_expert");

/// The Switch form (Fedus et al. 2021), without capacity: x[tokens, hidden], router_weight[experts,
/// hidden] (float32), up_weight[experts, inner, hidden], down_weight[experts, hidden, inner] -> y =
/// the sum over a token's experts of probability * down(relu(up(x))), where the probabilities are
/// the softmax of the router over all experts. Tokens are gathered by expert: only chosen experts
/// are computed and their weights read.
///
/// int8: x, y and the experts' weights are int<8>, the router works on x as float32 and takes
/// router_scale; up and down have a multiplier and a shift for each expert and column; the
/// probability is rounded to ufixed<16,1> (nearest even) and the exact sum of its products to
/// int<8>.
KernelPtr moe(const MoeShape& shape, const std::string& name = "moe");

/// The same by computing every expert for every token, with share 0 for those not chosen. Equal to
/// moe() bit by bit where all results are finite.
KernelPtr moe_dense(const MoeShape& shape, const std::string& name = "moe_dense");

LibraryKernel moe_entry();
LibraryKernel moe_dense_entry();

}  // namespace heddle::kernel
