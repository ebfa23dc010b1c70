// Every operator, type and conversion as native code: the bits of scalar.h.
#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "base/error.h"
#include "kernel/builder.h"
#include "kernel/codegen/cpp/native.h"
#include "kernel/scalar.h"
#include "support/scratch.h"

namespace heddle::kernel {
namespace {

using Random = std::mt19937_64;

constexpr std::int64_t kValues = 75;  // No multiple of a vector's length.

template <typename List>
const auto& pick(const List& list, Random& random) {
  return list[random() % list.size()];
}

/// What is computed of each pair of elements, as an expression and by scalar.h.
struct Case {
  std::string label;
  Type a;
  Type b;
  std::function<Expr(const Expr&, const Expr&)> expression;
  std::function<Scalar(const Scalar&, const Scalar&, Fault&)> scalar;
};

Scalar random_value(const Type& type, Random& random) {
  if (type.is_float()) {
    const std::array special = {0.0F,
                                -0.0F,
                                0.5F,
                                -0.5F,
                                1.5F,
                                -2.5F,
                                127.5F,
                                -128.5F,
                                2147483648.0F,
                                -2147483648.0F,
                                9.3e18F,
                                1e30F,
                                -1e38F,
                                1e-40F,
                                std::numeric_limits<float>::infinity(),
                                -std::numeric_limits<float>::infinity(),
                                std::numeric_limits<float>::quiet_NaN()};
    float real = pick(special, random);
    if (random() % 3 != 0) {
      const float digits =
          static_cast<float>(static_cast<std::int64_t>(random() >> 40) - (1 << 23));
      real = std::ldexp(digits, static_cast<int>(random() % 40) - 30);
    }
    return {type, 0, type.kind == TypeKind::kBFloat16 ? round_to_bfloat16(real) : real};
  }
  const std::array ends = {lowest(type), highest(type),     Int128{0},
                           Int128{1},    highest(type) / 2, lowest(type) / 2};
  Int128 raw = pick(ends, random);
  if (random() % 4 != 0) {
    // Of any size: small divisors and shift amounts are as interesting as large numbers.
    raw = static_cast<std::int64_t>(random()) >> (random() % 64);
  }
  return {type, std::clamp(raw, lowest(type), highest(type)), 0};
}

std::vector<Type> operand_types() {
  return {bool_type(),        index_type(),       float32_type(),    bfloat16_type(),
          int_type(1),        int_type(8),        int_type(13),      int_type(32),
          int_type(64),       uint_type(1),       uint_type(8),      uint_type(31),
          uint_type(32),      uint_type(64),      fixed_type(16, 6), ufixed_type(12, 15),
          fixed_type(24, -4), ufixed_type(32, 8), fixed_type(40, 20)};
}

Type random_target(Random& random) {
  const std::array kinds = {index_type(), float32_type(), bfloat16_type()};
  if (random() % 6 == 0) return pick(kinds, random);
  const std::array widths = {1, 2, 7, 8, 12, 16, 31, 32, 33, 48, 63, 64};
  const int width = pick(widths, random);
  const int integer_bits = static_cast<int>(random() % 90) - 20;
  const auto rounding = static_cast<Rounding>(random() % 7);
  const auto overflow = static_cast<Overflow>(random() % 5);
  const int whole = random() % 2 == 0 ? width : integer_bits;
  return random() % 2 == 0 ? fixed_type(width, whole, rounding, overflow)
                           : ufixed_type(width, whole, rounding, overflow);
}

Case binary_case(BinaryOp op, const Type& a, const Type& b) {
  const Expr sample = binary(op, variable("a", a), variable("b", b));
  const Type result = sample.type();
  const bool has_common = is_comparison(op) || op == BinaryOp::kMin || op == BinaryOp::kMax ||
                          op == BinaryOp::kAnd || op == BinaryOp::kOr || op == BinaryOp::kXor;
  const bool is_shift = op == BinaryOp::kShl || op == BinaryOp::kShr;
  const bool converts = !is_shift && (has_common || !common_type(a, b).is_fixed());
  const Type common = converts ? common_type(a, b) : a;
  return {fmt::format("{} {} {}", to_string(a), to_string(op), to_string(b)), a, b,
          [op](const Expr& x, const Expr& y) { return binary(op, x, y); },
          [=](const Scalar& x, const Scalar& y, Fault& fault) {
            if (!converts) return apply(op, x, y, result, fault);
            return apply(op, convert(x, common, fault), convert(y, common, fault), result, fault);
          }};
}

Case unary_case(UnaryOp op, const Type& a) {
  const Type result = result_type(op, a);
  return {
      fmt::format("{} {}", to_string(op), to_string(a)), a, a,
      [op](const Expr& x, const Expr&) { return unary(op, x); },
      [=](const Scalar& x, const Scalar&, Fault& fault) { return apply(op, x, result, fault); }};
}

Case cast_case(const Type& target, const Case& inner) {
  return {fmt::format("{}({})", to_string(target), inner.label), inner.a, inner.b,
          [=](const Expr& x, const Expr& y) { return cast(target, inner.expression(x, y)); },
          [=](const Scalar& x, const Scalar& y, Fault& fault) {
            return convert(inner.scalar(x, y, fault), target, fault);
          }};
}

Case identity_case(const Type& a) {
  return {to_string(a), a, a, [](const Expr& x, const Expr&) { return x; },
          [](const Scalar& x, const Scalar&, Fault&) { return x; }};
}

/// The low and the high half of results that no array holds.
std::vector<Case> storable(const Case& wide) {
  const Type half = int_type(64, Overflow::kWrap);
  Case high = wide;
  high.expression = [=](const Expr& x, const Expr& y) { return wide.expression(x, y) >> 64; };
  high.scalar = [=](const Scalar& x, const Scalar& y, Fault& fault) {
    const Scalar value = wide.scalar(x, y, fault);
    return apply(BinaryOp::kShr, value, {uint_type(7), 64, 0}, value.type, fault);
  };
  const Type type = wide.expression(variable("a", wide.a), variable("b", wide.b)).type();
  // With the same fraction, so that all bits are kept.
  const Type bits = fixed_type(64, 64 - type.fraction, Rounding::kTruncate, half.overflow);
  return {cast_case(bits, wide), cast_case(bits, high)};
}

/// A batch of cases, compiled together and run on values that make no fault.
class Batch {
 public:
  void add(const Case& one) {
    const Type type = one.expression(variable("a", one.a), variable("b", one.b)).type();
    if (type.is_fixed() && type.width > kMaxElementWidth) {
      for (const Case& half : storable(one)) add(half);
      return;
    }
    KernelBuilder k(fmt::format("case_{}", cases_.size()));
    const ArrayHandle a = k.input("a", one.a, {kValues});
    const ArrayHandle b = k.input("b", one.b, {kValues});
    const ArrayHandle c = k.output("c", type, {kValues});
    k.loop("i", 0, kValues, [&](const Expr& i) { c(i) = one.expression(a(i), b(i)); });
    kernels_.push_back(k.build());
    cases_.push_back(one);
    results_.push_back(type);
  }

  /// Adds the case if the types go together.
  void try_to_add(const std::function<Case()>& make) {
    try {
      add(make());
    } catch (const UserError&) {
      return;
    }
  }

  [[nodiscard]] std::size_t size() const { return cases_.size(); }

  void expect_bits_of_scalars(Random& random) {
    const Scratch cache;
    NativeOptions options;
    options.cache = cache.path();
    const NativeLibrary library(kernels_, options);
    for (std::size_t i = 0; i < cases_.size(); ++i) expect_case(library, i, random);
    EXPECT_GT(compared_, cases_.size() * 9 / 10);
  }

 private:
  void expect_case(const NativeLibrary& library, std::size_t number, Random& random) {
    const Case& one = cases_[number];
    Buffer a(one.a, {kValues});
    Buffer b(one.b, {kValues});
    Buffer c(results_[number], {kValues});
    std::vector<Scalar> expected;
    // Some operators have no values without a fault: an index divided by an int<1>.
    for (int tries = 0; tries < 40 * kValues && std::ssize(expected) < kValues; ++tries) {
      const Scalar x = random_value(one.a, random);
      const Scalar y = random_value(one.b, random);
      Fault fault = Fault::kNone;
      const Scalar result = one.scalar(x, y, fault);
      if (fault != Fault::kNone) continue;
      a.set(std::ssize(expected), x);
      b.set(std::ssize(expected), y);
      expected.push_back(result);
    }
    if (std::ssize(expected) < kValues) return;
    ++compared_;
    const std::vector<Argument> arguments = {&a, &b, &c};
    library.run(arguments, number);
    for (std::int64_t i = 0; i < kValues; ++i) {
      const Scalar got = c.get(i);
      const bool same = std::isnan(expected[i].real)
                            ? std::isnan(got.real)
                            : std::bit_cast<std::uint32_t>(got.real) ==
                                  std::bit_cast<std::uint32_t>(expected[i].real);
      ASSERT_TRUE(got.raw == expected[i].raw && same)
          << one.label << " of " << to_string(a.get(i)) << " and " << to_string(b.get(i)) << " is "
          << to_string(expected[i]) << ", not " << to_string(got);
    }
  }

  std::vector<Case> cases_;
  std::vector<Type> results_;
  std::vector<KernelPtr> kernels_;
  std::size_t compared_ = 0;
};

/// A quarter of the pairs of types, another one for each operator.
void add_pairs(Batch& batch, BinaryOp op, Random& random, unsigned one_in) {
  const std::vector<Type> types = operand_types();
  for (const Type& a : types) {
    for (const Type& b : types) {
      if (random() % one_in != 0) continue;
      batch.try_to_add([&] { return binary_case(op, a, b); });
    }
  }
}

TEST(NativeArithmetic, UnaryOperatorsGiveTheBitsOfScalars) {
  Random random(1);
  Batch batch;
  for (int op = 0; op <= static_cast<int>(UnaryOp::kRound); ++op) {
    for (const Type& type : operand_types()) {
      batch.try_to_add([&] { return unary_case(static_cast<UnaryOp>(op), type); });
    }
  }
  EXPECT_GT(batch.size(), 40U);
  batch.expect_bits_of_scalars(random);
}

TEST(NativeArithmetic, BinaryOperatorsGiveTheBitsOfScalars) {
  Random random(2);
  Batch batch;
  for (int op = 0; op <= static_cast<int>(BinaryOp::kGe); ++op) {
    add_pairs(batch, static_cast<BinaryOp>(op), random, 16);
  }
  EXPECT_GT(batch.size(), 150U);
  batch.expect_bits_of_scalars(random);
}

TEST(NativeArithmetic, ConversionsGiveTheBitsOfScalars) {
  Random random(3);
  Batch batch;
  for (const Type& from : operand_types()) {
    for (int i = 0; i < 5; ++i) {
      const Type target = random_target(random);
      batch.try_to_add([&] { return cast_case(target, identity_case(from)); });
    }
  }
  EXPECT_GT(batch.size(), 75U);
  batch.expect_bits_of_scalars(random);
}

/// A kernel that converts `count` elements to every rounding and overflow mode of a small type.
KernelPtr all_modes(const Type& from, bool is_signed, std::int64_t count) {
  KernelBuilder k(is_signed ? "to_signed" : "to_unsigned");
  const ArrayHandle x = k.input("x", from, {count});
  for (int mode = 0; mode < 35; ++mode) {
    const auto rounding = static_cast<Rounding>(mode / 5);
    const auto overflow = static_cast<Overflow>(mode % 5);
    const Type to =
        is_signed ? fixed_type(5, 3, rounding, overflow) : ufixed_type(5, 3, rounding, overflow);
    const ArrayHandle y = k.output(fmt::format("y{}", mode), to, {count});
    k.loop("i", 0, count, [&](const Expr& i) { y(i) = cast(to, x(i)); });
  }
  return k.build();
}

// All values of a fixed-point type, which are also all ties, as such and as float32.
TEST(NativeArithmetic, EveryModeGivesTheBitsOfScalarsForEveryValue) {
  const Type fixed = fixed_type(10, 5);
  const std::int64_t count = 1 << fixed.width;
  for (const Type& from : {fixed, float32_type()}) {
    Buffer x(from, {count});
    for (std::int64_t i = 0; i < count; ++i) x.set(i, std::ldexp(i - count / 2, -fixed.fraction));
    const Scratch cache;
    NativeOptions options;
    options.cache = cache.path();
    const NativeLibrary library({all_modes(from, true, count), all_modes(from, false, count)},
                                options);
    for (const bool is_signed : {true, false}) {
      const KernelPtr kernel = all_modes(from, is_signed, count);
      std::vector<Buffer> outputs;
      for (std::size_t i = 1; i < kernel->parameters.size(); ++i) {
        const auto& parameter = std::get<ArrayParameter>(kernel->parameters[i]);
        outputs.emplace_back(parameter.array.element, std::vector{count});
      }
      std::vector<Argument> arguments = {&x};
      for (Buffer& output : outputs) arguments.emplace_back(&output);
      library.run(arguments, is_signed ? 0 : 1);
      for (const Buffer& output : outputs) {
        for (std::int64_t i = 0; i < count; ++i) {
          Fault fault = Fault::kNone;
          const Scalar expected = convert(x.get(i), output.element(), fault);
          if (fault != Fault::kNone) continue;
          ASSERT_TRUE(expected.raw == output.get(i).raw)
              << to_string(output.element()) << " of " << to_string(x.get(i)) << " is "
              << to_string(expected) << ", not " << to_string(output.get(i));
        }
      }
    }
  }
}

// Sums and products that are cut off may be computed narrowly; these must not show it.
TEST(NativeArithmetic, ConversionsOfResultsGiveTheBitsOfScalars) {
  Random random(4);
  const std::vector<Type> types = operand_types();
  Batch batch;
  while (batch.size() < 120) {
    const auto op = static_cast<BinaryOp>(random() % 12);
    const Type a = pick(types, random);
    const Type b = pick(types, random);
    const Type target = random_target(random);
    batch.try_to_add([&] { return cast_case(target, binary_case(op, a, b)); });
  }
  batch.expect_bits_of_scalars(random);
}

TEST(NativeArithmetic, BitsAreReadAsOtherTypes) {
  Random random(5);
  const std::vector<std::vector<Type>> same_width = {
      {bool_type(), int_type(1), uint_type(1)},
      {bfloat16_type(), int_type(16), uint_type(16), fixed_type(16, 3)},
      {float32_type(), int_type(32), uint_type(32), ufixed_type(32, 40)},
      {index_type(), int_type(64), uint_type(64)},
      {int_type(13), uint_type(13), fixed_type(13, 20)}};
  Batch batch;
  for (const std::vector<Type>& types : same_width) {
    for (const Type& from : types) {
      for (const Type& to : types) {
        if (from == to) continue;
        batch.add({fmt::format("bits<{}>({})", to_string(to), to_string(from)), from, from,
                   [to](const Expr& x, const Expr&) { return bitcast(to, x); },
                   [to](const Scalar& x, const Scalar&, Fault&) { return reinterpret(x, to); }});
      }
    }
  }
  batch.expect_bits_of_scalars(random);
}

TEST(NativeArithmetic, NumbersOfWhichNoBitIsLeftGiveTheBitsOfScalars) {
  Random random(7);
  Batch batch;
  for (const Type& type : {uint_type(64), int_type(64)}) {
    const int by = kMaxWidth - type.width;
    const Type wide = shifted_left_type(type, by);
    const Case shifted = {fmt::format("{} << {}", to_string(type), by), type, type,
                          [by](const Expr& x, const Expr&) { return x << by; },
                          [=](const Scalar& x, const Scalar&, Fault& fault) {
                            return apply(BinaryOp::kShl, x, {uint_type(7), by, 0}, wide, fault);
                          }};
    for (int rounding = 0; rounding < 7; ++rounding) {
      for (const int drop : {kMaxWidth, kMaxWidth + 1}) {
        batch.add(cast_case(fixed_type(8, 8 + drop, static_cast<Rounding>(rounding)), shifted));
      }
    }
  }
  batch.expect_bits_of_scalars(random);
}

TEST(NativeArithmetic, ShiftsByLiteralsGiveTheBitsOfScalars) {
  Random random(6);
  Batch batch;
  for (const Type& type : {int_type(8), uint_type(32), int_type(40), fixed_type(16, 6)}) {
    for (const int by : {0, 1, 7, 31, 32, 63, 80}) {
      const auto amount = literal_type(by);
      batch.try_to_add([&]() -> Case {
        const Type wider = shifted_left_type(type, by);
        return {fmt::format("{} << {}", to_string(type), by), type, type,
                [by](const Expr& x, const Expr&) { return x << by; },
                [=](const Scalar& x, const Scalar&, Fault& fault) {
                  return apply(BinaryOp::kShl, x, {amount, by, 0}, wider, fault);
                }};
      });
      batch.add({fmt::format("{} >> {}", to_string(type), by), type, type,
                 [by](const Expr& x, const Expr&) { return x >> by; },
                 [=](const Scalar& x, const Scalar&, Fault& fault) {
                   const Type result = result_type(BinaryOp::kShr, type, amount);
                   return apply(BinaryOp::kShr, x, {amount, by, 0}, result, fault);
                 }});
    }
  }
  batch.expect_bits_of_scalars(random);
}

}  // namespace
}  // namespace heddle::kernel
