#include "kernel/library/exact_softmax.h"

#include <algorithm>
#include <cmath>

namespace heddle::kernel {
namespace {

constexpr int kStepBits = 12;  ///< of t below the octave
constexpr int kTableBits = 6;  ///< of those, the table's; the rest lies between its entries
constexpr int kPowerBits = 15;

Type drop_type() {
  return uint_type(9);
}
Type octaves_type() {
  return uint_type(19);
}

double power_at(int a) {
  return std::floor(std::ldexp(std::exp2(-a / 64.0), kPowerBits) + 0.5);
}

/// The low `bits` bits of x.
Expr low_bits(const Expr& x, int bits) {
  return cast(uint_type(bits), x & ((std::int64_t{1} << bits) - 1));
}

}  // namespace

ScaleConstant nearest_scale(double positive) {
  int exponent = 0;
  const double fraction = std::frexp(positive, &exponent);
  const auto mantissa = static_cast<std::int64_t>(std::floor(std::ldexp(fraction, 16) + 0.5));
  if (mantissa == 1 << 16) return {1 << 15, exponent - 15};
  return {mantissa, exponent - 16};
}

Type steps_type() {
  return int_type(31);
}
Type distance_type() {
  return uint_type(31);
}
Type power_type() {
  return uint_type(kPowerBits + 1);
}

FunctionPtr score_steps(std::int64_t head_dim, int fractions) {
  const int reduce = sum_excess(head_dim, 18);
  FunctionBuilder f("score_steps");
  const Expr s = f.parameter("s", int_type(27));
  const Expr mq = f.parameter("mq", mantissa_type());
  const Expr eq = f.parameter("eq", amount_type());
  const Expr mk = f.parameter("mk", mantissa_type());
  const Expr ek = f.parameter("ek", exponent_type());
  const Expr reduced = f.let("reduced", cast(int_type(19), round_shift(s, reduce)));
  const Expr factor = f.let("factor", cast(uint_type(12), (mq * mk) >> 20));
  const Expr shift = f.let("shift", Expr(fractions - kStepBits - reduce - 20) - eq - ek);
  const Expr bounded = f.let("bounded", cast(uint_type(5), min(max(shift, 1), 31)));
  // One digit more than asked for, then half of it rounded.
  return f.returns(cast(steps_type(), (((reduced * factor) >> (bounded - 1)) + 1) >> 1));
}

FunctionPtr octave_power() {
  FunctionBuilder f("octave_power");
  const Expr delta = f.parameter("delta", distance_type());
  const Expr octaves = f.parameter("octaves", octaves_type());
  const Expr power = f.parameter("power", power_type());
  const Expr drop = f.parameter("drop", drop_type());
  const Expr place = f.let("place", low_bits(delta, kStepBits - kTableBits));
  const Expr value =
      f.let("value", cast(power_type(), power - round_shift(drop * place, kTableBits)));
  const Expr n = f.let("n", (delta >> kStepBits) - octaves);
  const Expr bounded = f.let("bounded", cast(uint_type(4), min(max(n, 0), 15)));
  const Expr rounded = f.let("rounded", (((value << 1) >> bounded) + 1) >> 1);
  return f.returns(cast(power_type(), select(n < 16, rounded, 0)));
}

std::vector<double> octave_powers() {
  std::vector<double> values(std::size_t{1} << kTableBits);
  for (std::size_t a = 0; a < values.size(); ++a) values[a] = power_at(static_cast<int>(a));
  return values;
}

std::vector<double> octave_drops() {
  std::vector<double> values(std::size_t{1} << kTableBits);
  for (std::size_t a = 0; a < values.size(); ++a) {
    values[a] = power_at(static_cast<int>(a)) - power_at(static_cast<int>(a) + 1);
  }
  return values;
}

FunctionPtr key_weight() {
  FunctionBuilder f("key_weight");
  const Expr e = f.parameter("e", power_type());
  const Expr share = f.parameter("share", mantissa_type());
  const Expr part = f.let("part", cast(uint_type(15), (e * share) >> 16));
  return f.returns(cast(uint_type(8), round_shift((part << 8) - part, 15)));
}

Expr at_exponent(const Expr& x, const Expr& n) {
  const Expr amount = cast(uint_type(5), min(n, 31));
  return (((x << 6) >> amount) + 1) >> 1;
}

FunctionPtr context_value(int width) {
  FunctionBuilder f("context_value");
  const Expr o = f.parameter("o", int_type(width));
  const Expr m = f.parameter("m", mantissa_type());
  const Expr shift = f.parameter("shift", amount_type());
  const Expr high = f.let("high", cast(int_type(width - 16), o >> 16) * m);
  const Expr low = f.let("low", cast(uint_type(16), o & 0xFFFF) * m);
  const Expr product = f.let("product", cast(int_type(width + 16), (high << 16) + low));
  return f.returns(round_saturate(product, shift));
}

ExactPowers::ExactPowers(KernelBuilder& k)
    : builder_(&k),
      power_(k.table("octave_power", power_type(), {1 << kTableBits}, octave_powers())),
      drop_(k.table("octave_drop", drop_type(), {1 << kTableBits}, octave_drops())) {}

Expr ExactPowers::of(const Expr& delta, const Expr& octaves) const {
  Element distance = builder_->scalar("delta", distance_type());
  distance = cast(distance_type(), delta);
  const Expr a = low_bits(Expr(distance) >> (kStepBits - kTableBits), kTableBits);
  return apply(octave_power(), {distance, cast(octaves_type(), octaves), power_(a), drop_(a)});
}

}  // namespace heddle::kernel
