// The four launches of attention_array that make an attention layer, and the buffers between them.
#pragma once

#include <functional>
#include <span>

#include "kernel/buffer.h"
#include "kernel/library/exact_attention_array.h"

namespace heddle::kernel {

/// Runs a launch: the arguments are attention_array's.
using AttentionLaunch = std::function<void(AttentionStep, std::span<const Argument>)>;

/// The layer by four launches, in place of attention_exact: `arguments` are those of
/// attention_exact for shape.layer. Throws UserError for a channel's exponent that leaves 8 bits
/// with the fractions taken off.
void attend_by_launches(const AttentionArrayShape& shape, std::span<const Argument> arguments,
                        const AttentionLaunch& launch);

}  // namespace heddle::kernel
