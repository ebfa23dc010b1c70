// Texts that are compiled with a model. launch.h comes first.
#pragma once

#include <string_view>

namespace heddle::kernel::sim {

extern const std::string_view kLaunch;
/// Drives cores; stands on heddle_pins(), which is made for each model.
extern const std::string_view kHarness;
/// Opens a model to a driver outside of it; stands on heddle_named_pins(), made for each model.
extern const std::string_view kOpenHarness;

}  // namespace heddle::kernel::sim
