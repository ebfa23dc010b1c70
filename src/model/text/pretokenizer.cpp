#include "model/text/pretokenizer.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "base/utf8.h"
#include "model/text/byte_level.h"
#include "model/text/unicode.h"

namespace heddle {
namespace {

void add_range(std::vector<Pieces::Range>& ranges, std::size_t begin, std::size_t end) {
  if (begin == end) return;
  ranges.push_back({static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)});
}

void cut_at_digits(std::string_view piece, std::size_t offset, bool individual,
                   std::vector<Pieces::Range>& ranges) {
  std::size_t begin = 0;
  bool previous = false;
  for (std::size_t at = 0; at < piece.size();) {
    const Utf8Char next = utf8_at(piece, at);
    const bool digit = is_numeric(next.code);
    if (digit != previous || (digit && individual)) {
      add_range(ranges, offset + begin, offset + at);
      begin = at;
    }
    previous = digit;
    at += next.length;
  }
  add_range(ranges, offset + begin, offset + piece.size());
}

void apply(const DigitsStep& step, Pieces& pieces) {
  std::vector<Pieces::Range> ranges;
  for (std::size_t i = 0; i < pieces.ranges.size(); ++i) {
    cut_at_digits(pieces[i], pieces.ranges[i].begin, step.individual, ranges);
  }
  pieces.ranges = std::move(ranges);
}

void apply(const ByteLevelStep& step, Pieces& pieces) {
  Pieces result;
  result.text.reserve(pieces.text.size() + pieces.text.size() / 4);
  std::string prefixed;
  for (std::size_t i = 0; i < pieces.ranges.size(); ++i) {
    std::string_view piece = pieces[i];
    if (step.add_prefix_space && !piece.starts_with(' ')) {
      prefixed.clear();
      prefixed.push_back(' ');
      prefixed.append(piece);
      piece = prefixed;
    }
    for (std::size_t at = 0; at < piece.size();) {
      const std::size_t end = step.use_regex ? byte_level_piece_end(piece, at) : piece.size();
      const std::size_t begin = result.text.size();
      append_byte_symbols(result.text, piece.substr(at, end - at));
      add_range(result.ranges, begin, result.text.size());
      at = end;
    }
  }
  pieces = std::move(result);
}

/// Joins the first match of each run of matches with the part before it.
std::vector<Match> merge_with_previous(const std::vector<Match>& parts) {
  std::vector<Match> merged;
  bool previous = false;
  for (const Match& part : parts) {
    if (part.matched && !previous && !merged.empty()) {
      merged.back().end = part.end;
    } else {
      merged.push_back(part);
    }
    previous = part.matched;
  }
  return merged;
}

std::vector<Match> merge_with_next(const std::vector<Match>& parts) {
  std::vector<Match> merged;  // From right to left.
  bool previous = false;
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
    if (part->matched && !previous && !merged.empty()) {
      merged.back().begin = part->begin;
    } else {
      merged.push_back(*part);
    }
    previous = part->matched;
  }
  std::reverse(merged.begin(), merged.end());
  return merged;
}

std::vector<Match> merge_contiguous(const std::vector<Match>& parts) {
  std::vector<Match> merged;
  bool previous = false;
  for (const Match& part : parts) {
    if (part.matched == previous && !merged.empty()) {
      merged.back().end = part.end;
    } else {
      merged.push_back(part);
    }
    previous = part.matched;
  }
  return merged;
}

std::vector<Match> rearrange(std::vector<Match> parts, SplitBehavior behavior) {
  switch (behavior) {
    case SplitBehavior::kRemoved:
      std::erase_if(parts, [](const Match& part) { return part.matched; });
      return parts;
    case SplitBehavior::kIsolated:
      return parts;
    case SplitBehavior::kMergedWithPrevious:
      return merge_with_previous(parts);
    case SplitBehavior::kMergedWithNext:
      return merge_with_next(parts);
    case SplitBehavior::kContiguous:
      return merge_contiguous(parts);
  }
  throw InternalError("unknown SplitBehavior");
}

void apply(const SplitStep& step, Pieces& pieces) {
  std::vector<Pieces::Range> ranges;
  for (std::size_t i = 0; i < pieces.ranges.size(); ++i) {
    const std::size_t offset = pieces.ranges[i].begin;
    std::vector<Match> parts = step.pattern.find_all(pieces[i]);
    if (step.invert) {
      for (Match& part : parts) part.matched = !part.matched;
    }
    for (const Match& part : rearrange(std::move(parts), step.behavior)) {
      add_range(ranges, offset + part.begin, offset + part.end);
    }
  }
  pieces.ranges = std::move(ranges);
}

/// A key that decides how texts are cut must be there: a guess would change ids in silence.
bool required_boolean(const JsonObject& object, std::string_view key) {
  if (!object.has(key)) {
    throw UserError(fmt::format("{}: key \"{}\" is missing", object.where(), key),
                    fmt::format("set \"{}\" to true or false", key));
  }
  return object.boolean(key, false);
}

SplitBehavior read_behavior(const JsonObject& object) {
  const std::string name = object.string("behavior");
  if (name == "Removed") return SplitBehavior::kRemoved;
  if (name == "Isolated") return SplitBehavior::kIsolated;
  if (name == "MergedWithPrevious") return SplitBehavior::kMergedWithPrevious;
  if (name == "MergedWithNext") return SplitBehavior::kMergedWithNext;
  if (name == "Contiguous") return SplitBehavior::kContiguous;
  throw UserError(fmt::format("{}: \"behavior\" is {}", object.where(), quote(name)),
                  "use one of Removed, Isolated, MergedWithPrevious, MergedWithNext, Contiguous");
}

SplitStep read_split(const JsonObject& object) {
  const JsonObject pattern = object.object("pattern");
  const SplitBehavior behavior = read_behavior(object);
  const bool invert = required_boolean(object, "invert");
  if (pattern.has("Regex")) {
    return {Pattern::regex(pattern.string("Regex"), pattern.where()), behavior, invert};
  }
  if (pattern.has("String")) {
    return {Pattern::literal(pattern.string("String"), pattern.where()), behavior, invert};
  }
  throw UserError(fmt::format("{}: neither \"String\" nor \"Regex\" is given", pattern.where()),
                  "give the pattern as {\"String\": text} or {\"Regex\": expression}");
}

void read_steps(const Json& value, const std::string& where, std::vector<PretokenizerStep>& steps) {
  const JsonObject object(value, where);
  const std::string type = object.string("type");
  if (type == "Digits") {
    steps.emplace_back(DigitsStep{required_boolean(object, "individual_digits")});
  } else if (type == "ByteLevel") {
    steps.emplace_back(ByteLevelStep{required_boolean(object, "add_prefix_space"),
                                     object.boolean("use_regex", true)});
  } else if (type == "Split") {
    steps.emplace_back(read_split(object));
  } else if (type == "Sequence") {
    if (!object.has("pretokenizers") || !object.raw()["pretokenizers"].is_array()) {
      throw UserError(fmt::format("{}: \"pretokenizers\" should be a list", where),
                      "list the steps of the Sequence, or use null for none");
    }
    std::size_t index = 0;
    for (const Json& step : object.raw()["pretokenizers"]) {
      read_steps(step, fmt::format("{}[{}]", where, index++), steps);
    }
  } else {
    throw UserError(fmt::format("{}: type {} is not supported", where, quote(type)),
                    "supported are ByteLevel, Digits, Split, and Sequence of those");
  }
}

bool is_byte_level(const PretokenizerStep& step) {
  return std::holds_alternative<ByteLevelStep>(step);
}

}  // namespace

Pretokenizer::Pretokenizer(std::vector<PretokenizerStep> steps) : steps_(std::move(steps)) {
  ensure(std::count_if(steps_.begin(), steps_.end(), is_byte_level) <= 1,
         "two ByteLevel steps in one pre-tokenizer");
}

Pretokenizer Pretokenizer::from_json(const Json& value, const std::string& where) {
  std::vector<PretokenizerStep> steps;
  if (!value.is_null()) read_steps(value, where, steps);
  if (std::count_if(steps.begin(), steps.end(), is_byte_level) > 1) {
    throw UserError(fmt::format("{}: ByteLevel appears twice", where),
                    "keep one: the second would take the symbols of the first for text");
  }
  return Pretokenizer(std::move(steps));
}

Pieces Pretokenizer::split(std::string_view text) const {
  ensure(text.size() <= kMaxText, "a text of {} bytes for the pre-tokenizer", text.size());
  Pieces pieces{std::string(text), {}};
  add_range(pieces.ranges, 0, text.size());
  for (const PretokenizerStep& step : steps_) {
    std::visit([&](const auto& known) { apply(known, pieces); }, step);
  }
  return pieces;
}

}  // namespace heddle
