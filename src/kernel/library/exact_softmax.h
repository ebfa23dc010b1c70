// The scalar rules of attention and routing (docs/arithmetic.md, section 4): steps of an octave,
// powers of two from a table, weights. Straight-line Functions, as in exact_scalars.h.
#pragma once

#include "kernel/builder.h"
#include "kernel/library/exact_scalars.h"

namespace heddle::kernel {

/// Keys that share an exponent.
constexpr std::int64_t kKeyBlock = 64;

/// A Scale of the model, as in arith::nearest_scale: the nearest to a positive number.
struct ScaleConstant {
  std::int64_t mantissa = 0;
  int exponent = 0;
};
ScaleConstant nearest_scale(double positive);

/// t, in steps of 2^-12 octaves: int<31>.
Type steps_type();
/// delta = max t - t: uint<31>.
Type distance_type();
/// e: uint<16>, at most 2^15.
Type power_type();

/// (s: int<27>, mq: uint<16>, eq: int<12>, mk: uint<16>, ek: int<8>) -> int<31>: t of a score s, a
/// sum of head_dim products of codes. (mq, eq) is the Scale of the query times the constant (m_c,
/// e_c); `fractions` is f_q + f_k.
FunctionPtr score_steps(std::int64_t head_dim, int fractions);

/// (delta: uint<31>, octaves: uint<19>, power: uint<16>, drop: uint<9>) -> uint<16>: e for a delta
/// and n_B = octaves, with the table's E[a] and E[a] - E[a + 1] for a = (delta >> 6) mod 64.
FunctionPtr octave_power();
/// The table's values for a = 0 ... 63.
std::vector<double> octave_powers();
std::vector<double> octave_drops();

/// (e: uint<16>, share: uint<16>) -> uint<8>: w, where share is rho.
FunctionPtr key_weight();

/// rnd(2^5 x, n), what a block adds to a sum, for x of at most 22 bits: from n = 31 on it is 0.
Expr at_exponent(const Expr& x, const Expr& n);
/// (o: int<width>, m: uint<16>, shift: int<12>) -> int<27>: sat(rnd(o m, shift)), by two products
/// of 16 bits.
FunctionPtr context_value(int width);

/// e in a kernel: the tables `octave_power` and `octave_drop`.
class ExactPowers {
 public:
  explicit ExactPowers(KernelBuilder& k);
  /// e -> uint<16>; writes a scalar delta into the kernel.
  [[nodiscard]] Expr of(const Expr& delta, const Expr& octaves) const;

 private:
  KernelBuilder* builder_;
  ArrayHandle power_;
  ArrayHandle drop_;
};

}  // namespace heddle::kernel
