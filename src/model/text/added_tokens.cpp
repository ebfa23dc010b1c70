#include "model/text/added_tokens.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/utf8.h"
#include "model/text/unicode.h"

namespace heddle {
namespace {

/// The character that ends at text[end], which is valid UTF-8.
Utf8Char utf8_before(std::string_view text, std::size_t end) {
  std::size_t begin = end - 1;
  while ((static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) --begin;
  return utf8_at(text, begin);
}

bool touches_word(std::string_view text, std::size_t begin, std::size_t end) {
  return (begin > 0 && is_word(utf8_before(text, begin).code)) ||
         (end < text.size() && is_word(utf8_at(text, end).code));
}

/// Where the white space that ends at `at` begins, but not before `limit`.
std::size_t space_begin(std::string_view text, std::size_t at, std::size_t limit) {
  while (at > limit) {
    const Utf8Char previous = utf8_before(text, at);
    if (!is_white_space(previous.code)) break;
    at -= previous.length;
  }
  return at;
}

/// Where runs of white space end. It remembers the last run, so that asking from many places in one
/// run takes time for that run only once.
class SpaceEnd {
 public:
  explicit SpaceEnd(std::string_view text) : text_(text) {}

  std::size_t operator()(std::size_t at) {
    if (at >= begin_ && at < end_) return end_;
    begin_ = at;
    end_ = at;
    while (end_ < text_.size()) {
      const Utf8Char next = utf8_at(text_, end_);
      if (!is_white_space(next.code)) break;
      end_ += next.length;
    }
    return end_;
  }

 private:
  std::string_view text_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace

void AddedTokens::Trie::insert(std::string_view content, std::size_t token) {
  std::size_t node = kRoot;
  for (const char byte : content) {
    const auto value = static_cast<unsigned char>(byte);
    std::size_t& next = node == kRoot ? root_children_[value] : children_[node * 256 + value];
    if (next == kRoot) {
      next = token_at_.size();
      token_at_.push_back(kNoToken);
    }
    node = next;
  }
  token_at_[node] = token;
}

std::size_t AddedTokens::Trie::child(std::size_t node, char byte) const {
  const auto value = static_cast<unsigned char>(byte);
  if (node == kRoot) return root_children_[value];
  const auto found = children_.find(node * 256 + value);
  return found == children_.end() ? kRoot : found->second;
}

std::size_t AddedTokens::Trie::longest(std::string_view text, std::size_t at) const {
  std::size_t best = kNoToken;
  std::size_t node = kRoot;
  for (; at < text.size(); ++at) {
    node = child(node, text[at]);
    if (node == kRoot) break;
    if (token_at_[node] != kNoToken) best = token_at_[node];
  }
  return best;
}

AddedTokens::AddedTokens(std::vector<AddedToken> tokens) : tokens_(std::move(tokens)) {
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    const std::string& content = tokens_[i].content;
    ensure(!content.empty() && content.size() <= kMaxAddedTokenLength, "an added token of {} bytes",
           content.size());
    (tokens_[i].normalized ? normalized_ : exact_).insert(content, i);
  }
}

void AddedTokens::split_part(std::string_view text, const Part& part, const Trie& trie,
                             std::vector<Part>& parts) const {
  const std::string_view inside = text.substr(part.begin, part.end - part.begin);
  SpaceEnd space_end(inside);
  const auto add = [&](std::size_t begin, std::size_t end, std::int32_t id) {
    parts.push_back({part.begin + begin, part.begin + end, id});
  };
  std::size_t done = 0;
  for (std::size_t at = 0; at < inside.size();) {
    const std::size_t index = trie.longest(inside, at);
    if (index == Trie::kNoToken) {
      ++at;
      continue;
    }
    const AddedToken& token = tokens_[index];
    std::size_t begin = at;
    std::size_t end = at + token.content.size();
    at = end;  // The search goes on here even if the token is not taken, or takes more.
    if (token.single_word && touches_word(inside, begin, end)) continue;
    if (token.lstrip) begin = std::max(space_begin(inside, begin, done), done);
    if (token.rstrip) end = space_end(end);
    if (done < begin) add(done, begin, kText);
    add(begin, end, token.id);
    done = end;
  }
  if (done < inside.size()) add(done, inside.size(), kText);
}

std::vector<AddedTokens::Part> AddedTokens::split(std::string_view text) const {
  if (text.empty()) return {};
  std::vector<Part> parts{{0, text.size(), kText}};
  for (const Trie* trie : {&exact_, &normalized_}) {
    if (trie->empty()) continue;
    std::vector<Part> finer;
    for (const Part& part : parts) {
      if (part.id == kText) {
        split_part(text, part, *trie, finer);
      } else {
        finer.push_back(part);
      }
    }
    parts = std::move(finer);
  }
  return parts;
}

}  // namespace heddle
