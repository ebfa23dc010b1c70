// Random numbers by index: the n-th number of a stream is a function of the stream and n alone, so
// threads can make any part of it in any order.
#pragma once

#include <cstdint>
#include <string_view>

namespace heddle {

/// Streams of numbers that are independent for all practical purposes. Integers are mixed by
/// splitmix64's finaliser (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators,
/// OOPSLA 2014) and are the same on every platform.
class RandomStream {
 public:
  /// The stream called `name` of all those with this seed.
  RandomStream(std::uint64_t seed, std::string_view name) : key_(mix(seed) ^ mix(hash(name))) {}

  /// 64 uniform bits.
  [[nodiscard]] std::uint64_t word(std::uint64_t index) const {
    return mix(key_ + (index + 1) * kGolden);
  }

  /// Uniform in [0, 1): a multiple of 2^-53.
  [[nodiscard]] double uniform(std::uint64_t index) const {
    return static_cast<double>(word(index) >> 11) * 0x1p-53;
  }

  /// Nearly Gaussian with mean 0 and variance kBellVariance: the sum of four uniform 16-bit numbers
  /// less its mean. An integer within +-131070, the same on every platform.
  [[nodiscard]] std::int32_t bell(std::uint64_t index) const {
    const std::uint64_t bits = word(index);
    const auto part = [bits](int shift) {
      return static_cast<std::int32_t>(bits >> shift & 0xFFFF);
    };
    return part(0) + part(16) + part(32) + part(48) - 2 * 0xFFFF;
  }
  static constexpr double kBellVariance = 4 * (65536.0 * 65536.0 - 1) / 12;

  /// Standard normal by Box and Muller's transform of words 2 index and 2 index + 1. Platforms may
  /// differ in the last bit of their mathematical functions.
  [[nodiscard]] double normal(std::uint64_t index) const;

 private:
  static constexpr std::uint64_t kGolden = 0x9E3779B97F4A7C15;

  static constexpr std::uint64_t mix(std::uint64_t bits) {
    bits = (bits ^ bits >> 30) * 0xBF58476D1CE4E5B9;
    bits = (bits ^ bits >> 27) * 0x94D049BB133111EB;
    return bits ^ bits >> 31;
  }

  /// FNV-1a (Fowler, Noll, Vo), offset so that the empty name is not the zero of mix().
  static constexpr std::uint64_t hash(std::string_view name) {
    std::uint64_t bits = 0xCBF29CE484222325;
    for (const char c : name) bits = (bits ^ static_cast<unsigned char>(c)) * 0x100000001B3;
    return bits;
  }

  std::uint64_t key_;
};

}  // namespace heddle
