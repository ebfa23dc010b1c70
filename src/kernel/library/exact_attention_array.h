// The attention layer of exact_attention.h on one array of multipliers, in four launches.
#pragma once

#include "kernel/library/exact_attention.h"
#include "kernel/library/exact_softmax.h"
#include "kernel/schedule/schedule.h"

namespace heddle::kernel {

/// Codes in a word.
constexpr std::int64_t kAttentionWord = kKeyBlock;

/// What a launch computes.
enum class AttentionStep : std::uint8_t {
  kProject,  ///< q, k and v of all heads, quantised
  kScore,    ///< the weights of all keys for each query of each head
  kMix,      ///< the weighted sums of the values
  kOutput,   ///< the output projection
};

struct AttentionArrayShape {
  ExactAttentionShape layer;
  std::int64_t tile_rows = 32;  ///< rows that the array holds: 16, 32 or 64
  std::int64_t lanes = 8;       ///< rows that are requantised in a cycle: divides tile_rows
};

/// Words are of 64 codes, which is what the array takes of a row in a cycle: so head_dim is 64, and
/// tokens and hidden are multiples of 64, hidden and heads head_dim at most 4,096. Throws UserError
/// for others.
///
/// Scalars: step, and the sizes of what a launch reads and writes. Arrays:
///
/// | array | kProject | kScore | kMix | kOutput |
/// |---|---|---|---|---|
/// | rows, row_mantissa, row_exponent | x | q | v, no Scales | - |
/// | context | - | - | - | context |
/// | moving | weights of q, k, v | k | weights | out_weight |
/// | octaves | - | - | of weights | - |
/// | column_mantissa, column_exponent | of channels | of k | of weights | of channels |
/// | column_bias | of channels | - | - | of channels |
/// | value_mantissa, value_exponent | - | of v | - | - |
/// | codes (out) | q, k, v [3, heads, tokens, 64] | weights [heads, tokens, tokens] | - | y,
/// int<32> | | code_mantissa, code_exponent (out) | of q, k, v | of weights | - | - | |
/// code_octaves (out) | - | of weights [heads, tokens, tokens / 64] | - | - | | mixed (out) | - | -
/// | context [tokens, heads 64] | - |
///
/// A channel's exponent is that of the weight less f_x - f_y. Weights are w - 128.
KernelPtr attention_array(const AttentionArrayShape& shape,
                          const std::string& name = "attention_array");

/// Everything of a tile side by side, a multiplier for each product; `packed`: two products to a
/// DSP.
Schedule attention_array_arrays(const KernelPtr& kernel, bool packed);

LibraryKernel attention_array_entry();

}  // namespace heddle::kernel
