// Counts of several kinds of things, added and multiplied without ever wrapping.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/error.h"

namespace heddle::cost {

/// How many of each kind; `Kind` is an enum class that ends in kEnd.
template <typename Kind>
class Counts {
 public:
  static constexpr std::size_t kKinds = static_cast<std::size_t>(Kind::kEnd);

  std::int64_t& operator[](Kind kind) { return counts_[static_cast<std::size_t>(kind)]; }
  std::int64_t operator[](Kind kind) const { return counts_[static_cast<std::size_t>(kind)]; }

  /// Throws UserError for a sum beyond 2^63.
  Counts& operator+=(const Counts& other) {
    for (std::size_t i = 0; i < kKinds; ++i) {
      if (__builtin_add_overflow(counts_[i], other.counts_[i], &counts_[i])) fail();
    }
    return *this;
  }
  /// Throws UserError for a product beyond 2^63.
  Counts& operator*=(std::int64_t factor) {
    for (std::int64_t& count : counts_) {
      if (__builtin_mul_overflow(count, factor, &count)) fail();
    }
    return *this;
  }
  friend Counts operator*(Counts counts, std::int64_t factor) { return counts *= factor; }
  bool operator==(const Counts&) const = default;

  /// Throws UserError for a sum beyond 2^63.
  [[nodiscard]] std::int64_t total() const {
    std::int64_t sum = 0;
    for (const std::int64_t count : counts_) {
      if (__builtin_add_overflow(sum, count, &sum)) fail();
    }
    return sum;
  }

 private:
  [[noreturn]] static void fail() {
    throw UserError("the work is more than 2^63 of something, too much to be counted",
                    "look for an extent in config.json that is too large, or ask for less");
  }

  std::array<std::int64_t, kKinds> counts_{};
};

/// The product of `factors`. Throws UserError beyond 2^63.
template <typename... Factors>
std::int64_t product(Factors... factors) {
  enum class One : std::uint8_t { kOne, kEnd };
  Counts<One> counts;
  counts[One::kOne] = 1;
  (counts *= ... *= std::int64_t{factors});
  return counts[One::kOne];
}

}  // namespace heddle::cost
