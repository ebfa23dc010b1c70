#include "kernel/library/math.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "kernel/builder.h"
#include "kernel/codegen/cpp/native.h"
#include "kernel/library/checks.h"

namespace heddle::kernel {
namespace {

/// y[i] = f(x[i]).
KernelPtr map(const FunctionPtr& function, std::int64_t count) {
  KernelBuilder k("map_" + function->name);
  const ArrayHandle x = k.input("x", float32_type(), {count});
  const ArrayHandle y = k.output("y", float32_type(), {count});
  k.loop("i", 0, count, [&](const Expr& i) { y(i) = apply(function, {x(i)}); });
  return k.build();
}

struct Subject {
  FunctionPtr function;
  double (*exact)(double);
  double low;     ///< from here on the error is measured in ulp
  double ulp;     ///< the bound that math.h states
  double beside;  ///< below `low`: the largest error as a part of |x|
};

double exact_gelu_tanh(double x) {
  const double u = std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x);
  return x / (1 + std::exp(-2 * u));
}

std::vector<Subject> subjects() {
  const double lowest = -std::numeric_limits<double>::infinity();
  return {
      {exp_function(), [](double x) { return std::exp(x); }, lowest, 1.1, 0},
      {tanh_function(), [](double x) { return std::tanh(x); }, lowest, 2.6, 0},
      {erf_function(), [](double x) { return std::erf(x); }, lowest, 1.4, 0},
      {sigmoid_function(), [](double x) { return 1 / (1 + std::exp(-x)); }, -87, 2.5, 1e-38},
      {rsqrt_function(), [](double x) { return 1 / std::sqrt(x); }, 0, 1.5, 0},
      {silu_function(), [](double x) { return x / (1 + std::exp(-x)); }, -87, 2.5, 1e-38},
      {gelu_tanh_function(), exact_gelu_tanh, -4, 23, 1.3e-7},
      {gelu_erf_function(), [](double x) { return 0.5 * x * std::erfc(-x * std::sqrt(0.5)); }, -1,
       2.7, 1.2e-7},
  };
}

/// A sample over all floats but NaNs, subnormal numbers and infinities included.
std::vector<float> sample(std::uint32_t step) {
  std::vector<float> values;
  for (std::uint64_t bits = 0; bits < (std::uint64_t{1} << 32); bits += step) {
    const auto value = std::bit_cast<float>(static_cast<std::uint32_t>(bits));
    if (!std::isnan(value)) values.push_back(value);
  }
  return values;
}

/// |got - exact| in units in the last place of a float near `exact`.
double error_in_ulp(float got, double exact) {
  if (std::isinf(got))
    return std::fabs(exact) > 3.402823567e38 && (got > 0) == (exact > 0) ? 0 : 1e9;
  int exponent = 0;
  std::frexp(exact, &exponent);
  return std::fabs(got - exact) / std::ldexp(1.0, std::max(exponent - 24, -149));
}

void check_accuracy(const Subject& subject, std::span<const float> x, std::span<const float> y) {
  double worst = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double exact = subject.exact(x[i]);
    if (std::isnan(exact)) continue;
    if (x[i] >= subject.low) {
      const double error = error_in_ulp(y[i], exact);
      ASSERT_LE(error, subject.ulp) << subject.function->name << "(" << x[i] << ") = " << y[i];
      worst = std::max(worst, error);
    } else {
      ASSERT_LE(std::fabs(y[i] - exact), subject.beside * std::fabs(x[i]))
          << subject.function->name << "(" << x[i] << ") = " << y[i];
    }
  }
  // The bound says something: the sample comes near it.
  EXPECT_GT(worst, 0.6 * subject.ulp) << subject.function->name;
}

TEST(MathFunctions, AreAsAccurateAsStatedOnASampleOfAllFloats) {
  const std::vector<float> x = sample(4099);
  const auto count = static_cast<std::int64_t>(x.size());
  std::vector<KernelPtr> kernels;
  for (const Subject& subject : subjects()) kernels.push_back(map(subject.function, count));
  const NativeLibrary native(kernels);
  Buffer in(float32_type(), {count});
  std::copy(x.begin(), x.end(), in.as<float>().begin());
  Buffer out(float32_type(), {count});
  for (std::size_t i = 0; i < kernels.size(); ++i) {
    native.run(std::array<Argument, 2>{&in, &out}, i);
    check_accuracy(subjects()[i], x, out.as<float>());
  }
}

TEST(MathFunctions, AreAsAccurateAsStatedInTheInterpreter) {
  std::vector<float> x = sample(2'500'009);
  for (float v = -12; v < 12; v += 0.03125F) x.push_back(v * 1.01F);
  for (const Subject& subject : subjects()) {
    const KernelPtr kernel = map(subject.function, static_cast<std::int64_t>(x.size()));
    Operands operands = run(kernel, {}, [&](Operands& o) {
      std::copy(x.begin(), x.end(), o.buffer("x").as<float>().begin());
    });
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double exact = subject.exact(x[i]);
      if (std::isnan(exact)) continue;
      const float y = operands.buffer("y").as<float>()[i];
      const bool in_ulp = x[i] >= subject.low;
      EXPECT_LE(in_ulp ? error_in_ulp(y, exact) : std::fabs(y - exact),
                in_ulp ? subject.ulp : subject.beside * std::fabs(x[i]))
          << subject.function->name << "(" << x[i] << ") = " << y;
    }
  }
}

float value_at(const FunctionPtr& function, float x) {
  Operands operands =
      run(map(function, 1), {}, [&](Operands& o) { o.buffer("x").as<float>()[0] = x; });
  return operands.buffer("y").as<float>()[0];
}

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

TEST(MathFunctions, TakeInfinitiesToTheirLimits) {
  EXPECT_EQ(value_at(exp_function(), kInfinity), kInfinity);
  EXPECT_EQ(value_at(exp_function(), -kInfinity), 0);
  EXPECT_EQ(value_at(tanh_function(), kInfinity), 1);
  EXPECT_EQ(value_at(tanh_function(), -kInfinity), -1);
  EXPECT_EQ(value_at(erf_function(), kInfinity), 1);
  EXPECT_EQ(value_at(erf_function(), -kInfinity), -1);
  EXPECT_EQ(value_at(sigmoid_function(), kInfinity), 1);
  EXPECT_EQ(value_at(sigmoid_function(), -kInfinity), 0);
  EXPECT_EQ(value_at(rsqrt_function(), kInfinity), 0);
  EXPECT_EQ(value_at(rsqrt_function(), 0), kInfinity);
  EXPECT_TRUE(std::isnan(value_at(rsqrt_function(), -1)));
  for (const FunctionPtr& f :
       {silu_function(), gelu_tanh_function(), gelu_erf_function(), relu_function()}) {
    EXPECT_EQ(value_at(f, kInfinity), kInfinity) << f->name;
    EXPECT_EQ(value_at(f, -kInfinity), 0) << f->name;
  }
}

TEST(MathFunctions, TakeNanToNan) {
  for (const Subject& subject : subjects()) {
    EXPECT_TRUE(std::isnan(value_at(subject.function, kNan))) << subject.function->name;
    EXPECT_TRUE(std::isnan(value_at(subject.function, -kNan))) << subject.function->name;
  }
  EXPECT_TRUE(std::isnan(value_at(relu_function(), kNan)));
}

TEST(MathFunctions, KeepTheSignOfZero) {
  for (const FunctionPtr& f : {tanh_function(), erf_function()}) {
    EXPECT_TRUE(std::signbit(value_at(f, -0.0F))) << f->name;
    EXPECT_FALSE(std::signbit(value_at(f, 0.0F))) << f->name;
  }
}

TEST(MathFunctions, ExpHasSubnormalResults) {
  EXPECT_NEAR(value_at(exp_function(), -90), std::exp(-90.0), 1.1 * 0x1p-149);
  EXPECT_EQ(value_at(exp_function(), -103.9F), 0x1p-149F);
  EXPECT_EQ(value_at(exp_function(), -104), 0);
}

}  // namespace
}  // namespace heddle::kernel
