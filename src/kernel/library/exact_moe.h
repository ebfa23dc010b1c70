// A sparse mixture of experts in the Switch form (Fedus et al. 2021, without capacity), bit for bit
// by the rules of docs/arithmetic.md.
#pragma once

#include "kernel/library/exact_linear.h"

namespace heddle::kernel {

/// A share in units of 2^-15: uint<16>.
Type share_type();

/// logits [tokens, experts] int<27> -> choice [tokens, 1] int<32>, share [tokens] uint<16>: the
/// rule Routing, the share in units of 2^-15.
KernelPtr route_exact(std::int64_t tokens, std::int64_t experts, int fraction,
                      const std::string& name = "route_exact");

/// (x: int<27>, share: uint<16>) -> int<27>: what an expert computed, weighted by its share.
FunctionPtr weigh_by_share(int fraction_x, int fraction_y);

struct ExactMoeShape {
  std::int64_t tokens = 1;
  std::int64_t hidden = 1;  ///< columns of x and y
  std::int64_t inner = 1;   ///< columns between an expert's layers
  std::int64_t experts = 1;
  int x_fraction = 0;
  int logit_fraction = 0;
  int up_fraction = 0;
  int relu_fraction = 0;
  int down_fraction = 0;
  int y_fraction = 0;
};
/// x, x_mantissa, x_exponent (codes of rows [tokens, hidden]); router_weight [experts, hidden],
/// up_weight [experts, inner, hidden] and down_weight [experts, hidden, inner], each with
/// NAME_mantissa and NAME_exponent (as NAME without its last extent) -> y [tokens, hidden] int<27>:
/// Linear gives the logits, Routing an expert and its share; y = share *
/// down(quantise(relu(up(x)))). Tokens are gathered by expert: only chosen experts are computed and
/// their weights read.
KernelPtr moe_exact(const ExactMoeShape& shape, const std::string& name = "moe_exact");

LibraryKernel moe_exact_entry();

}  // namespace heddle::kernel
