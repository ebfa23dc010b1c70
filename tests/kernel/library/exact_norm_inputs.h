// Inputs of a norm: weights, rows of Fixed numbers.
#pragma once

#include "kernel/library/exact_checks.h"
#include "kernel/library/exact_norm_dataflow.h"

namespace heddle::kernel {

/// A norm's weight: factors around 1, some far from it, some negative.
struct RandomNorm {
  std::vector<arith::Factor> factors;
  std::vector<std::int32_t> offset;

  RandomNorm(std::int64_t columns, int y_fraction, std::uint64_t seed) {
    const ScaledCodes scales = random_codes(columns, 1, -16, seed);
    for (std::size_t j = 0; j < scales.scales.size(); ++j) {
      factors.push_back({scales.scales[j], j % 3 == 1});
    }
    for (const std::int64_t b :
         drawn(-arith::kLimit, arith::kLimit, static_cast<std::size_t>(columns), seed)) {
      offset.push_back(static_cast<std::int32_t>(y_fraction > 30 ? b : b / 8));
    }
  }

  void put_into(Operands& operands) const {
    std::vector<std::int64_t> mantissa;
    std::vector<std::int64_t> exponent;
    std::vector<std::int64_t> sign;
    for (const arith::Factor& factor : factors) {
      mantissa.push_back(factor.scale.mantissa);
      exponent.push_back(factor.scale.exponent);
      sign.push_back(factor.negative ? 1 : 0);
    }
    put(operands, "factor", mantissa);
    put(operands, "factor_exponent", exponent);
    put(operands, "factor_sign", sign);
    put(operands, "offset", offset);
  }
};

/// Rows of Fixed numbers, some far from zero with little between them.
inline std::vector<std::int32_t> rows_with_means(std::int64_t rows, std::int64_t columns,
                                                 std::uint64_t seed) {
  std::vector<std::int32_t> x = fixed_rows(rows, columns, seed);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const auto row = i / static_cast<std::size_t>(columns);
    if (row % 3 == 1)
      x[i] = static_cast<std::int32_t>((row % 2 == 0 ? -1 : 1) * 40'000'000 + x[i] % 3);
    if (row % 8 == 7) x[i] = i % 2 == 0 ? arith::kLimit : -arith::kLimit;
  }
  return x;
}

/// All inputs of norm_exact.
inline void prepare(Operands& operands, const ExactNormShape& shape, std::uint64_t seed) {
  put(operands, "a", fixed_rows(shape.rows, shape.columns, seed));
  put(operands, "b", rows_with_means(shape.rows, shape.columns, seed + 1));
  RandomNorm(shape.columns, shape.norm_fraction, seed).put_into(operands);
}

}  // namespace heddle::kernel
