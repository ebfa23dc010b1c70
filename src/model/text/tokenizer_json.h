// Reading tokenizer.json, the file format of the `tokenizers` library.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "model/text/tokenizer.h"

namespace heddle {

/// The parts of a tokenizer of type BPE. Supported: no normalizer; the pre-tokenizers that
/// Pretokenizer::from_json takes; the post-processors ByteLevel (which changes no ids),
/// TemplateProcessing with sequence A once in "single", and a Sequence of them; the decoder
/// ByteLevel; truncation with the strategies LongestFirst and OnlyFirst. "padding" is not looked
/// at. UserError for anything else, and for whatever is missing or contradicts itself; `where`
/// names the file.
TokenizerParts read_tokenizer_json(const Json& json, const std::string& where);

/// Checks ids that a file gives to added tokens: each must be that of its content in the
/// vocabulary, or, for contents the vocabulary has not, the next free one in the order of the list.
/// The reference numbers them so whatever the file says. UserError, also for an empty or overlong
/// content and for two tokens with one content.
void check_added_tokens(const std::vector<AddedToken>& tokens, const Vocabulary& vocabulary,
                        const std::string& where);

}  // namespace heddle
