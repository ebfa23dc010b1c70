#include "kernel/library/exact_scalars.h"

#include <algorithm>
#include <bit>

#include "base/error.h"

namespace heddle::kernel {
namespace {

/// What is not 0 is saturated once it is shifted left by so much.
constexpr int kMostLeft = kFixedBits - 1;

/// max(x, 0) for an amount of at most `most`, as an unsigned number.
Expr positive_part(const Expr& x, int most) {
  return cast(uint_type(digits_of(most)), max(x, 0));
}

/// rnd(x, shift) for an unsigned shift: one more digit than asked for, then half of it rounded.
Expr round_right(const Expr& x, const Expr& shift) {
  return (((x << 1) >> shift) + 1) >> 1;
}

}  // namespace

Type fixed_number() {
  return int_type(kFixedBits);
}
Type mantissa_type() {
  return uint_type(16);
}
Type exponent_type() {
  return int_type(8);
}
Type amount_type() {
  return int_type(12);
}

int digits_of(std::int64_t x) {
  return static_cast<int>(std::bit_width(static_cast<std::uint64_t>(x)));
}

int sum_excess(std::int64_t depth, int width) {
  return std::max(0, digits_of(std::int64_t{127} * 127 * depth) - width);
}

Expr saturate_fixed(const Expr& x) {
  return cast(fixed_number(), cast(int_type(kFixedBits, Overflow::kSaturateSymmetric), x));
}

Expr round_shift(const Expr& x, int shift) {
  if (shift == 0) return x;
  if (shift < 0) return x << -shift;
  const Type& type = x.type();
  // What is left over of x, and a digit for a carry.
  const int width = type.width - shift + 1;
  if (width < 1 || (type.is_signed && width == 1)) return 0;
  const Expr rounded = (x + (std::int64_t{1} << (shift - 1))) >> shift;
  return cast(type.is_signed ? int_type(width) : uint_type(width), rounded);
}

Expr round_saturate(const Expr& x, int shift) {
  return saturate_fixed(round_shift(x, std::max(shift, -kMostLeft)));
}

FunctionPtr round_saturate_function(int width) {
  FunctionBuilder f(fmt::format("round_saturate_{}", width));
  const Expr x = f.parameter("x", int_type(width));
  const Expr shift = f.parameter("shift", amount_type());
  // From `width` on the result is 0. Saturating before the shift to the left as well keeps that
  // shift narrow and changes nothing: what is beyond the limit stays beyond it.
  const Expr bounded = f.let("bounded", min(max(shift, -kMostLeft), width));
  const Expr right = f.let("right", positive_part(bounded, width));
  const Expr left = f.let("left", positive_part(-bounded, kMostLeft));
  const Expr reduced = f.let("reduced", saturate_fixed(round_right(x, right)));
  return f.returns(saturate_fixed(cast(int_type(kFixedBits + kMostLeft), reduced) << left));
}

Expr round_saturate(const Expr& x, const Expr& shift) {
  return apply(round_saturate_function(x.type().width), {x, cast(amount_type(), shift)});
}

Expr round_shift_within(const Expr& x, const Expr& shift, int most, int width) {
  const Expr reduced = cast(int_type(width), round_right(x, positive_part(shift, most)));
  return reduced << positive_part(-shift, most);
}

FunctionPtr bits_function(int width) {
  FunctionBuilder f(fmt::format("bits_{}", width));
  Expr rest = f.parameter("x", uint_type(width));
  Expr count = 0;
  const auto half = static_cast<int>(std::bit_floor(static_cast<unsigned>(std::max(1, width - 1))));
  for (int step = half; step > 0; step /= 2) {
    const Expr is_long = f.let(fmt::format("long_{}", step), (rest >> step) != 0);
    count = count + select(is_long, step, 0);
    rest = f.let(fmt::format("rest_{}", step),
                 cast(uint_type(step), select(is_long, rest >> step, rest)));
  }
  // What is left is a single digit.
  return f.returns(cast(uint_type(7), count + rest));
}

FunctionPtr normal_exponent(int width) {
  FunctionBuilder f(fmt::format("normal_exponent_{}", width));
  const Expr x = f.parameter("x", uint_type(width));
  const Expr excess = f.let("excess", apply(bits_function(width), {x}) - 16);
  return f.returns(cast(exponent_type(), select(x == 0, 0, excess)));
}

FunctionPtr normal_mantissa(int width) {
  FunctionBuilder f(fmt::format("normal_mantissa_{}", width));
  const Expr x = f.parameter("x", uint_type(width));
  const Expr e = f.parameter("e", exponent_type());
  const Expr shortened = f.let("shortened", cast(uint_type(16), x >> positive_part(e, width)));
  return f.returns(shortened << positive_part(-e, 15));
}

Expr packed_scale(const Expr& mantissa, const Expr& exponent) {
  return cast(uint_type(24), (cast(uint_type(8, Overflow::kWrap), exponent) << 16) + mantissa);
}
Expr mantissa_of(const Expr& scale) {
  return cast(mantissa_type(), cast(uint_type(16, Overflow::kWrap), scale));
}
Expr exponent_of(const Expr& scale) {
  return cast(exponent_type(), cast(int_type(8, Overflow::kWrap), scale >> 16));
}

FunctionPtr row_reciprocal() {
  FunctionBuilder f("row_reciprocal");
  const Expr m = f.parameter("m", mantissa_type());
  const Expr one = constant(uint_type(32), Int128{127} << 25);
  return f.returns(cast(uint_type(17), one / max(m, 1 << 15)));
}

FunctionPtr quantise_code() {
  FunctionBuilder f("quantise_code");
  const Expr x = f.parameter("x", fixed_number());
  const Expr e = f.parameter("e", exponent_type());
  const Expr r = f.parameter("r", uint_type(17));
  const Expr reduced = f.let("reduced", round_shift_within(x, e + 2, 13, 16));
  return f.returns(cast(int_type(8), round_shift(reduced * r, 23)));
}

FunctionPtr requantise_sum(const std::string& name, std::int64_t depth, int fraction_change) {
  constexpr std::int64_t kDeepest = 131072;
  if (depth > kDeepest) {
    throw UserError(fmt::format("a sum of {} products of codes may overflow int<32>", depth),
                    fmt::format("use at most {}", kDeepest));
  }
  const int reduce = sum_excess(depth, 26);
  FunctionBuilder f(name);
  const Expr acc = f.parameter("acc", int_type(32));
  const Expr m = f.parameter("m", mantissa_type());
  const Expr e = f.parameter("e", exponent_type());
  const Expr u = f.parameter("u", mantissa_type());
  const Expr h = f.parameter("h", exponent_type());
  const Expr bias = f.parameter("bias", fixed_number());
  const Expr reduced = f.let("reduced", cast(fixed_number(), round_shift(acc, reduce)));
  const Expr factor = f.let("factor", cast(uint_type(17), (m * u) >> 15));
  const Expr shift =
      f.let("shift", cast(amount_type(), Expr(fraction_change - reduce - 15) - e - h));
  const Expr product = f.let("product", reduced * factor);
  const Expr scaled = f.let("scaled", round_saturate(product, shift));
  return f.returns(saturate_fixed(scaled + bias));
}

FunctionPtr relu_fixed(const std::string& name, int fraction_x, int fraction_y) {
  FunctionBuilder f(name);
  const Expr x = f.parameter("x", fixed_number());
  return f.returns(round_saturate(max(x, 0), fraction_x - fraction_y));
}

FunctionPtr add_fixed(const std::string& name, int change_a, int change_b) {
  FunctionBuilder f(name);
  const Expr a = f.parameter("a", fixed_number());
  const Expr b = f.parameter("b", fixed_number());
  return f.returns(saturate_fixed(round_shift(a, change_a) + round_shift(b, change_b)));
}

}  // namespace heddle::kernel
