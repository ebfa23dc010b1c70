// GELU (tanh) of Fixed numbers, bit for bit that of docs/arithmetic.md (section 4, Function).
#pragma once

#include "kernel/builder.h"
#include "kernel/library/exact_scalars.h"

namespace heddle::kernel {

/// (x: int<27>) -> uint<19>: z, where the table is read: the interval is z >> 10, the place in it
/// z mod 1024. From 8 on z stays at the table's end, where the tail is 0.
FunctionPtr gelu_position(const std::string& name, int fraction_x);
/// (x: int<27>, z: uint<19>, tail: uint<16>, step: int<10>) -> int<27>: gelu(x), where tail and
/// step are those of the interval.
FunctionPtr gelu_value(const std::string& name, int fraction_x, int fraction_y);

/// T[i] and T[i + 1] - T[i] for i = 0 ... 511.
std::vector<double> gelu_tails();
std::vector<double> gelu_steps();

/// GELU in a kernel: the tables `gelu_tail` and `gelu_step`, and the Functions `gelu_position` and
/// `gelu_value`.
class ExactGelu {
 public:
  ExactGelu(KernelBuilder& k, int fraction_x, int fraction_y);

  /// gelu(x) -> int<27>; writes a scalar z into the kernel.
  [[nodiscard]] Expr of(const Expr& x) const;

 private:
  KernelBuilder* builder_;
  FunctionPtr position_;
  FunctionPtr value_;
  ArrayHandle tail_;
  ArrayHandle step_;
};

}  // namespace heddle::kernel
