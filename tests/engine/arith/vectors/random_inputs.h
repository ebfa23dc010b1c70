// Random and extreme inputs of the operators of the integer arithmetic, the same on every run.
#pragma once

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "engine/arith/fixed.h"

namespace heddle::arith {

using Numbers = std::vector<std::int32_t>;

class RandomInputs {
 public:
  std::int64_t between(std::int64_t least, std::int64_t greatest) {
    return std::uniform_int_distribution<std::int64_t>(least, greatest)(random_);
  }
  /// Mostly where values of a model lie, sometimes anywhere.
  int fraction() {
    return static_cast<int>(between(0, 9) == 0 ? between(kMinFraction, kMaxFraction)
                                               : between(8, 24));
  }

  /// Rows of Fixed numbers of all sizes, the special ones among them.
  Numbers fixed(std::int64_t rows, std::int64_t width) {
    Numbers numbers;
    numbers.reserve(static_cast<std::size_t>(rows * width));
    for (std::int64_t r = 0; r < rows; ++r) {
      const auto kind = static_cast<Row>(between(0, 14) < 10 ? 0 : between(1, 5));
      const std::int64_t limit = (std::int64_t{1} << between(1, 26)) - 1;
      const std::int64_t special = between(0, width - 1);
      for (std::int64_t j = 0; j < width; ++j) {
        std::int64_t x = between(-limit, limit);
        if (kind == Row::kZero) x = 0;
        if (kind == Row::kOutlier) x = j == special ? kLimit : x % 1000;
        if (kind == Row::kLimits) x = between(0, 1) == 0 ? kLimit : -kLimit;
        if (kind == Row::kOnes) x = between(-1, 1);
        if (kind == Row::kSmall) x = j == special ? -1 : 0;
        numbers.push_back(static_cast<std::int32_t>(x));
      }
    }
    return numbers;
  }
  std::vector<std::int8_t> codes(std::int64_t count, int limit = 127) {
    const bool extreme = between(0, 5) == 0;
    std::vector<std::int8_t> codes;
    codes.reserve(static_cast<std::size_t>(count));
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t code = extreme ? limit * (2 * between(0, 1) - 1) : between(-limit, limit);
      codes.push_back(static_cast<std::int8_t>(code));
    }
    return codes;
  }
  std::vector<Scale> scales(std::int64_t count, int least, int greatest) {
    std::vector<Scale> scales;
    scales.reserve(static_cast<std::size_t>(count));
    for (std::int64_t i = 0; i < count; ++i) {
      if (between(0, 30) == 0) {
        scales.emplace_back();
      } else {
        scales.push_back({static_cast<std::int32_t>(between(1 << 15, (1 << 16) - 1)),
                          static_cast<std::int32_t>(between(least, greatest))});
      }
    }
    return scales;
  }
  float real() {
    return static_cast<float>(std::ldexp(static_cast<double>(between(-(1 << 24), 1 << 24)),
                                         static_cast<int>(between(-50, 10))));
  }

 private:
  /// Rows that are not like the others, which every tensor gets some of.
  enum class Row { kRandom, kZero, kOutlier, kLimits, kOnes, kSmall };

  std::mt19937_64 random_{20240607};
};

}  // namespace heddle::arith
