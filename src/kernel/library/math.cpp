#include "kernel/library/math.h"

#include <initializer_list>
#include <vector>

namespace heddle::kernel {
namespace {

Expr real(double value) {
  return constant(float32_type(), value);
}

/// c0 + x(c1 + x(c2 + ...)).
Expr polynomial(const Expr& x, std::initializer_list<double> coefficients) {
  const std::vector<double> c(coefficients);
  Expr sum = real(c.back());
  for (std::size_t i = c.size() - 1; i-- > 0;) sum = real(c[i]) + x * sum;
  return sum;
}

constexpr std::int64_t kSignBit = 0x80000000;

/// |magnitude| with the sign of `sign`, which has none of its own.
Expr with_sign_of(const Expr& magnitude, const Expr& sign) {
  const Type bits = uint_type(32);
  return bitcast(float32_type(), bitcast(bits, magnitude) | (bitcast(bits, sign) & kSignBit));
}

/// 2^n for an integer expression n in -126 ... 127, put together from its bits. Any n, as a NaN on
/// its way may give, has some result.
Expr power_of_two(const Expr& n) {
  return bitcast(float32_type(), cast(uint_type(32, Overflow::kWrap), (n + 127) << 23));
}

/// x = n ln 2 + rest, |rest| <= 0.3466, for |x| < 170.
struct Reduced {
  Expr n;     ///< int<9>
  Expr rest;  ///< float32
};

/// Adding 1.5 2^23 rounds to an integer, which then stands in the low bits. ln 2 is taken off in
/// two parts, the first of which has 10 bits, so that its product with n is exact (Cody & Waite
/// 1980).
Reduced reduce(FunctionBuilder& f, const Expr& x) {
  const Expr shifted = f.let("shifted", x * real(1.44269504088896341) + real(12582912.0));
  const Expr n = f.let("n", cast(int_type(9, Overflow::kWrap), bitcast(int_type(32), shifted)));
  const Expr whole = f.let("whole", shifted - real(12582912.0));
  const Expr rest = f.let("rest", (x - whole * real(0.693359375)) + whole * real(2.12194440e-4));
  return {n, rest};
}

/// e^r - 1 for |r| <= 0.3466. The coefficients minimise the largest relative error (2^-26.1) among
/// those with float32 values.
Expr exp_minus_one(const Expr& r) {
  return r + (r * r) *
                 polynomial(r, {0.5, 0x1.5554b2p-3, 0x1.5554c8p-5, 0x1.12266ap-7, 0x1.6d7212p-10});
}

FunctionPtr make_exp() {
  FunctionBuilder f("exp_float");
  const Expr x = f.parameter("x", float32_type());
  // Beyond these ends the result is infinity or 0 all the same. min and max keep a NaN on the left.
  const Expr clamped = f.let("clamped", max(min(x, real(89)), real(-104)));
  const Reduced reduced = reduce(f, clamped);
  const Expr significand = f.let("significand", real(1) + exp_minus_one(reduced.rest));
  // 2^n in two steps, each of which is a normal number; only the last product rounds.
  const Expr half = f.let("half", reduced.n >> 1);
  return f.returns(significand * power_of_two(half) * power_of_two(reduced.n - half));
}

/// With e = exp(2|x|) - 1: tanh |x| = e / (e + 2).
FunctionPtr make_tanh() {
  FunctionBuilder f("tanh_float");
  const Expr x = f.parameter("x", float32_type());
  const Expr clamped = f.let("clamped", min(abs(x), real(10)));  // tanh 9.02 rounds to 1
  const Reduced reduced = reduce(f, f.let("twice", clamped + clamped));
  const Expr scale = f.let("scale", power_of_two(reduced.n));
  const Expr e = f.let("e", scale * exp_minus_one(reduced.rest) + (scale - real(1)));
  return f.returns(with_sign_of(e / (e + real(2)), x));
}

/// x + x p(x^2) below 1, else 1 - exp(-q(|x| - 1)), where q approaches -ln(1 - erf |x|).
FunctionPtr make_erf() {
  FunctionBuilder f("erf_float");
  const Expr x = f.parameter("x", float32_type());
  const Expr magnitude = f.let("magnitude", abs(x));
  const Expr square = f.let("square", x * x);
  const Expr small = f.let(
      "small",
      x + x * polynomial(square, {0x1.06eba8p-3, -0x1.81273ep-2, 0x1.ce2ce6p-4, -0x1.b7f71ap-6,
                                  0x1.53f224p-8, -0x1.a3515ep-11, 0x1.4771fep-14}));
  const Expr beyond = f.let("beyond", min(magnitude, real(4)) - real(1));  // erf 3.93 rounds to 1
  const Expr power =
      f.let("power", polynomial(beyond, {0x1.d97fc0p+0, 0x1.51c988p+1, 0x1.afb452p-1, 0x1.52020ep-5,
                                         -0x1.35ae60p-7, 0x1.8455c4p-10, -0x1.7d9674p-14}));
  const Expr large = f.let("large", real(1) - exp(-power));
  return f.returns(select(magnitude < real(1), small, with_sign_of(large, x)));
}

FunctionPtr make_sigmoid() {
  FunctionBuilder f("sigmoid_float");
  const Expr x = f.parameter("x", float32_type());
  return f.returns(real(1) / (real(1) + exp(-x)));
}

FunctionPtr make_rsqrt() {
  FunctionBuilder f("rsqrt_float");
  const Expr x = f.parameter("x", float32_type());
  return f.returns(real(1) / sqrt(x));
}

// Below, a lower end at which the result is -0 already keeps minus infinity from meeting infinity.

FunctionPtr make_silu() {
  FunctionBuilder f("silu_float");
  const Expr x = f.parameter("x", float32_type());
  const Expr clamped = f.let("clamped", max(x, real(-128)));
  return f.returns(clamped / (real(1) + exp(-clamped)));
}

/// 0.5(1 + tanh u) = 1 / (1 + e^-2u).
FunctionPtr make_gelu_tanh() {
  FunctionBuilder f("gelu_tanh_float");
  const Expr x = f.parameter("x", float32_type());
  const Expr clamped = f.let("clamped", max(x, real(-16)));
  const double scale = 1.5957691216057308;  // 2 sqrt(2 / pi)
  const Expr power =
      f.let("power", clamped * (real(-scale) + real(-scale * 0.044715) * (clamped * clamped)));
  return f.returns(clamped / (real(1) + exp(power)));
}

FunctionPtr make_gelu_erf() {
  FunctionBuilder f("gelu_erf_float");
  const Expr x = f.parameter("x", float32_type());
  const Expr clamped = f.let("clamped", max(x, real(-16)));
  const Expr error = f.let("error", apply(erf_function(), {clamped * real(0.70710678118654752)}));
  return f.returns(real(0.5) * clamped * (real(1) + error));
}

FunctionPtr make_relu() {
  FunctionBuilder f("relu_float");
  const Expr x = f.parameter("x", float32_type());
  return f.returns(max(x, real(0)));
}

}  // namespace

FunctionPtr exp_function() {
  static const FunctionPtr function = make_exp();
  return function;
}
FunctionPtr tanh_function() {
  static const FunctionPtr function = make_tanh();
  return function;
}
FunctionPtr erf_function() {
  static const FunctionPtr function = make_erf();
  return function;
}
FunctionPtr sigmoid_function() {
  static const FunctionPtr function = make_sigmoid();
  return function;
}
FunctionPtr rsqrt_function() {
  static const FunctionPtr function = make_rsqrt();
  return function;
}
FunctionPtr silu_function() {
  static const FunctionPtr function = make_silu();
  return function;
}
FunctionPtr gelu_tanh_function() {
  static const FunctionPtr function = make_gelu_tanh();
  return function;
}
FunctionPtr gelu_erf_function() {
  static const FunctionPtr function = make_gelu_erf();
  return function;
}
FunctionPtr relu_function() {
  static const FunctionPtr function = make_relu();
  return function;
}

Expr exp(const Expr& x) {
  return apply(exp_function(), {x});
}
Expr rsqrt(const Expr& x) {
  return apply(rsqrt_function(), {x});
}

}  // namespace heddle::kernel
