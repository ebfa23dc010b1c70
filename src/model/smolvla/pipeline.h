// LeRobot's processing pipelines around a policy: policy_preprocessor.json and
// policy_postprocessor.json.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/smolvla/config.h"

namespace heddle::smolvla {

/// How one pipeline (un)normalises.
struct NormaliserStep {
  /// Holds the statistics; nothing if the step was saved without any.
  std::optional<std::filesystem::path> state_file;
  Normalisation state{};
  Normalisation action{};
  double epsilon = 0;
};

/// What the two files say. Where a file is absent the policy's config.json stands in.
struct Pipelines {
  bool has_preprocessor = false;
  bool has_postprocessor = false;
  /// A task that does not end in a line break gets one.
  bool append_newline = true;
  std::int64_t max_tokens = 0;
  /// A folder inside the checkpoint, or the public name of a model.
  std::string tokenizer_name;
  /// The model whose tokenizer the policy was trained with, for messages.
  std::string backbone_name;
  /// Observations that go by another name: from key to the policy's key.
  std::map<std::string, std::string> renamed;
  NormaliserStep input;
  NormaliserStep output;
};

/// Reads both files of `folder`. Throws UserError for broken files and for steps that this program
/// does not know.
Pipelines read_pipelines(const std::filesystem::path& folder, const Config& config);

}  // namespace heddle::smolvla
