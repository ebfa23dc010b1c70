// Random kernels and random schedules for the differential test.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "kernel/ir.h"
#include "kernel/schedule/schedule.h"

namespace heddle::kernel {

/// Random choices in order, the same for the same seed.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : stream_(seed, "dice") {}
  /// 0 ... count - 1
  int roll(int count) {
    return static_cast<int>(stream_.word(next_++) % static_cast<std::uint64_t>(count));
  }
  /// One time in `times`.
  bool one_in(int times) { return roll(times) == 0; }
  template <typename T>
  const T& pick(const std::vector<T>& list) {
    return list[static_cast<std::size_t>(roll(static_cast<int>(list.size())))];
  }

 private:
  RandomStream stream_;
  std::uint64_t next_ = 0;
};

enum class Numbers : std::uint8_t { kAny, kIntegers /**< and fixed point */ };

/// Nests of one to three loops over arrays of random types: affine, wrapped and data-dependent
/// subscripts, triangular bounds, conditions, scalars, reductions, stencils, products, calls of a
/// small kernel and chains of nests that streams can join. Subscripts stay inside.
KernelPtr random_kernel(Dice& dice, Numbers numbers = Numbers::kAny);

/// How often each primitive was tried and how often it was legal.
struct StepCounts {
  std::map<std::string, std::pair<int, int>> tried_and_legal;
};

/// Up to `attempts` random steps; illegal ones are refused by the schedule and left out. A failure
/// that is no UserError escapes.
Schedule random_schedule(const KernelPtr& kernel, Dice& dice, int attempts, StepCounts& counts);

}  // namespace heddle::kernel
