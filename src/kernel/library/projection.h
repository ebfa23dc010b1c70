// A linear kernel with its weights inside of a larger kernel, requantised where it is of integers.
#pragma once

#include "kernel/library/matrix.h"

namespace heddle::kernel {

using CallArguments = std::vector<std::variant<Window, StreamArgument, Expr>>;

/// Declares the inputs NAME_weight, (NAME_bias) and, for int8, NAME_multiplier and NAME_shift (one
/// per column), and calls the kernels NAME and, for int8, NAME_requantise.
class Projection {
 public:
  Projection(KernelBuilder& k, const std::string& name, const LinearShape& shape);

  /// y = x weight^T + bias; for int8 through a local array of int<32>.
  void apply(const ArrayHandle& x, const ArrayHandle& y) const;

 private:
  /// sums = x weight^T + bias.
  void sum_up(const ArrayHandle& x, const ArrayHandle& sums) const;

  KernelBuilder* builder_;
  std::string name_;
  LinearShape shape_;
  ArrayHandle weight_;
  std::optional<ArrayHandle> bias_;
  std::optional<ArrayHandle> multiplier_;
  std::optional<ArrayHandle> shift_;
};

}  // namespace heddle::kernel
