// Decoding id by id: gives out text as soon as it is certain.
#pragma once

#include <cstdint>
#include <string>

#include "model/text/tokenizer.h"

namespace heddle {

/// One text in the making. What push() and finish() return, joined, is what Tokenizer::decode()
/// returns for all the ids; each part is valid UTF-8. At most three bytes are held back.
class StreamDecoder {
 public:
  /// Refers to the tokenizer, which must outlive it.
  explicit StreamDecoder(const Tokenizer& tokenizer, SpecialTokens special = SpecialTokens::kSkip)
      : tokenizer_(&tokenizer), special_(special) {}

  /// The text that became certain with this id; often empty, when a character spans several ids.
  std::string push(std::int32_t id);

  /// U+FFFD if the ids ended inside a character, otherwise nothing. A new text may follow.
  std::string finish();

 private:
  const Tokenizer* tokenizer_;
  SpecialTokens special_;
  std::string held_;
};

}  // namespace heddle
