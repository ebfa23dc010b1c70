// The tables of the integer arithmetic (docs/arithmetic.md, section 5), made from integers alone.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "model/operators.h"

namespace heddle::arith {

/// E: 2^15 2^(-a/64) for a = 0 ... 64.
using ExponentialTable = std::array<std::int32_t, 65>;
const ExponentialTable& exponential_table();

/// tau over [0, 2^log_range] in units of 2^-16: a function is x (1 - tau(x)) where x >= 0.
struct TailTable {
  int log_range = 0;
  std::array<std::int32_t, 513> entries{};
};
/// T of any function but ReLU, which has none.
const TailTable& tail_table(Function function);

/// C and S of some positions: cosine and sine times 2^15, [positions, rotary_dim/2].
struct RotaryTable {
  std::vector<std::int32_t> cosine;
  std::vector<std::int32_t> sine;
};
/// Positions first_position ... first_position + count - 1, all below 2^20; theta is at least 1.
RotaryTable rotary_table(const Rope& rope, std::int64_t count);

}  // namespace heddle::arith
