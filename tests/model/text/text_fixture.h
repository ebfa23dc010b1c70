// What the tests of text/ share: the two tokenizers, and random texts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "model/text/tokenizer.h"

namespace heddle {

inline const std::filesystem::path kGolden = "tests/golden/text";
inline const std::filesystem::path kSyntheticJson = "src/model/smolvla/tokenizer.json";
/// Outside the repository: a test that needs it is skipped where it is absent.
inline const std::filesystem::path kPhi2Json = "../shared/data/phi-2/tokenizer.json";

/// The two tokenizers, read once; nothing where the file is absent.
const Tokenizer* synthetic_tokenizer();
const Tokenizer* phi2_tokenizer();
const Tokenizer* tokenizer_by_name(const std::string& name);

/// Writes vocab.json, merges.txt, added_tokens.json and, if asked, special_tokens_map.json into
/// `folder`, as they follow from a tokenizer.json.
void write_tokenizer_folder(const Json& json, const std::filesystem::path& folder,
                            bool special_tokens_map);

/// A folder that vanishes with the object.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// Valid UTF-8 of up to `most` characters from all planes, ASCII and white space being frequent.
std::string random_text(std::mt19937& random, std::size_t most);

/// "1 2 3"
std::string to_text(std::span<const std::int32_t> ids);

/// What a UserError said, "problem | remedy"; empty if `action` threw none.
template <typename Action>
std::string user_error(Action action) {
  try {
    action();
  } catch (const UserError& error) {
    return std::string(error.what()) + " | " + error.remedy();
  }
  return {};
}

}  // namespace heddle
