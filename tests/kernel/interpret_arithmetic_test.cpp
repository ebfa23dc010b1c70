// Whatever way the interpreter computes, it gives what scalar.h says.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "kernel/interpret_support.h"

namespace heddle::kernel {
namespace {

constexpr std::int64_t kValues = 20;

class RandomValues {
 public:
  explicit RandomValues(unsigned seed) : random_(seed) {}

  int number(int below) { return static_cast<int>(random_() % static_cast<unsigned>(below)); }

  Type fixed(int most_bits) {
    const int width = number(4) == 0 ? most_bits - number(3) : 1 + number(most_bits);
    const bool is_integer = number(2) == 0;
    const int fraction = is_integer ? 0 : number(width + 8) - 4;
    const auto rounding = static_cast<Rounding>(number(7));
    const auto overflow = static_cast<Overflow>(number(5));
    const int integer_bits = width - fraction;
    return number(2) == 0 ? fixed_type(width, integer_bits, rounding, overflow)
                          : ufixed_type(width, integer_bits, rounding, overflow);
  }

  Type any(int most_bits) {
    switch (number(8)) {
      case 0:
        return float32_type();
      case 1:
        return bfloat16_type();
      case 2:
        return index_type();
      default:
        return fixed(most_bits);
    }
  }

  Scalar of(const Type& type) {
    if (type.is_float()) {
      const float real = real_number();
      return {type, 0, type.kind == TypeKind::kBFloat16 ? round_to_bfloat16(real) : real};
    }
    const Int128 low = type.overflow == Overflow::kSaturateSymmetric && type.is_signed
                           ? -highest(type)
                           : lowest(type);
    const Int128 span = highest(type) - low + 1;
    switch (number(6)) {
      case 0:
        return {type, low, 0};
      case 1:
        return {type, highest(type), 0};
      case 2:  // Small, where signs and ties are.
        return {type, std::clamp<Int128>(number(9) - 4, low, highest(type)), 0};
      default:
        return {type, low + static_cast<Int128>(random_()) % span, 0};
    }
  }

 private:
  float real_number() {
    switch (number(6)) {
      case 0:
        return std::bit_cast<float>(static_cast<std::uint32_t>(random_()));
      case 1: {
        constexpr float kSpecial[] = {0.0F,
                                      -0.0F,
                                      0.5F,
                                      -0.5F,
                                      std::numeric_limits<float>::infinity(),
                                      -std::numeric_limits<float>::infinity(),
                                      std::numeric_limits<float>::quiet_NaN(),
                                      std::numeric_limits<float>::denorm_min(),
                                      std::numeric_limits<float>::max()};
        return kSpecial[number(9)];
      }
      case 2:
        return static_cast<float>(number(64) - 32) / 8;
      default:
        return std::ldexp(static_cast<float>(random_() % (1U << 24)) - 8388608.0F, number(80) - 60);
    }
  }

  std::mt19937_64 random_;
};

/// Whether two values have the same bits; all NaNs are alike, which the processor makes as it
/// likes.
bool same(const Scalar& a, const Scalar& b) {
  if (!a.type.is_float()) return a.raw == b.raw;
  return std::bit_cast<std::uint32_t>(a.real) == std::bit_cast<std::uint32_t>(b.real) ||
         (std::isnan(a.real) && std::isnan(b.real));
}

/// The node's value by scalar.h. `operands` are those of x and y.
Scalar defined(const Expr& e, const std::map<std::string, Scalar>& operands, Fault& fault) {
  if (const auto* load = e.as<Load>()) return operands.at(load->array);
  if (const auto* literal = e.as<Constant>()) return {e.type(), literal->raw, literal->real};
  if (const auto* node = e.as<Unary>()) {
    const Scalar a = defined(node->operand, operands, fault);
    return fault != Fault::kNone ? a : apply(node->op, a, e.type(), fault);
  }
  if (const auto* node = e.as<Binary>()) {
    const Scalar a = defined(node->a, operands, fault);
    const Scalar b = defined(node->b, operands, fault);
    return fault != Fault::kNone ? a : apply(node->op, a, b, e.type(), fault);
  }
  if (const auto* node = e.as<Cast>()) {
    const Scalar a = defined(node->operand, operands, fault);
    return fault != Fault::kNone ? a : convert(a, e.type(), fault);
  }
  const auto* node = e.as<Bitcast>();
  EXPECT_NE(node, nullptr);
  return reinterpret(defined(node->operand, operands, fault), e.type());
}

/// Runs out[0] = e for values of x and y, and compares with the definition. Says how often there
/// was a value and how often a fault.
struct Counts {
  int values = 0;
  int faults = 0;
};

void compare(const std::function<Expr(Expr, Expr)>& make, const Type& x_type, const Type& y_type,
             const Type& out_type, RandomValues& values, Counts& counts) {
  KernelBuilder k("one");
  const ArrayHandle x = k.input("x", x_type, {1});
  const ArrayHandle y = k.input("y", y_type, {1});
  const ArrayHandle out = k.output("out", out_type, {1});
  const Expr e = cast(out_type, make(x(0), y(0)));
  out(0) = e;
  const KernelPtr kernel = k.build();
  for (std::int64_t i = 0; i < kValues; ++i) {
    const std::map<std::string, Scalar> operands = {{"x", values.of(x_type)},
                                                    {"y", values.of(y_type)}};
    Buffer a(x_type, {1});
    Buffer b(y_type, {1});
    Buffer c(out_type, {1});
    a.set(0, operands.at("x"));
    b.set(0, operands.at("y"));
    Fault fault = Fault::kNone;
    const Scalar expected = defined(e, operands, fault);
    const std::string text = mistake(kernel, {&a, &b, &c});
    const std::string what = fmt::format(
        "{} for x = {} ({}), y = {} ({}) in {}", to_string(e), to_string(operands.at("x")),
        to_string(x_type), to_string(operands.at("y")), to_string(y_type), to_string(out_type));
    ASSERT_EQ(text.empty(), fault == Fault::kNone) << what << ": " << text;
    if (fault == Fault::kNone) {
      ASSERT_TRUE(same(c.get(0), expected))
          << what << ": " << to_string(c.get(0)) << ", not " << to_string(expected);
      ++counts.values;
    } else {
      ++counts.faults;
    }
  }
}

/// Skips what the language does not allow, such as sums wider than kMaxWidth.
void compare_if_legal(const std::function<Expr(Expr, Expr)>& make, const Type& x_type,
                      const Type& y_type, const Type& out_type, RandomValues& values,
                      Counts& counts) {
  try {
    const Expr e = make(load("x", x_type, {Expr(0)}), load("y", y_type, {Expr(0)}));
    (void)cast(out_type, e);
  } catch (const UserError&) {
    return;
  }
  compare(make, x_type, y_type, out_type, values, counts);
}

TEST(InterpretArithmetic, ConvertsAsTheDefinitionDoes) {
  RandomValues values(1);
  Counts counts;
  for (int i = 0; i < 1500; ++i) {
    const Type from = values.any(64);
    const Type to = values.any(64);
    compare_if_legal([](const Expr& x, const Expr&) { return x; }, from, bool_type(), to, values,
                     counts);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(counts.values, 3000);
  EXPECT_GT(counts.faults, 300);
}

TEST(InterpretArithmetic, OperatesAsTheDefinitionDoes) {
  RandomValues values(2);
  Counts counts;
  for (int i = 0; i < 1800; ++i) {
    const auto op = static_cast<BinaryOp>(i % 18);
    const bool is_wide = values.number(3) == 0;
    const Type x = values.any(is_wide ? 64 : 24);
    Type y = values.number(2) == 0 ? values.any(is_wide ? 64 : 24) : x;
    if (op == BinaryOp::kShl || op == BinaryOp::kShr) y = int_type(4);
    const Type out = values.any(64);
    const bool is_own = values.number(2) == 0;
    compare_if_legal(
        [&](const Expr& a, const Expr& b) {
          const Expr e = binary(op, a, b);
          const Type& type = e.type();
          // Its own type where an array can have it, so that few results fault on their way out.
          if (is_own && type.is_fixed() && type.width > 64) return cast(float32_type(), e);
          return e;
        },
        x, y, out, values, counts);
    if (HasFatalFailure()) return;
    if (!is_own) continue;
    compare_if_legal([&](const Expr& a, const Expr& b) { return binary(op, a, b); }, x, y,
                     float32_type(), values, counts);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(counts.values, 3000);
  EXPECT_GT(counts.faults, 300);
}

TEST(InterpretArithmetic, KeepsResultsInTheTypesThatOperatorsGive) {
  RandomValues values(3);
  Counts counts;
  for (int i = 0; i < 1200; ++i) {
    const auto op = static_cast<BinaryOp>(i % 18);
    const Type x = values.any(30);
    const Type y = values.number(2) == 0 ? x : values.any(30);
    try {
      const Expr e = binary(op, load("x", x, {Expr(0)}), load("y", y, {Expr(0)}));
      compare([&](const Expr& a, const Expr& b) { return binary(op, a, b); }, x, y, e.type(),
              values, counts);
    } catch (const UserError&) {
      continue;
    }
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(counts.values, 3000);
}

TEST(InterpretArithmetic, ShiftsByLiterals) {
  RandomValues values(4);
  Counts counts;
  for (int i = 0; i < 300; ++i) {
    const Type x = values.fixed(64);
    const int amount = values.number(20);
    compare_if_legal([&](const Expr& a, const Expr&) { return a << Expr(amount); }, x, bool_type(),
                     float32_type(), values, counts);
    compare_if_legal([&](const Expr& a, const Expr&) { return a >> Expr(amount * 4); }, x,
                     bool_type(), float32_type(), values, counts);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(counts.values, 3000);
}

TEST(InterpretArithmetic, KnowsNoShiftByMoreThanTheWidestType) {
  const Expr x = load("x", int_type(8), {Expr(0)});
  for (const Int128 amount : {Int128{128}, (Int128{1} << 64) + 3, -(Int128{1} << 64) + 3}) {
    EXPECT_THROW((void)(x << constant(int_type(kMaxWidth), amount)), UserError);
  }
}

TEST(Arithmetic, ShiftsIntoEveryBitOfTheWidestTypes) {
  for (const Type& type : {uint_type(64), int_type(64)}) {
    const Type wide = shifted_left_type(type, 63);
    for (const Int128 raw : {lowest(type), highest(type)}) {
      Fault fault = Fault::kNone;
      const Scalar result =
          apply(BinaryOp::kShl, {type, raw, 0}, {uint_type(6), 63, 0}, wide, fault);
      EXPECT_EQ(fault, Fault::kNone) << to_string(raw);
      EXPECT_EQ(to_string(result.raw), to_string(raw * (Int128{1} << 63)));
    }
  }
}

TEST(Arithmetic, RoundsNumbersOfWhichNoBitIsLeft) {
  const auto rounded = [](const Type& from, Int128 raw, int drop, Rounding rounding) {
    Fault fault = Fault::kNone;
    const Scalar result =
        convert({from, raw, 0}, fixed_type(8, 8 + drop, rounding, Overflow::kSaturate), fault);
    EXPECT_EQ(fault, Fault::kNone);
    return static_cast<int>(result.raw);
  };
  const Type natural = uint_type(kMaxWidth);
  const Type integer = int_type(kMaxWidth);
  const Int128 half = Int128{1} << (kMaxWidth - 1);
  EXPECT_EQ(rounded(natural, half - 1, kMaxWidth, Rounding::kNearest), 0);
  EXPECT_EQ(rounded(natural, half, kMaxWidth, Rounding::kNearest), 1);
  EXPECT_EQ(rounded(natural, half, kMaxWidth, Rounding::kNearestEven), 0);
  EXPECT_EQ(rounded(natural, half + 1, kMaxWidth, Rounding::kNearestEven), 1);
  EXPECT_EQ(rounded(natural, highest(natural), kMaxWidth, Rounding::kTruncate), 0);
  EXPECT_EQ(rounded(integer, -half, kMaxWidth, Rounding::kNearest), 0);
  EXPECT_EQ(rounded(integer, -half, kMaxWidth, Rounding::kNearestNegative), -1);
  EXPECT_EQ(rounded(integer, -half, kMaxWidth, Rounding::kNearestEven), 0);
  EXPECT_EQ(rounded(natural, highest(natural), kMaxWidth + 1, Rounding::kNearest), 0);
  EXPECT_EQ(rounded(integer, -half, kMaxWidth + 1, Rounding::kNearestNegative), 0);
  EXPECT_EQ(rounded(integer, -half, kMaxWidth + 1, Rounding::kTruncate), -1);
}

TEST(InterpretArithmetic, AppliesUnaryOperatorsAsTheDefinitionDoes) {
  RandomValues values(5);
  Counts counts;
  for (int i = 0; i < 1000; ++i) {
    const auto op = static_cast<UnaryOp>(i % 6);
    const Type x = i % 31 == 0 ? bool_type() : values.any(64);
    try {
      const Type own = result_type(op, x);
      const Type out = own.is_fixed() && own.width > 64 ? float32_type() : own;
      compare([&](const Expr& a, const Expr&) { return unary(op, a); }, x, bool_type(), out, values,
              counts);
    } catch (const UserError&) {
      continue;
    }
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(counts.values, 2000);
  EXPECT_GT(counts.faults, 10);
}

TEST(InterpretArithmetic, ReadsBitsAsOtherTypes) {
  RandomValues values(6);
  Counts counts;
  const auto as = [](const Type& type) {
    return [type](const Expr& a, const Expr&) { return bitcast(type, a); };
  };
  const Type pairs[][2] = {{float32_type(), uint_type(32)}, {int_type(32), float32_type()},
                           {bfloat16_type(), int_type(16)}, {uint_type(16), bfloat16_type()},
                           {int_type(64), uint_type(64)},   {uint_type(64), index_type()},
                           {uint_type(7), int_type(7)},     {index_type(), fixed_type(64, 3)}};
  for (const auto& [from, to] : pairs) {
    compare(as(to), from, bool_type(), to, values, counts);
    if (HasFatalFailure()) return;
  }
  EXPECT_EQ(counts.values, 8 * kValues);
}

TEST(InterpretArithmetic, ComputesChainsOfWideNumbers) {
  RandomValues values(7);
  Counts counts;
  for (int i = 0; i < 200; ++i) {
    const Type x = values.fixed(40);
    const Type y = values.fixed(40);
    const Type out = values.fixed(64);
    compare_if_legal(
        [](const Expr& a, const Expr& b) { return (a * b - a) * (b + Expr(1)) + abs(a - b); }, x, y,
        out, values, counts);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(counts.values, 400);
}

TEST(InterpretArithmetic, TakesTheRemainderOfTheLowestNumberByMinusOne) {
  KernelBuilder k("lowest");
  const Type type = int_type(64);
  const ArrayHandle x = k.input("x", type, {2});
  const ArrayHandle out = k.output("out", type, {1});
  out(0) = x(0) % x(1);
  Buffer in(type, {2});
  in.set(0, Scalar{type, lowest(type), 0});
  in.set(1, Scalar{type, -1, 0});
  Buffer buffer = filled(type, {1}, {7});
  interpret(*k.build(), std::vector<Argument>{&in, &buffer});
  EXPECT_EQ(buffer.real(0), 0);
}

TEST(InterpretArithmetic, DoesNotContractProductsAndSums) {
  KernelBuilder k("contracted");
  const ArrayHandle x = k.input("x", float32_type(), {3});
  const ArrayHandle out = k.output("out", float32_type(), {1});
  out(0) = x(0) * x(1) + x(2);
  // (1 + 2^-12)^2 = 1 + 2^-11 + 2^-24; the product rounds the last term away.
  Buffer in = filled(float32_type(), {3}, {1 + 0x1p-12, 1 + 0x1p-12, -(1 + 0x1p-11)});
  Buffer buffer(float32_type(), {1});
  interpret(*k.build(), std::vector<Argument>{&in, &buffer});
  EXPECT_EQ(buffer.real(0), 0);
}

TEST(InterpretArithmetic, CallsFunctionsWithTheirOwnNames) {
  const auto function = std::make_shared<Function>();
  function->name = "poly";
  function->parameters = {{"x", float32_type()}, {"i", float32_type()}};
  const Expr x = variable("x", float32_type());
  const Expr i = variable("i", float32_type());
  function->bindings = {{"y", x * x}, {"z", variable("y", float32_type()) + i}};
  function->result = variable("z", float32_type()) * variable("y", float32_type());
  KernelBuilder k("applied");
  const ArrayHandle out = k.output("out", float32_type(), {3});
  k.loop("i", 0, 3, [&](const Expr& counter) {
    const Expr value = cast(float32_type(), counter);
    out(counter) = apply(function, {apply(function, {value, Expr(1.0)}), value});
  });
  Buffer buffer(float32_type(), {3});
  interpret(*k.build(), std::vector<Argument>{&buffer});
  const auto poly = [](double a, double b) { return (a * a + b) * a * a; };
  for (int n = 0; n < 3; ++n) EXPECT_EQ(buffer.real(n), poly(poly(n, 1), n));
}

}  // namespace
}  // namespace heddle::kernel
