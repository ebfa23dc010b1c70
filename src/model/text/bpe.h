// Byte-pair encoding: joins neighbouring symbols of a piece by ranked merges until none applies.
//
// Sennrich, Haddow, Birch: Neural Machine Translation of Rare Words with Subword Units, 2016
// (arXiv 1508.07909). The merge to do next comes from a heap, so that a piece of n characters takes
// O(n log n) time, whatever it is.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/text/merge_candidates.h"
#include "model/text/vocabulary.h"

namespace heddle {

/// The tokens that each merge joins, best merge first.
using Merges = std::vector<std::pair<std::string, std::string>>;

struct BpeOptions {
  /// Stands for each character that is no token; without it such characters vanish.
  std::optional<std::string> unknown_token;
  /// One unknown token for a whole run of them.
  bool fuse_unknown = false;
  /// A piece that is a token as a whole is that token, even where merges would end elsewhere.
  bool ignore_merges = false;
};

class Bpe {
 public:
  /// Memory that encode() uses again from piece to piece.
  struct Scratch {
    struct Symbol {
      std::int32_t id;  ///< -1 once it was joined to its left neighbour.
      std::int32_t previous;
      std::int32_t next;
    };
    std::vector<Symbol> symbols;
    MergeCandidates candidates;
  };

  /// UserError if a merge names or makes a token that the vocabulary does not have, or the unknown
  /// token is not there; `where` names the file. Of two equal merges the later counts.
  Bpe(Vocabulary vocabulary, const Merges& merges, BpeOptions options, const std::string& where);

  /// Appends the ids of one piece of valid UTF-8 with fewer than 2^31 characters. Returns how many
  /// candidate merges it looked at: at most 3 per character.
  std::size_t encode(std::string_view piece, Scratch& scratch,
                     std::vector<std::int32_t>& ids) const;

  [[nodiscard]] const Vocabulary& vocabulary() const { return vocabulary_; }

 private:
  /// Which pair of tokens joins into which: a hash table with open addressing.
  class MergeTable {
   public:
    struct Entry {
      std::uint64_t pair = kNoPair;
      std::uint32_t rank = 0;
      std::int32_t result = 0;
    };

    explicit MergeTable(std::size_t count);
    void set(std::int32_t left, std::int32_t right, std::uint32_t rank, std::int32_t result);
    [[nodiscard]] const Entry* find(std::int32_t left, std::int32_t right) const;

   private:
    static constexpr std::uint64_t kNoPair = ~std::uint64_t{0};
    [[nodiscard]] std::size_t slot_of(std::uint64_t pair) const;

    std::vector<Entry> entries_;
    int shift_;
  };

  [[nodiscard]] std::optional<std::int32_t> character_id(std::string_view character,
                                                         char32_t code) const;
  void read_symbols(std::string_view piece, Scratch& scratch) const;
  void push_candidate(Scratch& scratch, std::int32_t left) const;
  std::size_t merge_symbols(Scratch& scratch) const;

  /// Enough for the byte-level alphabet: characters below it are looked up without hashing.
  static constexpr std::size_t kDirectCodes = 0x180;

  Vocabulary vocabulary_;
  BpeOptions options_;
  std::optional<std::int32_t> unknown_id_;
  std::array<std::int32_t, kDirectCodes> direct_ids_{};  ///< -1 where there is no such token.
  MergeTable table_;
};

}  // namespace heddle
