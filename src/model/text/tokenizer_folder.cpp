#include "model/text/tokenizer_folder.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "base/utf8.h"
#include "model/text/tokenizer_json.h"

namespace heddle {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kDefaultSpecial = "<|endoftext|>";

Merges read_merges_text(const fs::path& path) {
  const std::string text = read_file(path);
  if (const std::optional<std::size_t> at = find_invalid_utf8(text)) {
    throw UserError(fmt::format("{}: not valid UTF-8 at byte {}", path.string(), *at),
                    "fetch the file again");
  }
  Merges merges;
  std::size_t number = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t newline = std::min(text.find('\n', begin), text.size());
    std::string_view line = std::string_view(text).substr(begin, newline - begin);
    begin = newline + 1;
    ++number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.starts_with("#version")) continue;
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos || line.find(' ', space + 1) != std::string_view::npos) {
      throw UserError(fmt::format("{}:{}: {} is not a merge", path.string(), number, quote(line)),
                      "a merge is two tokens with one space between them");
    }
    merges.emplace_back(line.substr(0, space), line.substr(space + 1));
  }
  return merges;
}

/// The contents that one value of special_tokens_map.json names.
void collect_special(const Json& value, const std::string& where, std::set<std::string>& special) {
  if (value.is_string()) {
    special.insert(value.get<std::string>());
  } else if (value.is_array()) {
    for (const Json& item : value) collect_special(item, where, special);
  } else if (!value.is_null()) {
    special.insert(JsonObject(value, where).string("content"));
  }
}

std::set<std::string> read_special(const fs::path& folder, const Vocabulary& vocabulary) {
  std::set<std::string> special;
  const fs::path path = folder / "special_tokens_map.json";
  if (fs::exists(path)) {
    const Json json = read_json(path);
    const JsonObject map(json, path.string());
    for (const auto& [key, value] : json.items()) {
      collect_special(value, fmt::format("{}: \"{}\"", path.string(), key), special);
    }
  } else if (vocabulary.id_of(kDefaultSpecial)) {
    special.emplace(kDefaultSpecial);
  }
  return special;
}

std::vector<AddedToken> read_added(const fs::path& folder, const Vocabulary& vocabulary) {
  std::vector<AddedToken> tokens;
  const fs::path path = folder / "added_tokens.json";
  if (!fs::exists(path)) return tokens;
  const Json json = read_json(path);
  const JsonObject map(json, path.string());
  for (const auto& item : json.items()) {
    const std::int64_t id = map.integer(item.key());
    if (id < 0 || id > std::numeric_limits<std::int32_t>::max()) {
      throw UserError(
          fmt::format("{}: token {} has the id {}", path.string(), quote(item.key()), id),
          "give an id of 0 or more, below 2^31");
    }
    AddedToken token;
    token.content = item.key();
    token.id = static_cast<std::int32_t>(id);
    tokens.push_back(std::move(token));
  }
  std::sort(tokens.begin(), tokens.end(),
            [](const AddedToken& a, const AddedToken& b) { return a.id < b.id; });
  check_added_tokens(tokens, vocabulary, path.string());
  return tokens;
}

/// Marks the special ones among `tokens` and adds those that only the vocabulary knows.
void mark_special(std::set<std::string> special, const Vocabulary& vocabulary,
                  const fs::path& folder, std::vector<AddedToken>& tokens) {
  for (AddedToken& token : tokens) {
    token.special = special.erase(token.content) > 0;
    token.normalized = !token.special;
  }
  for (const std::string& content : special) {
    const std::optional<std::int32_t> id = vocabulary.id_of(content);
    if (!id || content.size() > kMaxAddedTokenLength) {
      throw UserError(fmt::format("{}: the special token {} is in neither vocab.json nor "
                                  "added_tokens.json",
                                  folder.string(), quote(content)),
                      "add it to added_tokens.json, or remove it from special_tokens_map.json");
    }
    AddedToken token;
    token.content = content;
    token.id = *id;
    token.special = true;
    tokens.push_back(std::move(token));
  }
}

}  // namespace

TokenizerParts read_tokenizer_folder(const fs::path& folder) {
  const fs::path vocabulary_path = folder / "vocab.json";
  Vocabulary vocabulary =
      Vocabulary::from_json(read_json(vocabulary_path), vocabulary_path.string());
  const Merges merges = read_merges_text(folder / "merges.txt");
  TokenizerParts parts{Bpe(std::move(vocabulary), merges, {}, (folder / "merges.txt").string()),
                       Pretokenizer({ByteLevelStep{}}),
                       {},
                       {},
                       {},
                       std::nullopt};
  parts.added_tokens = read_added(folder, parts.bpe.vocabulary());
  mark_special(read_special(folder, parts.bpe.vocabulary()), parts.bpe.vocabulary(), folder,
               parts.added_tokens);
  return parts;
}

}  // namespace heddle
