// Running a kernel before and after a step on the same numbers.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/error.h"
#include "kernel/ir.h"

namespace heddle::kernel {

/// Scalar arguments by name.
using Sizes = std::map<std::string, std::int64_t>;

/// The kernel of a text.
KernelPtr kernel_of(std::string_view text);

/// Verifies `after` and runs both kernels on the same random numbers, small ones in arrays of
/// indices. "" if all arrays end with the same bytes; else what differs, or the mistake that a run
/// met. Shapes may differ where the number of elements does not.
std::string difference(const Kernel& before, const Kernel& after, const Sizes& sizes = {});

/// The whole message and remedy of the UserError that `step` throws; "" if it throws none.
template <typename StepFunction>
std::string message_of(const StepFunction& step) {
  try {
    step();
  } catch (const UserError& error) {
    return std::string(error.what()) + "\n" + error.remedy();
  }
  return "";
}

testing::AssertionResult has(const std::string& text, std::string_view part);
testing::AssertionResult lacks(const std::string& text, std::string_view part);

/// The loops, stores and so on of the kernel as text, without its head.
std::string body_text(const Kernel& kernel);

}  // namespace heddle::kernel
