// Literals and operators in a kernel's text.
#include <gtest/gtest.h>

#include <bit>
#include <limits>
#include <utility>

#include "kernel/text_support.h"
#include "kernel/verify.h"

namespace heddle::kernel {
namespace {

/// A kernel `out = value`, whatever the value's type.
Kernel storing(const Expr& value) {
  Kernel kernel;
  kernel.name = "storing";
  Array out;
  out.name = "out";
  out.element = value.type();
  kernel.parameters = {ArrayParameter{out, Direction::kOut}};
  kernel.body = make_stmt(Store{"out", {}, value, std::nullopt});
  return kernel;
}

Expr float_literal(const Type& type, std::uint32_t bits) {
  return Expr(
      std::make_shared<const ExprNode>(ExprNode{type, Constant{0, std::bit_cast<float>(bits)}}));
}

TEST(KernelTextLiteral, IsWrittenSoThatItReadsBack) {
  const std::vector<std::pair<Expr, std::string>> cases = {
      {constant(bool_type(), Int128{1}), "true"},
      {Expr(0), "0"},
      {Expr(-3), "-3"},
      {constant(int_type(32), Int128{7}), "7"},
      {constant(index_type(), -(Int128{1} << 63)), "-9223372036854775808"},
      {constant(uint_type(64), (Int128{1} << 64) - 1), "uint<64>(18446744073709551615)"},
      {constant(fixed_type(16, 6), Int128{96}), "fixed<16,6>(0.09375)"},
      {constant(fixed_type(16, 6), Int128{-3}), "fixed<16,6>(-0.0029296875)"},
      {constant(fixed_type(16, 6), Int128{-1024}), "-1"},
      {constant(ufixed_type(8, 12), Int128{3}), "ufixed<8,12>(raw 3)"},
      {constant(fixed_type(8, -30), Int128{-5}), "fixed<8,-30>(raw -5)"},
      {constant(fixed_type(64, 4), (Int128{1} << 62) + 1), "fixed<64,4>(raw 4611686018427387905)"},
      {constant(int_type(8, Overflow::kSaturateSymmetric), Int128{-128}),
       "int<8,saturate_symmetric>(raw -128)"},
      {constant(float32_type(), 1.5), "1.5"},
      {constant(float32_type(), 0.1), "0.1"},
      {constant(float32_type(), 7.0), "7.0"},
      {constant(float32_type(), -0.0), "-0.0"},
      {constant(float32_type(), 3e10), "3e+10"},
      {constant(float32_type(), 1e-45), "1e-45"},
      {float_literal(float32_type(), 0x7F800000), "inf"},
      {float_literal(float32_type(), 0xFF800000), "-inf"},
      {float_literal(float32_type(), 0x7FC00000), "nan"},
      {float_literal(float32_type(), 0xFF800001), "float32(raw 0xff800001)"},
      {float_literal(bfloat16_type(), 0xFFC10000), "bfloat16(raw 0xffc1)"},
      {constant(bfloat16_type(), 0.1), "0.100097656"},
  };
  for (const auto& [literal, expected] : cases) {
    const Kernel kernel = storing(literal);
    ASSERT_FALSE(find_violation(kernel).has_value()) << expected;
    const std::string text = to_text(kernel);
    EXPECT_NE(text.find("out = " + expected + "\n"), std::string::npos) << expected << "\n" << text;
    EXPECT_TRUE(equal(*parse_kernel(text, "test"), kernel)) << text;
  }
}

TEST(KernelTextLiteral, IsReadInTheTypeItIsGiven) {
  const auto fixed = [](Int128 raw) { return constant(fixed_type(16, 6), raw); };
  EXPECT_TRUE(equal(parsed("fixed<16,6>", "fixed<16,6>(1.5)"), fixed(1536)));
  EXPECT_TRUE(equal(parsed("fixed<16,6>", "fixed<16,6>(15e-1)"), fixed(1536)));
  EXPECT_TRUE(equal(parsed("fixed<16,6>", "fixed<16,6>(0.1)"), fixed(102)));
  EXPECT_TRUE(equal(parsed("fixed<16,6>", "2"), fixed(2048)));
  EXPECT_TRUE(equal(parsed("int<8,saturate>", "int<8,saturate>(300)"),
                    constant(int_type(8, Overflow::kSaturate), Int128{127})));
  EXPECT_TRUE(equal(parsed("int<8>", "int<16>{5}"), constant(int_type(16), Int128{5})));
  EXPECT_TRUE(equal(parsed("int<8>", "int<16>(5)"), constant(int_type(8), Int128{5})));
  EXPECT_TRUE(equal(parsed("int<8>", "0x1f"), constant(int_type(8), Int128{31})));
  EXPECT_TRUE(equal(parsed("float32", "1"), constant(float32_type(), 1.0)));
  EXPECT_TRUE(equal(parsed("bfloat16", "0.1"), constant(bfloat16_type(), 0.1)));
  EXPECT_TRUE(equal(parsed("int<64>", "int<64>(raw -5)"), constant(int_type(64), Int128{-5})));
}

TEST(KernelTextOperator, LeavesOutConversionsThatItsMakerInserts) {
  EXPECT_EQ(printed("bool", "x8 < y16"), "x8 < y16");
  EXPECT_EQ(printed("bool", "int<16>(x8) < y16"), "x8 < y16");
  EXPECT_EQ(printed("bool", "index(x8) < i"), "x8 < i");
  EXPECT_EQ(printed("bool", "x8 < 5"), "x8 < 5");
  EXPECT_EQ(printed("int<32>", "x8 + 5"), "x8 + 5");
  EXPECT_EQ(printed("int<32>", "x8 + int<32>(5)"), "x8 + int<32>(5)");
  EXPECT_EQ(printed("int<32>", "int<32>(x8) + y16"), "int<32>(x8) + y16");
  EXPECT_EQ(printed("float32", "f * 2"), "f * 2.0");
  EXPECT_EQ(printed("float32", "f * float32(h)"), "f * h");
  EXPECT_EQ(printed("float32", "h + 1.5 + f"), "h + 1.5 + f");
  EXPECT_EQ(printed("float32", "float32(x8) * f"), "float32(x8) * f");
  EXPECT_EQ(printed("int<8>", "a[u4]"), "a[u4]");
  EXPECT_EQ(printed("int<32>", "select(p, x8, 1000)"), "select(p, x8, 1000)");
  EXPECT_EQ(printed("fixed<16,6>", "min(q, 2)"), "min(q, 2)");
  EXPECT_EQ(printed("int<64>", "x8 << 3"), "x8 << 3");
  EXPECT_EQ(printed("int<8>", "x8 >> u4"), "x8 >> u4");
  EXPECT_EQ(printed("index", "i * 2 + 1"), "i * 2 + 1");
}

TEST(KernelTextOperator, HasBracketsWhereTheTreeNeedsThem) {
  EXPECT_EQ(printed("float32", "(f - g) - f"), "f - g - f");
  EXPECT_EQ(printed("float32", "f - (g - f)"), "f - (g - f)");
  EXPECT_EQ(printed("float32", "(f + g) * f"), "(f + g) * f");
  EXPECT_EQ(printed("float32", "-(f + g)"), "-(f + g)");
  EXPECT_EQ(printed("float32", "-(-f)"), "--f");
  EXPECT_EQ(printed("bool", "(f < g) == p"), "(f < g) == p");
  EXPECT_EQ(printed("bool", "p || p && !(f < g)"), "p || p && !(f < g)");
  EXPECT_EQ(printed("bool", "(p || p) && p ^ p"), "(p || p) && (p ^ p)");
  EXPECT_EQ(printed("bool", "x8 & 1 == 0"), "(x8 & 1) == 0");
  EXPECT_EQ(printed("int<32>", "~x8 | y16 ^ u4 & 3"), "~x8 | (y16 ^ (u4 & 3))");
  EXPECT_EQ(printed("int<32>", "x8 + 1 << 2 >> 1"), "(x8 + 1) << 2 >> 1");
  EXPECT_EQ(printed("float32", "bits<float32>(bits<uint<32>>(f)) - -1.5"),
            "bits<float32>(bits<uint<32>>(f)) - -1.5");
}

TEST(KernelTextLiteral, StaysIfItTookItsPlaceAfterTheOperatorWasMade) {
  const KernelPtr kernel = round_trip(around(R"(
    var v: int<64>
    v = x8 << u4
    v = int<32>(u4) * x8
    v = abs(x8) + -x8
    v = select(u4 < x8, y16, u4)
    v = min(u4, x8) / u4 % 3
    z[i] = f * float32(u4) + sqrt(-f) * bits<float32>(bits<uint<32>>(f))
    z[i + 1 - i] = -f
    z[u4] = h * h
  )"));
  Kernel replaced = *kernel;
  replaced.body = substitute(kernel->body, {{"x8", constant(int_type(8), Int128{-7})},
                                            {"u4", constant(uint_type(4), Int128{3})},
                                            {"f", constant(float32_type(), 0.25)},
                                            {"h", constant(bfloat16_type(), 0.1)},
                                            {"i", constant(index_type(), Int128{1})}});
  ASSERT_FALSE(find_violation(replaced).has_value());
  const std::string text = to_text(replaced);
  EXPECT_NE(text.find("v = int<8>(-7) << uint<4>{3}\n"), std::string::npos) << text;
  EXPECT_NE(text.find("v = int<32>(uint<4>{3}) * int<8>(-7)\n"), std::string::npos) << text;
  EXPECT_NE(text.find("z[1] = -float32{0.25}\n"), std::string::npos) << text;
  EXPECT_TRUE(equal(*parse_kernel(text, "printed"), replaced)) << text;
}

}  // namespace
}  // namespace heddle::kernel
