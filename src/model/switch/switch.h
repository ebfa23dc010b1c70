// Switch Transformers: text to text, with a mixture of experts.
#pragma once

#include <filesystem>

#include "model/workload.h"

namespace heddle::switch_transformer {

/// Phases "encode", a text and what the decoder needs of it, and "decode", one token. Unless the
/// options say otherwise: a text of 128 tokens, and a decoded token that sees as many. Nothing that
/// the reference computes is without an answer that depends on it. From folder/config.json alone.
/// Throws UserError.
Workload workload_of_switch(const std::filesystem::path& folder, const WorkloadOptions& options);

}  // namespace heddle::switch_transformer
