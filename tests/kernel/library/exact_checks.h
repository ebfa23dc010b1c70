// What the tests of the exact kernels share: running them in both back ends, and extreme numbers.
#pragma once

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "engine/arith/operators.h"
#include "kernel/builder.h"
#include "kernel/codegen/cpp/native.h"
#include "kernel/library/checks.h"
#include "kernel/library/function_builder.h"

namespace heddle::kernel {

/// A column of numbers for each parameter of a Function.
using Columns = std::vector<std::vector<std::int64_t>>;

/// Runs the kernel as native code on what `prepare` makes of its operands.
inline Operands run_native(const KernelPtr& kernel, const Prepare& prepare) {
  Operands operands(kernel, {});
  prepare(operands);
  NativeLibrary({kernel}).run(operands.arguments());
  return operands;
}

/// Runs it in the interpreter as well; both have to agree.
inline Operands run_in_both(const KernelPtr& kernel, const Prepare& prepare) {
  const Operands native = run_native(kernel, prepare);
  Operands operands = run(kernel, {}, prepare);
  EXPECT_EQ(native.difference(operands), "") << kernel->name;
  return operands;
}

inline void fill(Buffer& buffer, const std::vector<std::int64_t>& numbers) {
  ASSERT_EQ(static_cast<std::size_t>(buffer.size()), numbers.size());
  for (std::int64_t i = 0; i < buffer.size(); ++i) {
    buffer.set(i, Scalar{buffer.element(), numbers[static_cast<std::size_t>(i)], 0});
  }
}

inline std::vector<std::int64_t> numbers_in(const Buffer& buffer) {
  std::vector<std::int64_t> numbers;
  numbers.reserve(static_cast<std::size_t>(buffer.size()));
  for (std::int64_t i = 0; i < buffer.size(); ++i) {
    numbers.push_back(static_cast<std::int64_t>(buffer.get(i).raw));
  }
  return numbers;
}

/// What the Function gives for each case.
inline std::vector<std::int64_t> values_of(const FunctionPtr& function, const Columns& columns) {
  const auto count = static_cast<std::int64_t>(columns.at(0).size());
  KernelBuilder k("values_of_" + function->name);
  std::vector<ArrayHandle> inputs;
  for (const Function::Parameter& p : function->parameters) {
    inputs.push_back(k.input("in_" + p.name, p.type, {count}));
  }
  const ArrayHandle y = k.output("values", function->result.type(), {count});
  k.loop("i", 0, count, [&](const Expr& i) {
    std::vector<Expr> arguments;
    arguments.reserve(inputs.size());
    for (const ArrayHandle& input : inputs) arguments.emplace_back(input(i));
    y(i) = apply(function, arguments);
  });
  Operands operands = run_in_both(k.build(), [&](Operands& o) {
    for (std::size_t p = 0; p < columns.size(); ++p) {
      fill(o.buffer("in_" + function->parameters[p].name), columns[p]);
    }
  });
  return numbers_in(operands.buffer("values"));
}

/// Numbers of low ... high: both ends, 0, powers of two and their neighbours, and random ones of
/// every length.
inline std::vector<std::int64_t> extremes(std::int64_t low, std::int64_t high, int random_count,
                                          std::uint64_t seed) {
  std::vector<std::int64_t> numbers = {low, high};
  const auto add = [&](std::int64_t x) {
    if (x >= low && x <= high) numbers.push_back(x);
  };
  add(0);
  for (int bit = 0; bit < 62; ++bit) {
    for (const std::int64_t d : {-1, 0, 1}) {
      add((std::int64_t{1} << bit) + d);
      add(-(std::int64_t{1} << bit) + d);
    }
  }
  std::mt19937_64 random(seed);
  for (int n = 0; n < random_count; ++n) {
    const auto x = static_cast<std::int64_t>(random() >> (2 + random() % 62));
    add(random() % 2 == 0 ? x : -x);
    numbers.push_back(
        low + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(high - low + 1)));
  }
  return numbers;
}

/// `count` numbers drawn from extremes().
inline std::vector<std::int64_t> drawn(std::int64_t low, std::int64_t high, std::size_t count,
                                       std::uint64_t seed) {
  const std::vector<std::int64_t> from = extremes(low, high, 200, seed);
  std::mt19937_64 random(seed + 1);
  std::vector<std::int64_t> numbers(count);
  for (std::int64_t& x : numbers) x = from[random() % from.size()];
  return numbers;
}

/// Mantissas of Scales, 0 among them.
inline std::vector<std::int64_t> mantissas(std::size_t count, std::uint64_t seed) {
  std::vector<std::int64_t> numbers = drawn(1 << 15, (1 << 16) - 1, count, seed);
  for (std::size_t i = 0; i < count; i += 29) numbers[i] = 0;
  return numbers;
}

template <typename T>
void put(Operands& operands, const std::string& name, const std::vector<T>& numbers) {
  fill(operands.buffer(name), {numbers.begin(), numbers.end()});
}
inline void put(Operands& operands, const std::string& name,
                const std::vector<std::int8_t>& codes) {
  const std::span<std::int8_t> to = operands.buffer(name).as<std::int8_t>();
  ASSERT_EQ(to.size(), codes.size()) << name;
  std::copy(codes.begin(), codes.end(), to.begin());
}

/// Rows of Fixed numbers: random ones of about 22 bits, rows of few bits, rows of extremes and, one
/// in seven, rows of zeros.
inline std::vector<std::int32_t> fixed_rows(std::int64_t rows, std::int64_t columns,
                                            std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::int32_t> numbers(static_cast<std::size_t>(rows * columns));
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const auto row = i / static_cast<std::size_t>(columns);
    const int kind = static_cast<int>(row % 7);
    const int bits = kind == 2 ? 4 : kind == 4 ? 26 : 21 + static_cast<int>(random() % 3);
    const auto size = static_cast<std::int32_t>(random() % (std::uint64_t{1} << bits));
    const bool at_the_end = kind == 5 && random() % 3 == 0;
    const std::int32_t magnitude = kind == 6 ? 0 : at_the_end ? arith::kLimit : size;
    numbers[i] = random() % 2 == 0 ? magnitude : -magnitude;
  }
  return numbers;
}

/// Codes with a Scale for each row.
struct ScaledCodes {
  std::vector<std::int8_t> codes;
  std::vector<arith::Scale> scales;
  std::int64_t depth = 0;

  [[nodiscard]] arith::Codes view() const { return {codes, scales, depth}; }

  /// Into the operands NAME, NAME_mantissa and NAME_exponent.
  void put_into(Operands& operands, const std::string& name) const {
    std::vector<std::int64_t> mantissa;
    std::vector<std::int64_t> exponent;
    for (const arith::Scale& scale : scales) {
      mantissa.push_back(scale.mantissa);
      exponent.push_back(scale.exponent);
    }
    put(operands, name, codes);
    put(operands, name + "_mantissa", mantissa);
    put(operands, name + "_exponent", exponent);
  }
};

/// Random codes, the ends among them, with exponents around `exponent` and some far from it.
inline ScaledCodes random_codes(std::int64_t rows, std::int64_t depth, int exponent,
                                std::uint64_t seed) {
  std::mt19937_64 random(seed);
  ScaledCodes made{.codes = std::vector<std::int8_t>(static_cast<std::size_t>(rows * depth)),
                   .scales = std::vector<arith::Scale>(static_cast<std::size_t>(rows)),
                   .depth = depth};
  for (std::int8_t& c : made.codes) {
    const auto code = static_cast<int>(random() % 270) - 135;
    c = static_cast<std::int8_t>(std::clamp(code, -127, 127));
  }
  const std::vector<std::int64_t> m = mantissas(made.scales.size(), seed);
  for (std::size_t i = 0; i < made.scales.size(); ++i) {
    const int far = i % 11 == 5 ? static_cast<int>(random() % 60) - 30 : 0;
    const int e = exponent + static_cast<int>(random() % 9) - 4 + far;
    made.scales[i] = m[i] == 0
                         ? arith::Scale{}
                         : arith::Scale{static_cast<std::int32_t>(m[i]), std::clamp(e, -128, 127)};
  }
  return made;
}

/// quantise() of each row.
inline ScaledCodes quantised(const std::vector<std::int32_t>& x, std::int64_t columns) {
  const auto width = static_cast<std::size_t>(columns);
  ScaledCodes made{.codes = std::vector<std::int8_t>(x.size()),
                   .scales = std::vector<arith::Scale>(x.size() / width),
                   .depth = columns};
  for (std::size_t r = 0; r < made.scales.size(); ++r) {
    made.scales[r] = arith::quantise(std::span(x).subspan(r * width, width),
                                     std::span(made.codes).subspan(r * width, width));
  }
  return made;
}

/// A weight for rows of about 22 bits whose results have about 22 bits, and its bias.
struct RandomLinear {
  ScaledCodes weight;
  std::vector<std::int32_t> bias;

  RandomLinear(std::int64_t columns, std::int64_t inner, int fraction_change, std::uint64_t seed)
      : weight(random_codes(columns, inner, fraction_change - 31, seed)) {
    for (const std::int64_t b :
         drawn(-arith::kLimit, arith::kLimit, static_cast<std::size_t>(columns), seed + 7)) {
      bias.push_back(static_cast<std::int32_t>(b / 16));
    }
  }

  /// Into NAME_weight... and NAME_bias, or the operands of a kernel that has no names for them.
  void put_into(Operands& operands, const std::string& name) const {
    weight.put_into(operands, name + "weight");
    put(operands, name + "bias", bias);
  }

  /// arith::linear of rows x.
  [[nodiscard]] std::vector<std::int32_t> of(const std::vector<std::int32_t>& x, int x_fraction,
                                             int y_fraction) const {
    std::vector<std::int32_t> y(x.size() / static_cast<std::size_t>(weight.depth) * bias.size());
    arith::linear({x, x_fraction}, weight.view(), bias, {y, y_fraction});
    return y;
  }
};

/// Counts what tests compare, so that they can tell that it says something.
struct Tally {
  std::size_t all = 0;
  std::size_t inside = 0;  ///< neither 0 nor saturated

  /// The numbers of an output of int<27> have to be `expected`.
  void expect_numbers(Operands& operands, const std::string& name,
                      const std::vector<std::int32_t>& expected) {
    const std::span<const std::int32_t> got = operands.buffer(name).as<std::int32_t>();
    ASSERT_EQ(got.size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      ASSERT_EQ(got[i], expected[i]) << name << " at " << i;
      ++all;
      if (expected[i] != 0 && std::abs(expected[i]) != arith::kLimit) ++inside;
    }
  }

  ~Tally() { EXPECT_GT(inside * 2, all) << "most numbers are 0 or saturated"; }
};

}  // namespace heddle::kernel
