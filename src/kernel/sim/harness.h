// The text that is compiled with a model and drives it: launch.h, then harness.cpp.txt.
#pragma once

#include <string_view>

namespace heddle::kernel::sim {

extern const std::string_view kHarness;

}  // namespace heddle::kernel::sim
