#include "kernel/library/elementwise.h"

#include <cmath>

#include "kernel/library/checks.h"

namespace heddle::kernel {
namespace {

double exact(Activation activation, double x) {
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

const std::vector<Activation> kActivations = {Activation::kGeluTanh, Activation::kGeluErf,
                                              Activation::kSilu, Activation::kRelu};

TEST(Activations, InFloatAreCloseToTheirFormulas) {
  for (const Activation f : kActivations) {
    Operands o = run(activation(f, {5, 7}, "f"), {},
                     [](Operands& operands) { randomise(operands.buffer("x"), -6, 6, 1); });
    for (std::int64_t i = 0; i < 35; ++i) {
      const double x = o.buffer("x").real(i);
      EXPECT_NEAR(o.buffer("y").real(i), exact(f, x), 3e-7 * std::fabs(x)) << x;
    }
  }
}

TEST(Activations, OnInt8AreTheNearestStepForEveryValue) {
  const double scale = 0.046875;
  const double out_scale = 0.04;
  for (const Activation f : kActivations) {
    Scalars scalars;
    if (takes_scales(f)) scalars = {{"scale", scale}, {"inverse_scale", 1 / out_scale}};
    Operands o = run(activation(f, {2, 128, Number::kInt8}, "f"), scalars, [](Operands& operands) {
      for (int v = 0; v < 256; ++v) operands.buffer("x").set(v, v - 128.0);
    });
    for (int v = -128; v < 128; ++v) {
      const double real = takes_scales(f) ? exact(f, v * scale) / out_scale : std::max(v, 0);
      const double expected = std::clamp(real, -128.0, 127.0);
      EXPECT_NEAR(o.buffer("y").real(v + 128), expected, 0.5001) << v;
    }
  }
}

TEST(Residual, AddsFloats) {
  expect_bits(residual({3, 5}), {}, [](Operands& o) {
    for (int i = 0; i < 3; ++i) {
      for (int j = 0; j < 5; ++j) {
        o.grid<float>("y")(i, j) = o.grid<float>("a")(i, j) + o.grid<float>("b")(i, j);
      }
    }
  });
}

TEST(Residual, OfInt8RoundsAndSaturatesTheScaledSum) {
  const std::int64_t a_scale = 1'500'000'000;
  const std::int64_t b_scale = 700'000'000;
  const Scalars scalars = {{"multiplier_a", 1.5e9}, {"multiplier_b", 7e8}, {"shift", 30}};
  const auto whole = [](Operands& o) {
    randomise(o.buffer("a"), -128, 127, 1);
    randomise(o.buffer("b"), -128, 127, 2);
  };
  int saturated = 0;
  expect_bits(
      residual({7, 9, Number::kInt8}), scalars,
      [&](Operands& o) {
        for (int i = 0; i < 7; ++i) {
          for (int j = 0; j < 9; ++j) {
            const std::int64_t sum =
                o.grid<std::int8_t>("a")(i, j) * a_scale + o.grid<std::int8_t>("b")(i, j) * b_scale;
            const auto nearest =
                static_cast<std::int64_t>(std::floor(static_cast<double>(sum) / (1 << 30) + 0.5));
            saturated += nearest > 127 || nearest < -128 ? 1 : 0;
            o.grid<std::int8_t>("y")(i, j) =
                static_cast<std::int8_t>(std::clamp<std::int64_t>(nearest, -128, 127));
          }
        }
      },
      whole);
  EXPECT_GT(saturated, 0);
}

TEST(Multiply, TakesElementByElement) {
  expect_bits(multiply({3, 5}), {}, [](Operands& o) {
    for (int i = 0; i < 15; ++i) {
      o.buffer("y").as<float>()[i] = o.buffer("a").as<float>()[i] * o.buffer("b").as<float>()[i];
    }
  });
  expect_bits(multiply({4, 3, Number::kInt8}), {{"multiplier", 123'456'789}, {"shift", 34}},
              [](Operands& o) {
                for (int i = 0; i < 12; ++i) {
                  const int product =
                      o.buffer("a").as<std::int8_t>()[i] * o.buffer("b").as<std::int8_t>()[i];
                  o.buffer("y").as<std::int8_t>()[i] = requantised(product, 123'456'789, 34);
                }
              });
}

TEST(Requantise, RoundsToTheNearestTiesUpward) {
  const KernelPtr kernel = requantise_matrix({1, 8});
  const std::vector<double> x = {-3, -1, 1, 3, 5, 253, 254, 1000};
  Operands o = run(kernel, {{"multiplier", 1}, {"shift", 1}}, [&](Operands& operands) {
    for (int i = 0; i < 8; ++i) operands.buffer("x").set(i, x[i]);
  });
  const std::vector<int> expected = {-1, 0, 1, 2, 3, 127, 127, 127};
  for (int i = 0; i < 8; ++i) EXPECT_EQ(o.grid<std::int8_t>("y")(0, i), expected[i]) << x[i];
}

TEST(Requantise, HoldsTheEndsOfItsRange) {
  const KernelPtr kernel = requantise_matrix({1, 2});
  const auto ends = [](Operands& o) {
    o.grid<std::int32_t>("x")(0, 0) = std::numeric_limits<std::int32_t>::min();
    o.grid<std::int32_t>("x")(0, 1) = std::numeric_limits<std::int32_t>::max();
  };
  Operands o = run(kernel, {{"multiplier", 2147483647.0}, {"shift", 54}}, ends);
  EXPECT_EQ(o.grid<std::int8_t>("y")(0, 0), -128);
  EXPECT_EQ(o.grid<std::int8_t>("y")(0, 1), 127);
  o = run(kernel, {{"multiplier", 2147483647.0}, {"shift", 62}}, ends);
  EXPECT_EQ(o.grid<std::int8_t>("y")(0, 0), -1);
  EXPECT_EQ(o.grid<std::int8_t>("y")(0, 1), 1);
}

TEST(Requantise, PerChannelGivesTheBitsOfPlainCpp) {
  const KernelPtr kernel =
      requantise_matrix({.rows = 5, .columns = 6, .per_channel = true, .is_range = true});
  const auto prepare = [](Operands& o) {
    randomise(o.buffer("x"), -3e6, 3e6, 1);
    randomise(o.buffer("multiplier"), 0, 2147483647.0, 2);
    randomise(o.buffer("shift"), 40, 52, 3);
  };
  expect_bits(
      kernel, {{"first", 1}, {"last", 4}},
      [](Operands& o) {
        for (int i = 1; i < 4; ++i) {
          for (int j = 0; j < 6; ++j) {
            o.grid<std::int8_t>("y")(i, j) =
                requantised(o.grid<std::int32_t>("x")(i, j), o.grid<std::int32_t>("multiplier")(j),
                            o.grid<std::uint8_t>("shift")(j));
          }
        }
      },
      prepare);
}

}  // namespace
}  // namespace heddle::kernel
