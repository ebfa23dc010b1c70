// The models this program knows, by name. Everything else asks here and knows none of them.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "model/description.h"
#include "model/policy.h"
#include "model/synthesis.h"
#include "model/workload.h"

namespace heddle {

/// Opens the robot policy in a checkpoint folder. Its config.json says which kind it is ("type" as
/// in LeRobot, else "model_type"). Throws UserError, also for a model that is not a policy.
std::unique_ptr<Policy> open_policy(const std::filesystem::path& folder,
                                    const PolicyOptions& options = {});

/// What is in a checkpoint folder. Throws UserError if its kind is unknown or its config or weights
/// cannot be read at all; lesser faults are part of the description. `check_weights` is as in
/// PolicyOptions: where it is false, tensors "<weight>.<part>" are taken for parts of that weight.
ModelDescription describe(const std::filesystem::path& folder, bool check_weights = true);

/// The work of one answer, from a config.json (or its folder) alone. Throws UserError for a file
/// that is broken or of an unknown kind, and for options that the model does not have.
Workload workload(const std::filesystem::path& config, const WorkloadOptions& options = {});

/// Writes a checkpoint with the files, tensors and dtypes of a published one and random weights
/// that keep activations in a sane range. Equal requests give equal bytes on every platform. The
/// folder appears whole or not at all. Throws UserError for an unknown kind or size, a folder that
/// is there, and a full disk.
void synthesise(const SynthesisRequest& request);

std::vector<std::string> synthesis_kinds();
std::vector<std::string> synthesis_sizes(const std::string& kind);

}  // namespace heddle
