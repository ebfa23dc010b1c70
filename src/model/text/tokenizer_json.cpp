#include "model/text/tokenizer_json.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/text.h"

namespace heddle {
namespace {

const Json& value_at(const JsonObject& object, const std::string& key) {
  static const Json null_value;
  return object.has(key) ? object.raw()[key] : null_value;
}

const Json& array_at(const JsonObject& object, const std::string& key) {
  const Json& value = value_at(object, key);
  if (!value.is_array()) {
    throw UserError(fmt::format("{}: \"{}\" should be a list, found {}", object.where(), key,
                                value.type_name()),
                    fmt::format("set \"{}\" to a list, or fetch the file again", key));
  }
  return value;
}

std::string place(const JsonObject& object, std::string_view key) {
  return fmt::format("{}: \"{}\"", object.where(), key);
}

[[noreturn]] void not_supported(const std::string& where, std::string_view what,
                                const std::string& remedy) {
  throw UserError(fmt::format("{}: {} is not supported", where, what), remedy);
}

/// The "type" of a part, or "null".
std::string type_of(const Json& value, const std::string& where) {
  return value.is_null() ? "null" : JsonObject(value, where).string("type");
}

void require_absent(const JsonObject& model, const std::string& key) {
  const Json& value = value_at(model, key);
  static const Json absent = Json::array({nullptr, false, "", 0.0});
  if (std::find(absent.begin(), absent.end(), value) != absent.end()) return;
  not_supported(place(model, key), shorten(value.dump()),
                fmt::format("only models without \"{}\" can be used", key));
}

std::pair<std::string, std::string> read_merge(const Json& merge, const std::string& where) {
  if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
    return {merge[0].get<std::string>(), merge[1].get<std::string>()};
  }
  if (merge.is_string()) {
    const auto& text = merge.get_ref<const std::string&>();
    const std::size_t space = text.find(' ');
    if (space != std::string::npos && text.find(' ', space + 1) == std::string::npos) {
      return {text.substr(0, space), text.substr(space + 1)};
    }
  }
  throw UserError(fmt::format("{}: {} is not a merge", where, shorten(merge.dump())),
                  "write a merge as [\"a\", \"b\"] or as \"a b\"");
}

Merges read_merges(const JsonObject& model) {
  Merges merges;
  const Json& list = array_at(model, "merges");
  merges.reserve(list.size());
  for (const Json& merge : list) {
    merges.push_back(
        read_merge(merge, fmt::format("{}[{}]", place(model, "merges"), merges.size())));
  }
  return merges;
}

Bpe read_bpe(const JsonObject& model) {
  if (const std::string type = model.string("type"); type != "BPE") {
    not_supported(model.where(), "type " + quote(type), "supported is BPE");
  }
  for (const char* key :
       {"dropout", "byte_fallback", "continuing_subword_prefix", "end_of_word_suffix"}) {
    require_absent(model, key);
  }
  BpeOptions options;
  if (model.has("unk_token")) options.unknown_token = model.string("unk_token");
  options.fuse_unknown = model.boolean("fuse_unk", false);
  options.ignore_merges = model.boolean("ignore_merges", false);
  Vocabulary vocabulary = Vocabulary::from_json(value_at(model, "vocab"), place(model, "vocab"));
  return {std::move(vocabulary), read_merges(model), std::move(options), model.where()};
}

std::vector<AddedToken> read_added_tokens(const JsonObject& file, const Vocabulary& vocabulary) {
  std::vector<AddedToken> tokens;
  if (!file.has("added_tokens")) return tokens;
  for (const Json& item : array_at(file, "added_tokens")) {
    const JsonObject object(item,
                            fmt::format("{}[{}]", place(file, "added_tokens"), tokens.size()));
    const std::int64_t id = object.integer("id");
    if (id < 0 || id > std::numeric_limits<std::int32_t>::max()) {
      throw UserError(fmt::format("{}: the id {}", object.where(), id),
                      "give an id of 0 or more, below 2^31");
    }
    AddedToken token;
    token.content = object.string("content");
    token.id = static_cast<std::int32_t>(id);
    token.special = object.boolean("special", false);
    token.single_word = object.boolean("single_word", false);
    token.lstrip = object.boolean("lstrip", false);
    token.rstrip = object.boolean("rstrip", false);
    token.normalized = object.boolean("normalized", !token.special);
    tokens.push_back(std::move(token));
  }
  check_added_tokens(tokens, vocabulary, place(file, "added_tokens"));
  return tokens;
}

/// The ids that one item of a template stands for; nothing for the sequence itself.
std::vector<std::int64_t> template_ids(const JsonObject& item, const JsonObject& processor) {
  const std::string name = item.object("SpecialToken").string("id");
  return processor.object("special_tokens").object(name).integers("ids");
}

void read_template(const JsonObject& processor, TokenizerParts& parts, std::size_t vocab_size) {
  if (!parts.prefix.empty() || !parts.suffix.empty()) {
    not_supported(processor.where(), "a second TemplateProcessing", "keep one of them");
  }
  bool after_sequence = false;
  for (const Json& value : array_at(processor, "single")) {
    const JsonObject item(value, place(processor, "single"));
    if (item.has("Sequence")) {
      if (after_sequence || item.object("Sequence").string("id") != "A") {
        not_supported(item.where(), "a template with more than the one sequence A",
                      "use a template such as \"<s> $A </s>\"");
      }
      after_sequence = true;
      continue;
    }
    for (const std::int64_t id : template_ids(item, processor)) {
      if (id < 0 || id >= static_cast<std::int64_t>(vocab_size)) {
        throw UserError(fmt::format("{}: the id {} of a special token", item.where(), id),
                        fmt::format("ids run from 0 to {}", vocab_size - 1));
      }
      (after_sequence ? parts.suffix : parts.prefix).push_back(static_cast<std::int32_t>(id));
    }
  }
  if (!after_sequence) {
    throw UserError(fmt::format("{}: the template has no sequence A", place(processor, "single")),
                    "add {\"Sequence\": {\"id\": \"A\", \"type_id\": 0}}");
  }
}

void read_post_processor(const Json& value, const std::string& where, TokenizerParts& parts,
                         std::size_t vocab_size) {
  const std::string type = type_of(value, where);
  if (type == "null" || type == "ByteLevel") return;  // ByteLevel moves offsets only.
  const JsonObject processor(value, where);
  if (type == "TemplateProcessing") {
    read_template(processor, parts, vocab_size);
  } else if (type == "Sequence") {
    std::size_t index = 0;
    for (const Json& step : array_at(processor, "processors")) {
      read_post_processor(step, fmt::format("{}[{}]", where, index++), parts, vocab_size);
    }
  } else {
    not_supported(where, "type " + quote(type),
                  "supported are ByteLevel, TemplateProcessing, a Sequence of those, and null");
  }
}

std::optional<Truncation> read_truncation(const JsonObject& file) {
  if (!file.has("truncation")) return std::nullopt;
  const JsonObject object = file.object("truncation");
  const std::string strategy = object.string("strategy", "LongestFirst");
  if (strategy != "LongestFirst" && strategy != "OnlyFirst") {
    not_supported(place(object, "strategy"), quote(strategy), "use LongestFirst or OnlyFirst");
  }
  const std::int64_t max_length = object.integer("max_length");
  if (max_length < 0) {
    throw UserError(fmt::format("{}: \"max_length\" is {}", object.where(), max_length),
                    "give 0 or more tokens");
  }
  const std::string direction = object.string("direction", "Right");
  if (direction != "Left" && direction != "Right") {
    throw UserError(fmt::format("{}: \"direction\" is {}", object.where(), quote(direction)),
                    "use Left or Right");
  }
  return Truncation{static_cast<std::size_t>(max_length),
                    direction == "Left" ? TruncationSide::kLeft : TruncationSide::kRight};
}

void check_version(const JsonObject& file) {
  if (const std::string version = file.string("version", "1.0"); version != "1.0") {
    not_supported(place(file, "version"), quote(version), "supported is version 1.0");
  }
}

void check_normalizer(const JsonObject& file) {
  const std::string type = type_of(value_at(file, "normalizer"), place(file, "normalizer"));
  if (type != "null") {
    not_supported(place(file, "normalizer"), "type " + quote(type),
                  "only tokenizers without a normalizer (null) can be used");
  }
}

void check_decoder(const JsonObject& file) {
  const std::string type = type_of(value_at(file, "decoder"), place(file, "decoder"));
  if (type != "ByteLevel") {
    not_supported(place(file, "decoder"), "type " + quote(type), "supported is ByteLevel");
  }
}

}  // namespace

void check_added_tokens(const std::vector<AddedToken>& tokens, const Vocabulary& vocabulary,
                        const std::string& where) {
  std::set<std::string_view> contents;
  std::size_t next = vocabulary.size();
  for (const AddedToken& token : tokens) {
    if (token.content.empty() || token.content.size() > kMaxAddedTokenLength) {
      throw UserError(fmt::format("{}: the token with id {} has a content of {} bytes", where,
                                  token.id, token.content.size()),
                      fmt::format("contents have 1 to {} bytes", kMaxAddedTokenLength));
    }
    if (!contents.insert(token.content).second) {
      throw UserError(fmt::format("{}: the token {} appears twice", where, quote(token.content)),
                      "remove one of the two");
    }
    const std::optional<std::int32_t> known = vocabulary.id_of(token.content);
    const std::size_t expected = known ? static_cast<std::size_t>(*known) : next++;
    if (static_cast<std::size_t>(token.id) != expected) {
      throw UserError(fmt::format("{}: the token {} has the id {}, but its place is {}", where,
                                  quote(token.content), token.id, expected),
                      fmt::format("number tokens that the vocabulary has not upwards from {}",
                                  vocabulary.size()));
    }
  }
}

TokenizerParts read_tokenizer_json(const Json& json, const std::string& where) {
  const JsonObject file(json, where);
  check_version(file);
  check_normalizer(file);
  check_decoder(file);
  TokenizerParts parts{
      read_bpe(file.object("model")),
      Pretokenizer::from_json(value_at(file, "pre_tokenizer"), place(file, "pre_tokenizer")),
      {},
      {},
      {},
      read_truncation(file)};
  parts.added_tokens = read_added_tokens(file, parts.bpe.vocabulary());
  std::size_t vocab_size = parts.bpe.vocabulary().size();
  for (const AddedToken& token : parts.added_tokens) {
    vocab_size = std::max(vocab_size, static_cast<std::size_t>(token.id) + 1);
  }
  read_post_processor(value_at(file, "post_processor"), place(file, "post_processor"), parts,
                      vocab_size);
  return parts;
}

}  // namespace heddle
