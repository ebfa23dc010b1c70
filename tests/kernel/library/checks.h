// What the tests of the kernel library share: running a kernel and comparing it with plain C++.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>

#include "kernel/interpret.h"
#include "kernel/library/library.h"
#include "kernel/support/workload.h"

namespace heddle::kernel {

using Scalars = std::map<std::string, double>;
using Prepare = std::function<void(Operands&)>;

/// A library kernel by its name and parameters.
inline KernelPtr made(const std::string& name, const std::map<std::string, std::string>& given) {
  const LibraryKernel& kernel = find_library_kernel(name);
  return kernel.make(LibraryArguments(name, kernel.parameters, given));
}

/// Random inputs, which `prepare` may change, and what the kernel makes of them.
inline Operands run(const KernelPtr& kernel, const Scalars& scalars, const Prepare& prepare = {}) {
  Operands operands(kernel, scalars);
  if (prepare) prepare(operands);
  interpret(*kernel, operands.arguments());
  return operands;
}

/// The kernel gives the bits that `reference` computes from the same inputs into the same arrays.
inline void expect_bits(const KernelPtr& kernel, const Scalars& scalars, const Prepare& reference,
                        const Prepare& prepare = {}) {
  Operands expected(kernel, scalars);
  if (prepare) prepare(expected);
  reference(expected);
  EXPECT_EQ(run(kernel, scalars, prepare).difference(expected), "");
}

/// Plain C++ for what requantise() says.
inline std::int8_t requantised(std::int64_t x, std::int64_t multiplier, int shift) {
  const std::int64_t half = std::int64_t{1} << (shift - 1);
  const std::int64_t scaled = (x * multiplier + half) >> shift;
  return static_cast<std::int8_t>(std::clamp<std::int64_t>(scaled, -128, 127));
}

/// Multipliers of 30 bits and shifts that bring sums of `bits` bits to about 8.
inline void set_scaling(Operands& operands, const std::string& name, int bits) {
  randomise(operands.buffer(name + "_multiplier"), 1 << 29, 1 << 30, 7);
  randomise(operands.buffer(name + "_shift"), bits + 21, bits + 23, 8);
}

}  // namespace heddle::kernel
