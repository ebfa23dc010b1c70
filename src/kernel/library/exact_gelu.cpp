#include "kernel/library/exact_gelu.h"

#include <algorithm>
#include <cmath>

namespace heddle::kernel {
namespace {

constexpr int kIntervals = 512;
constexpr int kPlaceBits = 10;     ///< of z within an interval
constexpr int kPositionBits = 19;  ///< 512 intervals of 1024 places
constexpr int kShareBits = 16;

Type position_type() {
  return uint_type(kPositionBits);
}
Type tail_type() {
  return uint_type(16);
}
Type step_type() {
  return int_type(10);
}

/// T[i] = nearest(2^16 (1 - tanh(sqrt(2/pi) (z + 0.044715 z^3))) / 2) for z = i / 64. None is near
/// enough to a tie for a double's errors to matter (docs/arithmetic.md, section 5).
double tail_at(int i) {
  const double z = i / 64.0;
  const double u = std::sqrt(2 / M_PI) * (z + 0.044715 * z * z * z);
  return std::floor(std::ldexp(1 / (1 + std::exp(2 * u)), kShareBits) + 0.5);
}

}  // namespace

FunctionPtr gelu_position(const std::string& name, int fraction_x) {
  FunctionBuilder f(name);
  const Expr x = f.parameter("x", fixed_number());
  // What is not 0 is beyond the table once it is shifted left by kPositionBits.
  const int shift = std::max(fraction_x - kShareBits, -kPositionBits);
  const Expr z = f.let("z", round_shift(abs(x), shift));
  return f.returns(cast(position_type(), min(z, (1 << kPositionBits) - 1)));
}

FunctionPtr gelu_value(const std::string& name, int fraction_x, int fraction_y) {
  FunctionBuilder f(name);
  const Expr x = f.parameter("x", fixed_number());
  const Expr z = f.parameter("z", position_type());
  const Expr tail = f.parameter("tail", tail_type());
  const Expr step = f.parameter("step", step_type());
  const Expr place = f.let("place", cast(uint_type(kPlaceBits), z & ((1 << kPlaceBits) - 1)));
  const Expr t = f.let("t", cast(tail_type(), tail + round_shift(step * place, kPlaceBits)));
  const Expr share =
      f.let("share", cast(uint_type(kShareBits + 1), select(x < 0, t, (1 << kShareBits) - t)));
  return f.returns(round_saturate(x * share, kShareBits + fraction_x - fraction_y));
}

std::vector<double> gelu_tails() {
  std::vector<double> tails(kIntervals);
  for (int i = 0; i < kIntervals; ++i) tails[i] = tail_at(i);
  return tails;
}

std::vector<double> gelu_steps() {
  std::vector<double> steps(kIntervals);
  for (int i = 0; i < kIntervals; ++i) steps[i] = tail_at(i + 1) - tail_at(i);
  return steps;
}

ExactGelu::ExactGelu(KernelBuilder& k, int fraction_x, int fraction_y)
    : builder_(&k),
      position_(gelu_position("gelu_position", fraction_x)),
      value_(gelu_value("gelu_value", fraction_x, fraction_y)),
      tail_(k.table("gelu_tail", tail_type(), {kIntervals}, gelu_tails())),
      step_(k.table("gelu_step", step_type(), {kIntervals}, gelu_steps())) {}

Expr ExactGelu::of(const Expr& x) const {
  Element z = builder_->scalar("z", position_type());
  z = apply(position_, {x});
  const Expr interval = to_index(Expr(z) >> kPlaceBits);
  return apply(value_, {x, z, tail_(interval), step_(interval)});
}

}  // namespace heddle::kernel
