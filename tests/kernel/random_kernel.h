// Random verified kernels that use every part of the language, for properties of its text.
#pragma once

#include <cstdint>
#include <vector>

#include "kernel/ir.h"

namespace heddle::kernel {

/// Numbers that decide what is built: a generator's choices, so that a shorter or smaller tape
/// gives a simpler kernel. Beyond its end all are 0.
class Tape {
 public:
  explicit Tape(std::vector<std::uint32_t> numbers) : numbers_(std::move(numbers)) {}

  /// 0 ... count - 1.
  int below(int count) { return static_cast<int>(next() % static_cast<std::uint32_t>(count)); }
  bool flip() { return below(2) == 1; }
  std::uint32_t next() { return at_ < numbers_.size() ? numbers_[at_++] : 0; }
  [[nodiscard]] bool is_over() const { return at_ >= numbers_.size(); }

 private:
  std::vector<std::uint32_t> numbers_;
  std::size_t at_ = 0;
};

Kernel random_kernel(Tape& tape);

}  // namespace heddle::kernel
