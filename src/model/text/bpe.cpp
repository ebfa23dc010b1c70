#include "model/text/bpe.h"

#include <algorithm>
#include <bit>

#include "base/error.h"
#include "base/text.h"
#include "base/utf8.h"

namespace heddle {
namespace {

constexpr std::int32_t kNone = -1;

std::uint64_t pair_key(std::int32_t left, std::int32_t right) {
  return static_cast<std::uint64_t>(left) << 32 | static_cast<std::uint32_t>(right);
}

std::int32_t merge_token(const Vocabulary& vocabulary, const std::string& token, std::size_t rank,
                         const std::string& where) {
  const std::optional<std::int32_t> id = vocabulary.id_of(token);
  if (!id) {
    throw UserError(fmt::format("{}: merge {} needs the token {}, which the vocabulary has not",
                                where, rank, quote(token)),
                    "the merges and the vocabulary do not belong together: fetch both again");
  }
  return *id;
}

void push_symbol(std::vector<Bpe::Scratch::Symbol>& symbols, std::int32_t id) {
  const auto index = static_cast<std::int32_t>(symbols.size());
  if (index > 0) symbols.back().next = index;
  symbols.push_back({id, index - 1, kNone});
}

}  // namespace

Bpe::MergeTable::MergeTable(std::size_t count) {
  const std::size_t slots = std::bit_ceil(std::max<std::size_t>(16, 2 * count));
  entries_.resize(slots);
  shift_ = 64 - std::countr_zero(slots);
}

std::size_t Bpe::MergeTable::slot_of(std::uint64_t pair) const {
  // Fibonacci hashing of the pair with its halves mixed.
  return (pair ^ pair >> 29) * 0x9E3779B97F4A7C15U >> shift_;
}

void Bpe::MergeTable::set(std::int32_t left, std::int32_t right, std::uint32_t rank,
                          std::int32_t result) {
  const std::uint64_t pair = pair_key(left, right);
  std::size_t slot = slot_of(pair);
  while (entries_[slot].pair != kNoPair && entries_[slot].pair != pair) {
    slot = (slot + 1) & (entries_.size() - 1);
  }
  entries_[slot] = {pair, rank, result};
}

const Bpe::MergeTable::Entry* Bpe::MergeTable::find(std::int32_t left, std::int32_t right) const {
  const std::uint64_t pair = pair_key(left, right);
  std::size_t slot = slot_of(pair);
  while (entries_[slot].pair != kNoPair) {
    if (entries_[slot].pair == pair) return &entries_[slot];
    slot = (slot + 1) & (entries_.size() - 1);
  }
  return nullptr;
}

Bpe::Bpe(Vocabulary vocabulary, const Merges& merges, BpeOptions options, const std::string& where)
    : vocabulary_(std::move(vocabulary)), options_(std::move(options)), table_(merges.size()) {
  if (options_.unknown_token) {
    unknown_id_ = vocabulary_.id_of(*options_.unknown_token);
    if (!unknown_id_) {
      throw UserError(fmt::format("{}: the unknown token {} is not in the vocabulary", where,
                                  quote(*options_.unknown_token)),
                      "name a token of the vocabulary, or null for none");
    }
  }
  for (std::size_t rank = 0; rank < merges.size(); ++rank) {
    const auto& [left, right] = merges[rank];
    const std::int32_t left_id = merge_token(vocabulary_, left, rank, where);
    const std::int32_t right_id = merge_token(vocabulary_, right, rank, where);
    const std::int32_t result = merge_token(vocabulary_, left + right, rank, where);
    table_.set(left_id, right_id, static_cast<std::uint32_t>(rank), result);
  }
  for (std::size_t code = 0; code < kDirectCodes; ++code) {
    std::string character;
    append_utf8(character, static_cast<char32_t>(code));
    direct_ids_[code] = vocabulary_.id_of(character).value_or(kNone);
  }
}

std::optional<std::int32_t> Bpe::character_id(std::string_view character, char32_t code) const {
  if (code >= kDirectCodes) return vocabulary_.id_of(character);
  if (direct_ids_[code] == kNone) return std::nullopt;
  return direct_ids_[code];
}

void Bpe::read_symbols(std::string_view piece, Scratch& scratch) const {
  scratch.symbols.clear();
  bool previous_unknown = false;
  for (std::size_t at = 0; at < piece.size();) {
    const Utf8Char next = utf8_at(piece, at);
    const std::optional<std::int32_t> id = character_id(piece.substr(at, next.length), next.code);
    if (id) {
      push_symbol(scratch.symbols, *id);
    } else if (unknown_id_ && !(options_.fuse_unknown && previous_unknown)) {
      push_symbol(scratch.symbols, *unknown_id_);
    }
    previous_unknown = !id.has_value();
    at += next.length;
  }
}

/// Makes the pair of `left` and its right neighbour a candidate, if a merge joins them.
void Bpe::push_candidate(Scratch& scratch, std::int32_t left) const {
  const Scratch::Symbol& symbol = scratch.symbols[left];
  if (symbol.next == kNone) return;
  const MergeTable::Entry* merge = table_.find(symbol.id, scratch.symbols[symbol.next].id);
  if (merge == nullptr) return;
  scratch.candidates.add(merge->rank, left);
}

std::size_t Bpe::merge_symbols(Scratch& scratch) const {
  std::vector<Scratch::Symbol>& symbols = scratch.symbols;
  MergeCandidates& candidates = scratch.candidates;
  candidates.clear();
  for (std::size_t i = 0; i + 1 < symbols.size(); ++i) {
    const MergeTable::Entry* merge = table_.find(symbols[i].id, symbols[i + 1].id);
    if (merge != nullptr) candidates.add_first(merge->rank, static_cast<std::int32_t>(i));
  }
  candidates.sort_first();
  std::size_t looked_at = 0;
  for (; !candidates.empty(); ++looked_at) {
    const auto [rank, left] = candidates.pop();
    Scratch::Symbol& symbol = symbols[left];
    if (symbol.id == kNone || symbol.next == kNone) continue;
    Scratch::Symbol& right = symbols[symbol.next];
    const MergeTable::Entry* merge = table_.find(symbol.id, right.id);
    if (merge == nullptr || merge->rank != rank) continue;  // The pair has changed since.
    symbol.id = merge->result;
    symbol.next = right.next;
    right.id = kNone;
    if (symbol.next != kNone) symbols[symbol.next].previous = left;
    if (symbol.previous != kNone) push_candidate(scratch, symbol.previous);
    push_candidate(scratch, left);
  }
  return looked_at;
}

std::size_t Bpe::encode(std::string_view piece, Scratch& scratch,
                        std::vector<std::int32_t>& ids) const {
  if (options_.ignore_merges) {
    if (const std::optional<std::int32_t> whole = vocabulary_.id_of(piece)) {
      ids.push_back(*whole);
      return 0;
    }
  }
  read_symbols(piece, scratch);
  const std::size_t work = merge_symbols(scratch);
  for (const Scratch::Symbol& symbol : scratch.symbols) {
    if (symbol.id != kNone) ids.push_back(symbol.id);
  }
  return work;
}

}  // namespace heddle
