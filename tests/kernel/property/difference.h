// One case of the differential test: a kernel and a schedule, run by every back end.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kernel/buffer.h"
#include "kernel/ir.h"

namespace heddle::kernel {

/// Arguments of a kernel, filled at random by name: a kernel and what a schedule made of it get the
/// same.
class Inputs {
 public:
  Inputs(const Kernel& kernel, std::uint64_t seed);

  [[nodiscard]] const std::vector<Argument>& arguments() const { return arguments_; }
  /// The first difference to `other`, "" if there is none; NaNs are alike.
  [[nodiscard]] std::string difference(const Inputs& other) const;

 private:
  std::vector<std::string> names_;
  std::vector<std::unique_ptr<Buffer>> buffers_;
  std::vector<Argument> arguments_;
};

/// What the interpreter makes of the inputs; null if the kernel is faulty on them (an overflow of
/// an exact type, say): such a case says nothing about schedules.
std::unique_ptr<Inputs> oracle(const Kernel& kernel, std::uint64_t seed);

}  // namespace heddle::kernel
