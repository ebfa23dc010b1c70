// Texts that are compiled with a model and drive it: launch.h, heddle_pins() of the model's own,
// then harness.cpp.txt.
#pragma once

#include <string_view>

namespace heddle::kernel::sim {

extern const std::string_view kLaunch;
extern const std::string_view kHarness;

}  // namespace heddle::kernel::sim
