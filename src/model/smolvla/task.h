// The instruction as the policy reads it: token ids of a checkpoint's tokenizer.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "model/smolvla/pipeline.h"
#include "model/smolvla/prefix.h"
#include "model/text/tokenizer.h"

namespace heddle::smolvla {

/// The tokenizer.json to use: `chosen` if given, else folder/tokenizer.json, else
/// folder/tokenizer/tokenizer.json, else the folder inside the checkpoint that the preprocessor
/// names. Throws UserError, saying which public file to copy where, if there is none.
std::filesystem::path find_tokenizer(const std::filesystem::path& folder,
                                     const Pipelines& pipelines,
                                     const std::optional<std::filesystem::path>& chosen);

/// Turns tasks into ids. Immutable.
class TaskReader {
 public:
  /// Reads a tokenizer.json, and tokenizer_config.json next to it for the end at which long tasks
  /// are cut. Throws UserError.
  TaskReader(const std::filesystem::path& tokenizer, const Pipelines& pipelines,
             std::int64_t vocabulary);

  /// At most "max_length" ids of `task` and a line break; of longer ones the end is kept, as the
  /// tokenizers of SmolVLM2 do. Throws UserError for an empty task and for ids that the model has
  /// no row for. (LeRobot runs an empty task as a lone line break.)
  [[nodiscard]] std::vector<std::int32_t> ids(const std::string& task) const;

  /// The ids of the tokens around images. Throws UserError if the tokenizer has not got them.
  [[nodiscard]] ImageTokens image_tokens() const;

 private:
  [[nodiscard]] std::int64_t token(const std::string& content) const;

  std::string where_;
  Tokenizer tokenizer_;
  Truncation truncation_;
  bool append_newline_;
  std::int64_t vocabulary_;
};

}  // namespace heddle::smolvla
