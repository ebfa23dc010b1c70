// Added tokens: texts found in the input as they are, before it is cut into pieces.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace heddle {

struct AddedToken {
  std::string content;  ///< Not empty, at most kMaxAddedTokenLength bytes.
  std::int32_t id = 0;
  bool special = false;      ///< Decoding may leave it out.
  bool single_word = false;  ///< Not found where a word character touches it.
  bool lstrip = false;       ///< Takes the white space before it along.
  bool rstrip = false;       ///< Takes the white space behind it along.
  /// Looked for only in what the tokens that are not normalized leave (as in the reference, where
  /// a normalizer would run between the two searches).
  bool normalized = false;
};

/// Keeps the search linear in the text: what is looked at per byte is at most this.
inline constexpr std::size_t kMaxAddedTokenLength = 4096;

/// Finds the added tokens in texts. Where several match, the leftmost is taken, and of those that
/// start there the longest.
class AddedTokens {
 public:
  /// A part of a text: an added token, or (id kText) what lies between such. Two neighbouring
  /// tokens that both take white space along may overlap.
  struct Part {
    std::size_t begin;
    std::size_t end;
    std::int32_t id;
  };
  static constexpr std::int32_t kText = -1;

  explicit AddedTokens(std::vector<AddedToken> tokens);

  /// The parts of valid UTF-8, from left to right; text parts are not empty.
  [[nodiscard]] std::vector<Part> split(std::string_view text) const;

  [[nodiscard]] const std::vector<AddedToken>& tokens() const { return tokens_; }

 private:
  /// The contents of some of the tokens as a tree of bytes.
  class Trie {
   public:
    void insert(std::string_view content, std::size_t token);
    /// The index of the longest token that starts at text[at], or kNoToken.
    [[nodiscard]] std::size_t longest(std::string_view text, std::size_t at) const;
    [[nodiscard]] bool empty() const { return token_at_.size() == 1; }

    static constexpr std::size_t kNoToken = ~std::size_t{0};

   private:
    [[nodiscard]] std::size_t child(std::size_t node, char byte) const;

    static constexpr std::size_t kRoot = 0;        ///< Nobody's child, so it also says "no child".
    std::vector<std::size_t> token_at_{kNoToken};  ///< By node: the token that ends there.
    std::array<std::size_t, 256> root_children_{};
    std::unordered_map<std::size_t, std::size_t> children_;  ///< By node * 256 + byte.
  };

  void split_part(std::string_view text, const Part& part, const Trie& trie,
                  std::vector<Part>& parts) const;

  std::vector<AddedToken> tokens_;
  Trie exact_;  ///< Tokens that are not normalized.
  Trie normalized_;
};

}  // namespace heddle
