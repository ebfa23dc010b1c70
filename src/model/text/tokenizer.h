// The tokenizer: text to token ids and back, equal id by id to the `tokenizers` library.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/text/added_tokens.h"
#include "model/text/bpe.h"
#include "model/text/pretokenizer.h"

namespace heddle {

/// The end of a sequence that is cut off when it is too long: kLeft keeps the last tokens.
enum class TruncationSide { kLeft, kRight };

/// At most `max_length` ids, those of the template included.
struct Truncation {
  std::size_t max_length = std::numeric_limits<std::size_t>::max();
  TruncationSide side = TruncationSide::kRight;
};

struct EncodeOptions {
  /// With the ids that the file's template puts around a sequence, if it has one.
  bool add_special_tokens = true;
  /// Instead of the file's own truncation; Truncation{} for none at all.
  std::optional<Truncation> truncation;
};

enum class SpecialTokens { kSkip, kKeep };

/// What a tokenizer is made of.
struct TokenizerParts {
  Bpe bpe;
  Pretokenizer pretokenizer;
  /// Each has the id of its content in the vocabulary, or the next free one.
  std::vector<AddedToken> added_tokens;
  /// The template: ids before and after every sequence.
  std::vector<std::int32_t> prefix;
  std::vector<std::int32_t> suffix;
  std::optional<Truncation> truncation;
};

/// A byte-level BPE tokenizer. Reading it is the costly part; the object is immutable, so several
/// threads may use it.
class Tokenizer {
 public:
  explicit Tokenizer(TokenizerParts parts);

  /// From a tokenizer.json. What it may contain: tokenizer_json.h. Padding is left to the caller.
  /// UserError if the file is broken or asks for something that is not supported.
  static Tokenizer from_json(const std::filesystem::path& path);
  /// The same from the text of such a file; `where` names it in messages.
  static Tokenizer from_json_text(std::string_view text, const std::string& where);
  /// From a folder with vocab.json and merges.txt, and added_tokens.json and
  /// special_tokens_map.json if they are there (tokenizer_folder.h). UserError as above.
  static Tokenizer from_vocab_and_merges(const std::filesystem::path& folder);

  /// The ids of a text. Takes time in proportion to the text, whatever it is (n log n for a text
  /// that is one single piece). UserError if it is not UTF-8, has more than 1 GiB, or the template
  /// alone is longer than the truncation allows.
  [[nodiscard]] std::vector<std::int32_t> encode(std::string_view text,
                                                 const EncodeOptions& options = {}) const;

  /// The text of a sequence. Bytes that are no UTF-8 become U+FFFD; ids that name no token (a
  /// model's logits may be wider than the vocabulary) add nothing. StreamDecoder does it id by id.
  [[nodiscard]] std::string decode(std::span<const std::int32_t> ids,
                                   SpecialTokens special = SpecialTokens::kSkip) const;

  /// The bytes that one id adds to a decoded text, not always whole characters; nothing if the id
  /// names no token.
  [[nodiscard]] std::string_view bytes_of(std::int32_t id) const;

  /// Ids run from 0 to vocab_size() - 1, added tokens included.
  [[nodiscard]] std::size_t vocab_size() const { return bytes_.size(); }
  /// The id of a token as the file writes it: in byte symbols unless it is an added token.
  [[nodiscard]] std::optional<std::int32_t> token_to_id(std::string_view token) const;
  [[nodiscard]] bool is_special(std::int32_t id) const;
  /// The truncation that the file asks for.
  [[nodiscard]] const std::optional<Truncation>& truncation() const { return truncation_; }

 private:
  void encode_text(std::string_view text, Bpe::Scratch& scratch,
                   std::vector<std::int32_t>& ids) const;
  void truncate(std::vector<std::int32_t>& ids, const Truncation& truncation,
                std::size_t template_length) const;

  Bpe bpe_;
  Pretokenizer pretokenizer_;
  AddedTokens added_tokens_;
  std::vector<std::int32_t> prefix_;
  std::vector<std::int32_t> suffix_;
  std::optional<Truncation> truncation_;
  std::vector<std::string> bytes_;  ///< By id.
  std::vector<bool> special_;       ///< By id.
};

}  // namespace heddle
