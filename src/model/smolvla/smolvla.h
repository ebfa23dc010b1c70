// SmolVLA: a robot policy of a small vision-language model and an action expert (Shukor et al.,
// arXiv 2506.01844), read from LeRobot's checkpoints.
#pragma once

#include <filesystem>
#include <memory>

#include "model/description.h"
#include "model/policy.h"
#include "model/workload.h"

namespace heddle::smolvla {

/// Opens a checkpoint folder: config.json, model.safetensors and the processors' files. Throws
/// UserError if the config and the weights do not fit each other or something is not supported. The
/// tokenizer is looked for when it is first needed.
std::unique_ptr<Policy> open_smolvla(const std::filesystem::path& folder,
                                     const PolicyOptions& options);

/// What is in such a folder, also where it could not be run. Throws UserError if config or weights
/// cannot be read at all. For `check_weights` see describe() in model/registry.h.
ModelDescription describe_smolvla(const std::filesystem::path& folder, bool check_weights);

/// The work of one answer, from such a folder's config.json alone. Throws UserError.
Workload workload_of_smolvla(const std::filesystem::path& folder, const WorkloadOptions& options);

}  // namespace heddle::smolvla
