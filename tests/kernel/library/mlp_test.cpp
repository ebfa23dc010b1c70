#include "kernel/library/mlp.h"

#include <cmath>

#include "kernel/library/checks.h"

namespace heddle::kernel {
namespace {

double activated(Activation activation, double x) {
  switch (activation) {
    case Activation::kGeluTanh:
      return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case Activation::kGeluErf:
      return 0.5 * x * std::erfc(-x * std::sqrt(0.5));
    case Activation::kSilu:
      return x / (1 + std::exp(-x));
    case Activation::kRelu:
      break;
  }
  return std::max(x, 0.0);
}

/// bias + the row x times a row of the weight, in double precision (exact for integers).
double layer(Operands& o, const std::string& name, const std::vector<double>& x, std::int64_t j,
             bool bias) {
  const auto inner = static_cast<std::int64_t>(x.size());
  double sum = bias ? o.buffer(name + "_bias").real(j) : 0;
  for (std::int64_t k = 0; k < inner; ++k) {
    sum += x[k] * o.buffer(name + "_weight").real(j * inner + k);
  }
  return sum;
}

std::vector<double> row(Operands& o, std::int64_t i, std::int64_t columns) {
  std::vector<double> values;
  for (std::int64_t j = 0; j < columns; ++j) {
    values.push_back(o.buffer("x").real(i * columns + j));
  }
  return values;
}

TEST(Mlp, InFloatIsCloseToItsFormula) {
  const std::vector<Activation> all = {Activation::kGeluTanh, Activation::kGeluErf,
                                       Activation::kSilu, Activation::kRelu};
  for (const Activation f : all) {
    for (const bool gated : {false, true}) {
      const bool bias = f == Activation::kGeluErf;
      const MlpShape shape{
          .rows = 3, .hidden = 5, .inner = 11, .activation = f, .gated = gated, .bias = bias};
      Operands o = run(mlp(shape), {});
      for (int i = 0; i < 3; ++i) {
        const std::vector<double> x = row(o, i, 5);
        std::vector<double> middle;
        for (int n = 0; n < 11; ++n) {
          const double up = layer(o, "up", x, n, bias);
          middle.push_back(gated ? activated(f, layer(o, "gate", x, n, bias)) * up
                                 : activated(f, up));
        }
        for (int j = 0; j < 5; ++j) {
          EXPECT_NEAR(o.grid<float>("y")(i, j), layer(o, "down", middle, j, bias), 1e-5);
        }
      }
    }
  }
}

std::int64_t int8_layer(Operands& o, const std::string& name, const std::vector<double>& x, int j) {
  return requantised(static_cast<std::int64_t>(layer(o, name, x, j, true)),
                     o.grid<std::int32_t>(name + "_multiplier")(j),
                     o.grid<std::uint8_t>(name + "_shift")(j));
}

TEST(Mlp, OfInt8RequantisesAfterEachLayer) {
  for (const bool gated : {false, true}) {
    const MlpShape shape{.rows = 4,
                         .hidden = 6,
                         .inner = 9,
                         .activation = Activation::kRelu,
                         .gated = gated,
                         .bias = true,
                         .number = Number::kInt8};
    Scalars scalars;
    if (gated) scalars = {{"product_multiplier", 1 << 30}, {"product_shift", 36}};
    const auto prepare = [&](Operands& o) {
      for (const char* name : {"up", "down"}) set_scaling(o, name, 15);
      if (gated) set_scaling(o, "gate", 15);
    };
    const auto reference = [&](Operands& o) {
      for (int i = 0; i < 4; ++i) {
        const std::vector<double> x = row(o, i, 6);
        std::vector<double> middle;
        for (int n = 0; n < 9; ++n) {
          const std::int64_t up = int8_layer(o, "up", x, n);
          const std::int64_t gate = gated ? int8_layer(o, "gate", x, n) : up;
          const std::int64_t active = std::max<std::int64_t>(gate, 0);
          middle.push_back(
              static_cast<double>(gated ? requantised(active * up, 1 << 30, 36) : active));
        }
        for (int j = 0; j < 6; ++j) {
          o.grid<std::int8_t>("y")(i, j) =
              static_cast<std::int8_t>(int8_layer(o, "down", middle, j));
        }
      }
    };
    expect_bits(mlp(shape), scalars, reference, prepare);
  }
}

TEST(Mlp, OfInt8WithACurvedActivationFollowsTheFloatOne) {
  // x and weights in steps of 1/64, the middle in 1/32, the activation's result in 1/32, y in 1/16.
  const MlpShape shape{.rows = 3,
                       .hidden = 16,
                       .inner = 24,
                       .activation = Activation::kGeluTanh,
                       .number = Number::kInt8};
  const auto scale_to = [](Operands& o, const std::string& name, int shift) {
    randomise(o.buffer(name + "_multiplier"), 1 << 30, 1 << 30, 0);
    randomise(o.buffer(name + "_shift"), 30 + shift, 30 + shift, 0);
  };
  Operands o = run(mlp(shape), {{"scale", 1.0 / 32}, {"inverse_scale", 32}}, [&](Operands& p) {
    for (const char* name : {"x", "up_weight", "down_weight"}) {
      randomise(p.buffer(name), -64, 64, 11);
    }
    scale_to(p, "up", 7);    // 2^-12 to 2^-5
    scale_to(p, "down", 7);  // 2^-11 to 2^-4
  });
  for (int i = 0; i < 3; ++i) {
    const std::vector<double> x = row(o, i, 16);
    std::vector<double> middle;
    for (int n = 0; n < 24; ++n) {
      const double up = std::clamp(std::ldexp(layer(o, "up", x, n, false), -12), -4.0, 3.96875);
      middle.push_back(activated(Activation::kGeluTanh, up));
    }
    for (int j = 0; j < 16; ++j) {
      const double exact = std::ldexp(layer(o, "down", middle, j, false), -6 + 4);
      EXPECT_NEAR(o.grid<std::int8_t>("y")(i, j), std::clamp(exact, -128.0, 127.0), 3);
    }
  }
}

}  // namespace
}  // namespace heddle::kernel
