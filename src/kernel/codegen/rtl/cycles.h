// How many cycles a design takes: a formula of the scalar arguments.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "kernel/codegen/rtl/design.h"
#include "kernel/scalar.h"

namespace heddle::kernel::rtl {

/// From the cycle of `start` to that of `done`, if no memory takes longer than the target says.
/// Nothing if loops or choices depend on the arrays' contents.
std::optional<std::int64_t> count_cycles(const Design& design,
                                         const std::map<std::string, Scalar>& scalars);

/// The same as text. pipeline(n, i, d) is (n - 1) i + d + 1, or 1 for n = 0; sum(k in a..b: x) adds
/// x up over k. "data" stands for what the arrays' contents decide.
std::string cycle_formula(const Design& design);

}  // namespace heddle::kernel::rtl
