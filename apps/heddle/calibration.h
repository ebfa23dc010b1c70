// Requests that stand for those a quantised policy will get.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "model/policy.h"

namespace heddle {

/// The pictures of `folder` (PNG, JPEG, PPM), each for all cameras, with the lines of its .txt
/// files as instructions by turns; without a folder, made-up pictures, states and instructions.
/// Throws UserError for a folder without pictures.
std::vector<PolicyRequest> calibration_requests(const PolicyInfo& policy,
                                                const std::optional<std::filesystem::path>& folder);

}  // namespace heddle
