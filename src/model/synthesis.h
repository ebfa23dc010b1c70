// Asking for a checkpoint that is made instead of trained.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace heddle {

/// A checkpoint to be made from a seed; synthesise() in model/registry.h makes it.
struct SynthesisRequest {
  std::string kind;  ///< one of synthesis_kinds()
  std::string size;  ///< one of synthesis_sizes(kind)
  std::uint64_t seed = 0;
  std::filesystem::path folder;
  /// Replace a folder that is there already, if it holds nothing but such a checkpoint.
  bool force = false;
  int threads = 1;
  /// Plant channels that are far larger than the rest, as trained transformers have them.
  bool outliers = false;
};

}  // namespace heddle
