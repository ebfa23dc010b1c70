// Reading a tokenizer from vocab.json and merges.txt, the older pair of files.
#pragma once

#include <filesystem>

#include "model/text/tokenizer.h"

namespace heddle {

/// Reads from `folder`
///   vocab.json               {token: id}, numbered without holes from 0
///   merges.txt               an optional line "#version...", then one merge "a b" per line
///   added_tokens.json        optional: {content: id}, numbered on from the vocabulary
///   special_tokens_map.json  optional: which tokens are special, such as {"eos_token": "<end>"}; a
///                            value may also be an object with "content" or a list of either
/// The pre-tokenizer is ByteLevel without a prefix space. Special tokens are found in texts like
/// added ones. Without special_tokens_map.json "<|endoftext|>" is special if it is in the
/// vocabulary, the convention of this format. UserError for broken files.
TokenizerParts read_tokenizer_folder(const std::filesystem::path& folder);

}  // namespace heddle
