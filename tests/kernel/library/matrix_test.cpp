#include "kernel/library/matrix.h"

#include <cmath>

#include "base/error.h"
#include "kernel/library/checks.h"

namespace heddle::kernel {
namespace {

struct Extents {
  std::int64_t rows;
  std::int64_t columns;
  std::int64_t inner;
};
const std::vector<Extents> kExtents = {{1, 1, 1}, {3, 5, 7}, {8, 16, 4}, {13, 2, 31}};

/// A bfloat16 as its float.
float widened(std::uint16_t bits) {
  return std::bit_cast<float>(std::uint32_t{bits} << 16);
}
float widened(float value) {
  return value;
}
std::int32_t widened(std::int8_t value) {
  return value;
}

/// y = bias + x weight^T with T summed as Sum.
template <typename T, typename Sum>
void plain_linear(Operands& o, bool bias) {
  const Grid<T> x = o.grid<T>("x");
  const Grid<T> weight = o.grid<T>("weight");
  const Grid<Sum> y = o.grid<Sum>("y");
  for (int i = 0; i < y.extent(0); ++i) {
    for (int j = 0; j < y.extent(1); ++j) {
      Sum sum = bias ? o.grid<Sum>("bias")(j) : Sum{0};
      for (int k = 0; k < x.extent(1); ++k) sum += widened(x(i, k)) * widened(weight(j, k));
      y(i, j) = sum;
    }
  }
}

using Reference = void (*)(Operands&, bool);
struct TypeCase {
  Number number;
  Reference linear;
};
const std::vector<TypeCase> kTypes = {{Number::kFloat32, plain_linear<float, float>},
                                      {Number::kBFloat16, plain_linear<std::uint16_t, float>},
                                      {Number::kInt8, plain_linear<std::int8_t, std::int32_t>}};

TEST(Linear, GivesTheBitsOfPlainCpp) {
  for (const Extents& e : kExtents) {
    for (const TypeCase& type : kTypes) {
      for (const bool bias : {false, true}) {
        const KernelPtr kernel = linear({.rows = e.rows,
                                         .columns = e.columns,
                                         .inner = e.inner,
                                         .number = type.number,
                                         .bias = bias});
        expect_bits(kernel, {}, [&](Operands& o) { type.linear(o, bias); });
      }
    }
  }
}

TEST(Linear, OnARangeOfRowsLeavesTheOthers) {
  const KernelPtr kernel =
      linear({.rows = 6, .columns = 3, .inner = 4, .range = Rows::kRange}, "some_rows");
  const auto reference = [](Operands& o) {
    Operands all = o;
    plain_linear<float, float>(all, false);
    for (int i = o.size("first"); i < o.size("last"); ++i) {
      for (int j = 0; j < 3; ++j) o.grid<float>("y")(i, j) = all.grid<float>("y")(i, j);
    }
  };
  expect_bits(kernel, {{"first", 2}, {"last", 5}}, reference);
  expect_bits(kernel, {{"first", 3}, {"last", 3}}, reference);
}

TEST(Linear, OfCausalScoresComputesVisibleKeysOnly) {
  const KernelPtr kernel =
      linear({.rows = 4, .columns = 6, .inner = 3, .mask = Mask::kCausal}, "scores");
  for (const double offset : {-2, 0, 2, 9}) {
    expect_bits(kernel, {{"offset", offset}}, [](Operands& o) {
      Operands all = o;
      plain_linear<float, float>(all, false);
      for (int i = 0; i < 4; ++i) {
        for (int j = 0; j < 6 && j <= o.size("offset") + i; ++j) {
          o.grid<float>("y")(i, j) = all.grid<float>("y")(i, j);
        }
      }
    });
  }
}

TEST(Linear, RefusesInt8SumsThatCouldOverflow) {
  EXPECT_NO_THROW(linear({.inner = kLongestInt8Sum, .number = Number::kInt8}));
  EXPECT_THROW(linear({.inner = kLongestInt8Sum + 1, .number = Number::kInt8}), UserError);
  EXPECT_NO_THROW(linear({.inner = kLongestInt8Sum + 1}));
}

TEST(Linear, HoldsTheLargestInt8Sum) {
  const KernelPtr kernel = linear({.inner = 4096, .number = Number::kInt8});
  Operands o = run(kernel, {}, [](Operands& operands) {
    for (const char* name : {"x", "weight"}) randomise(operands.buffer(name), -128, -128, 0);
  });
  EXPECT_EQ(o.grid<std::int32_t>("y")(0, 0), 4096 * 128 * 128);
}

template <typename T, typename Sum>
void plain_gemm(Operands& o, bool) {
  const Grid<T> a = o.grid<T>("a");
  const Grid<T> b = o.grid<T>("b");
  const Grid<Sum> c = o.grid<Sum>("c");
  for (int i = 0; i < c.extent(0); ++i) {
    for (int j = 0; j < c.extent(1); ++j) {
      Sum sum = 0;
      for (int k = 0; k < a.extent(1); ++k) sum += widened(a(i, k)) * widened(b(k, j));
      c(i, j) = sum;
    }
  }
}

TEST(Gemm, GivesTheBitsOfPlainCpp) {
  const std::map<std::string, Reference> types = {{"float32", plain_gemm<float, float>},
                                                  {"bfloat16", plain_gemm<std::uint16_t, float>},
                                                  {"int8", plain_gemm<std::int8_t, std::int32_t>}};
  for (const Extents& e : kExtents) {
    for (const auto& [type, reference] : types) {
      const KernelPtr kernel = made("gemm", {{"rows", std::to_string(e.rows)},
                                             {"columns", std::to_string(e.columns)},
                                             {"inner", std::to_string(e.inner)},
                                             {"type", type}});
      expect_bits(kernel, {}, [&](Operands& o) { reference(o, false); });
    }
  }
}

TEST(Gemm, OfCausalWeightsStopsAtTheLastVisibleKey) {
  const KernelPtr kernel =
      gemm({.rows = 3, .columns = 2, .inner = 5, .mask = Mask::kCausal}, "mix");
  expect_bits(kernel, {{"offset", 1}}, [](Operands& o) {
    for (int i = 0; i < 3; ++i) {
      for (int j = 0; j < 2; ++j) {
        float sum = 0;
        for (int k = 0; k < 2 + i; ++k) sum += o.grid<float>("a")(i, k) * o.grid<float>("b")(k, j);
        o.grid<float>("c")(i, j) = sum;
      }
    }
  });
}

template <typename T, typename Sum>
void plain_gemv(Operands& o, bool bias) {
  const Grid<T> weight = o.grid<T>("weight");
  const Grid<T> x = o.grid<T>("x");
  for (int i = 0; i < weight.extent(0); ++i) {
    Sum sum = bias ? o.grid<Sum>("bias")(i) : Sum{0};
    for (int k = 0; k < weight.extent(1); ++k) sum += widened(weight(i, k)) * widened(x(k));
    o.grid<Sum>("y")(i) = sum;
  }
}

TEST(Gemv, GivesTheBitsOfPlainCpp) {
  const std::vector<TypeCase> types = {{Number::kFloat32, plain_gemv<float, float>},
                                       {Number::kBFloat16, plain_gemv<std::uint16_t, float>},
                                       {Number::kInt8, plain_gemv<std::int8_t, std::int32_t>}};
  for (const Extents& e : kExtents) {
    for (const TypeCase& type : types) {
      for (const bool bias : {false, true}) {
        const KernelPtr kernel =
            gemv({.rows = e.rows, .inner = e.inner, .number = type.number, .bias = bias});
        expect_bits(kernel, {}, [&](Operands& o) { type.linear(o, bias); });
      }
    }
  }
}

}  // namespace
}  // namespace heddle::kernel
