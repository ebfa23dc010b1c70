#include "model/text/tokenizer.h"

#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/utf8.h"
#include "model/text/byte_level.h"
#include "model/text/tokenizer_folder.h"
#include "model/text/tokenizer_json.h"

namespace heddle {
namespace {

void check_text(std::string_view text) {
  if (text.size() > Pretokenizer::kMaxText) {
    throw UserError(fmt::format("a text of {} bytes cannot be tokenized at once", text.size()),
                    fmt::format("split it into parts of at most {} bytes", Pretokenizer::kMaxText));
  }
  if (const std::optional<std::size_t> at = find_invalid_utf8(text)) {
    throw UserError(fmt::format("the text is not valid UTF-8: byte {} (0x{:02X})", *at,
                                static_cast<unsigned char>(text[*at])),
                    "convert the text to UTF-8");
  }
}

}  // namespace

Tokenizer::Tokenizer(TokenizerParts parts)
    : bpe_(std::move(parts.bpe)),
      pretokenizer_(std::move(parts.pretokenizer)),
      added_tokens_(std::move(parts.added_tokens)),
      prefix_(std::move(parts.prefix)),
      suffix_(std::move(parts.suffix)),
      truncation_(parts.truncation) {
  const Vocabulary& vocabulary = bpe_.vocabulary();
  for (std::size_t id = 0; id < vocabulary.size(); ++id) {
    bytes_.push_back(token_bytes(vocabulary.token_of(static_cast<std::int32_t>(id))));
  }
  for (const AddedToken& token : added_tokens_.tokens()) {
    if (token.id < 0 || static_cast<std::size_t>(token.id) >= vocabulary.size()) {
      ensure(static_cast<std::size_t>(token.id) == bytes_.size(),
             "added token \"{}\" has the id {} in place of {}", token.content, token.id,
             bytes_.size());
      bytes_.push_back(token_bytes(token.content));
    }
  }
  special_.resize(bytes_.size());
  for (const AddedToken& token : added_tokens_.tokens()) {
    special_[static_cast<std::size_t>(token.id)] = token.special;
  }
}

Tokenizer Tokenizer::from_json(const std::filesystem::path& path) {
  return Tokenizer(read_tokenizer_json(read_json(path), path.string()));
}

Tokenizer Tokenizer::from_json_text(std::string_view text, const std::string& where) {
  return Tokenizer(read_tokenizer_json(parse_json(text, where), where));
}

Tokenizer Tokenizer::from_vocab_and_merges(const std::filesystem::path& folder) {
  return Tokenizer(read_tokenizer_folder(folder));
}

void Tokenizer::encode_text(std::string_view text, Bpe::Scratch& scratch,
                            std::vector<std::int32_t>& ids) const {
  const Pieces pieces = pretokenizer_.split(text);
  for (std::size_t i = 0; i < pieces.ranges.size(); ++i) bpe_.encode(pieces[i], scratch, ids);
}

void Tokenizer::truncate(std::vector<std::int32_t>& ids, const Truncation& truncation,
                         std::size_t template_length) const {
  if (template_length > truncation.max_length) {
    throw UserError(fmt::format("at most {} tokens are asked for, but the template alone has {}",
                                truncation.max_length, template_length),
                    "ask for more tokens, or encode without special tokens");
  }
  const std::size_t room = truncation.max_length - template_length;
  if (ids.size() <= room) return;
  const auto excess = static_cast<std::ptrdiff_t>(ids.size() - room);
  if (truncation.side == TruncationSide::kLeft) {
    ids.erase(ids.begin(), ids.begin() + excess);
  } else {
    ids.erase(ids.end() - excess, ids.end());
  }
}

std::vector<std::int32_t> Tokenizer::encode(std::string_view text,
                                            const EncodeOptions& options) const {
  check_text(text);
  std::vector<std::int32_t> ids;
  Bpe::Scratch scratch;
  for (const AddedTokens::Part& part : added_tokens_.split(text)) {
    if (part.id == AddedTokens::kText) {
      encode_text(text.substr(part.begin, part.end - part.begin), scratch, ids);
    } else {
      ids.push_back(part.id);
    }
  }
  const std::size_t template_length =
      options.add_special_tokens ? prefix_.size() + suffix_.size() : 0;
  const std::optional<Truncation>& chosen = options.truncation ? options.truncation : truncation_;
  if (chosen) truncate(ids, *chosen, template_length);
  if (options.add_special_tokens) {
    ids.insert(ids.begin(), prefix_.begin(), prefix_.end());
    ids.insert(ids.end(), suffix_.begin(), suffix_.end());
  }
  return ids;
}

std::string_view Tokenizer::bytes_of(std::int32_t id) const {
  if (id < 0 || static_cast<std::size_t>(id) >= bytes_.size()) return {};
  return bytes_[static_cast<std::size_t>(id)];
}

bool Tokenizer::is_special(std::int32_t id) const {
  return id >= 0 && static_cast<std::size_t>(id) < special_.size() &&
         special_[static_cast<std::size_t>(id)];
}

std::string Tokenizer::decode(std::span<const std::int32_t> ids, SpecialTokens special) const {
  std::string bytes;
  for (const std::int32_t id : ids) {
    if (special == SpecialTokens::kSkip && is_special(id)) continue;
    bytes += bytes_of(id);
  }
  return replace_invalid_utf8(bytes);
}

std::optional<std::int32_t> Tokenizer::token_to_id(std::string_view token) const {
  for (const AddedToken& added : added_tokens_.tokens()) {
    if (added.content == token) return added.id;
  }
  return bpe_.vocabulary().id_of(token);
}

}  // namespace heddle
