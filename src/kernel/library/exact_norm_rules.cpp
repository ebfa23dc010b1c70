#include "kernel/library/exact_norm_rules.h"

#include <cmath>

#include "kernel/library/exact_softmax.h"

namespace heddle::kernel {
namespace {

constexpr int kRootDigits = 31;

/// V: at most 2^62.
Type variance_type() {
  return uint_type(63);
}

/// (squares: uint<49>, e: int<8>) -> uint<63>: V.
FunctionPtr row_variance(std::int64_t columns, int x_fraction, double epsilon) {
  FunctionBuilder f("row_variance");
  const Expr squares = f.parameter("squares", row_squares_type());
  const Expr e = f.parameter("e", exponent_type());
  const ScaleConstant added = nearest_scale(epsilon * static_cast<double>(columns));
  const Expr up = f.let("up", Expr(added.exponent + 2 * x_fraction) - (e << 1));
  // Shifted left by 47, a mantissa is 2^62 or more; shifted right by 17, it is 0.
  const Expr left = f.let("left", cast(uint_type(6), min(max(up, 0), 47)));
  const Expr right = f.let("right", cast(uint_type(5), min(max(-up, 0), 17)));
  const Expr mantissa = cast(variance_type(), added.mantissa);
  const Expr shifted = f.let("epsilon", (((mantissa << left) << 1 >> right) + 1) >> 1);
  const Expr most = constant(uint_type(63), Int128{1} << 62);
  return f.returns(cast(variance_type(), min(squares + shifted, most)));
}

/// (v: uint<63>) -> int<8>: p.
FunctionPtr root_shift() {
  FunctionBuilder f("root_shift");
  const Expr v = f.parameter("v", variance_type());
  const Expr excess = f.let("excess", apply(bits_function(63), {v}) - 32);
  return f.returns(cast(exponent_type(), excess + (excess & 1)));
}

/// (v: uint<63>, p: int<8>) -> uint<32>: rnd0(v, p).
FunctionPtr root_operand() {
  FunctionBuilder f("root_operand");
  const Expr v = f.parameter("v", variance_type());
  const Expr p = f.parameter("p", exponent_type());
  const Expr right = f.let("right", cast(uint_type(6), max(p, 0)));
  const Expr left = f.let("left", cast(uint_type(6), max(-p, 0)));
  return f.returns(cast(uint_type(32), v >> right) << left);
}

/// isqrt(operand 2^30) for an operand of 32 bits: a digit of the root in each step takes two of
/// the operand's.
Expr square_root(KernelBuilder& k, const Expr& operand) {
  Element digits = k.scalar("digits", uint_type(32, Overflow::kWrap));
  Element root = k.scalar("root", uint_type(kRootDigits));
  Element rest = k.scalar("rest", uint_type(32));
  digits = operand;
  root = 0;
  rest = 0;
  k.loop("n", 0, kRootDigits, [&](const Expr&) {
    const Type wide = uint_type(34);
    Element longer = k.scalar("longer", wide);
    longer = (rest << 2) + (digits >> 30);
    Element trial = k.scalar("trial", wide);
    trial = (root << 2) + 1;
    const Expr fits = trial <= longer;
    rest = cast(uint_type(32), select(fits, longer - trial, longer));
    root = cast(uint_type(kRootDigits), (root << 1) + select(fits, 1, 0));
    digits = digits << 2;
  });
  return root;
}

}  // namespace

Type row_total_type() {
  return int_type(43);
}
Type centred_type() {
  return int_type(28);
}
Type distance_of_row_type() {
  return int_type(18);
}
Type row_squares_type() {
  return uint_type(49);
}

FunctionPtr row_mean(std::int64_t columns) {
  FunctionBuilder f("row_mean");
  const Expr total = f.parameter("total", row_total_type());
  // Of non-negative numbers, so that rounding toward zero is rounding down.
  const std::int64_t up = std::int64_t{1} << 26;
  const Expr raised = f.let("raised", cast(uint_type(44), total + columns * up));
  return f.returns(cast(fixed_number(), ((raised << 1) + columns) / (2 * columns) - up));
}

FunctionPtr row_distance() {
  FunctionBuilder f("row_distance");
  const Expr c = f.parameter("c", centred_type());
  const Expr e = f.parameter("e", exponent_type());
  return f.returns(round_shift_within(c, e, 15, distance_of_row_type().width));
}

FunctionPtr norm_value(int fraction_y) {
  FunctionBuilder f("norm_value");
  const Expr d = f.parameter("d", distance_of_row_type());
  const Expr m = f.parameter("m", mantissa_type());
  const Expr e = f.parameter("e", amount_type());
  const Expr u = f.parameter("u", mantissa_type());
  const Expr h = f.parameter("h", exponent_type());
  const Expr negative = f.parameter("negative", uint_type(1));
  const Expr offset = f.parameter("offset", fixed_number());
  const Expr factor = f.let("factor", cast(uint_type(17), (m * u) >> 15));
  const Expr shift = f.let("shift", cast(amount_type(), Expr(-fraction_y - 15) - e - h));
  const Expr scaled = f.let("scaled", round_saturate(d * factor, shift));
  return f.returns(saturate_fixed(select(negative == 1, -scaled, scaled) + offset));
}

InverseDeviation inverse_deviation(KernelBuilder& k, std::int64_t columns, int x_fraction,
                                   double epsilon, const Expr& squares, const Expr& exponent) {
  Element variance = k.scalar("variance", variance_type());
  variance = apply(row_variance(columns, x_fraction, epsilon), {squares, exponent});
  Element shift = k.scalar("shift", exponent_type());
  shift = apply(root_shift(), {variance});
  const Expr root = square_root(k, apply(root_operand(), {variance, shift}));
  const ScaleConstant scale = nearest_scale(std::sqrt(static_cast<double>(columns)));
  Element quotient = k.scalar("quotient", uint_type(32));
  quotient = constant(uint_type(61), Int128{scale.mantissa} << 45) / max(root, 1 << 30);
  Element excess = k.scalar("excess", exponent_type());
  excess = apply(normal_exponent(32), {quotient});
  return {apply(normal_mantissa(32), {quotient, excess}),
          Expr(scale.exponent - 30) - (shift >> 1) + excess};
}

NormWeight::NormWeight(KernelBuilder& k, std::int64_t columns)
    : factor(k.input("factor", mantissa_type(), {columns})),
      exponent(k.input("factor_exponent", exponent_type(), {columns})),
      sign(k.input("factor_sign", uint_type(1), {columns})),
      offset(k.input("offset", fixed_number(), {columns})) {}

void NormWeight::append_to(CallArguments& arguments) const {
  for (const ArrayHandle& array : {factor, exponent, sign, offset}) {
    arguments.emplace_back(array.all());
  }
}

}  // namespace heddle::kernel
