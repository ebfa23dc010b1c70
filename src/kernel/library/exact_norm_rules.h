// The scalar rules of LayerNorm (docs/arithmetic.md, section 4): mean, distances from it, 1 / the
// standard deviation, values. Straight-line Functions, as in exact_scalars.h.
#pragma once

#include "kernel/library/exact_scalars.h"
#include "kernel/library/projection.h"

namespace heddle::kernel {

/// Of rows of at most 65,536 columns: their total int<43>; x less the mean int<28>, the greatest
/// magnitude of which is uint<27>; d int<18>, at most 2^16 either way; the sum of d^2 uint<49>.
Type row_total_type();
Type centred_type();
Type distance_of_row_type();
Type row_squares_type();

/// (total: int<43>) -> int<27>: div(total, columns).
FunctionPtr row_mean(std::int64_t columns);
/// (c: int<28>, e: int<8>) -> int<18>: d.
FunctionPtr row_distance();
/// (d: int<18>, m: uint<16>, e: int<12>, u: uint<16>, h: int<8>, negative: uint<1>, offset:
/// int<27>) -> int<27>: y, where (m, e) is 1 / the standard deviation.
FunctionPtr norm_value(int fraction_y);

/// 1 / the standard deviation of a row: uint<16>, int<12>.
struct InverseDeviation {
  Expr mantissa;
  Expr exponent;
};
/// Written into a kernel, of a sum of d^2 and the row's exponent; the square root is a loop "n" of
/// 31 steps, a digit each. Where V is 0 all d are, and so it does not matter what comes out.
InverseDeviation inverse_deviation(KernelBuilder& k, std::int64_t columns, int x_fraction,
                                   double epsilon, const Expr& squares, const Expr& exponent);

/// The parameters that stand for a norm's weight: factor, factor_exponent, factor_sign, offset
/// [columns].
struct NormWeight {
  ArrayHandle factor;
  ArrayHandle exponent;
  ArrayHandle sign;
  ArrayHandle offset;

  NormWeight(KernelBuilder& k, std::int64_t columns);
  void append_to(CallArguments& arguments) const;
};

}  // namespace heddle::kernel
