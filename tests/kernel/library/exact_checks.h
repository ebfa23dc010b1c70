// What the tests of the exact kernels share: running them in both back ends, and extreme numbers.
#pragma once

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "engine/arith/operators.h"
#include "kernel/builder.h"
#include "kernel/codegen/cpp/native.h"
#include "kernel/library/checks.h"

namespace heddle::kernel {

/// A column of numbers for each parameter of a Function.
using Columns = std::vector<std::vector<std::int64_t>>;

/// Runs the kernel on what `prepare` makes of its operands, in the interpreter and as native code,
/// which have to agree.
inline Operands run_in_both(const KernelPtr& kernel, const Prepare& prepare) {
  Operands operands = run(kernel, {}, prepare);
  Operands native(kernel, {});
  prepare(native);
  NativeLibrary({kernel}).run(native.arguments());
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

}  // namespace heddle::kernel
