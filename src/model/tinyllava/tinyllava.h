// TinyLLaVA: pictures and a question to text.
#pragma once

#include <filesystem>

#include "model/workload.h"

namespace heddle::tinyllava {

/// Phases "prefill", a prompt with its pictures, and "decode", one token more. Unless the options
/// say otherwise: one picture, the 41 text tokens of the template around "What are these?", and a
/// decoded token that follows that prompt. From folder/config.json alone. Throws UserError.
Workload workload_of_tinyllava(const std::filesystem::path& folder, const WorkloadOptions& options);

}  // namespace heddle::tinyllava
