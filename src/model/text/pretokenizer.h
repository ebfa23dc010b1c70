// The pre-tokenizer: cuts a text into the pieces that are encoded each on its own.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/json.h"
#include "model/text/pattern.h"

namespace heddle {

/// A text and the parts of it that are pieces: byte ranges, none empty, from left to right.
struct Pieces {
  struct Range {
    std::uint32_t begin;
    std::uint32_t end;
  };

  std::string text;
  std::vector<Range> ranges;

  [[nodiscard]] std::string_view operator[](std::size_t index) const {
    return std::string_view(text).substr(ranges[index].begin,
                                         ranges[index].end - ranges[index].begin);
  }
};

/// Sets digits (Unicode's numeric characters) apart: each alone, or run by run.
struct DigitsStep {
  bool individual = false;
};

/// Cuts at words (byte_level_piece_end) and turns the text into byte symbols.
struct ByteLevelStep {
  bool add_prefix_space = false;  ///< Before each piece that does not start with one.
  bool use_regex = true;          ///< Without it nothing is cut.
};

/// What becomes of the parts that a Split pattern matches.
enum class SplitBehavior { kRemoved, kIsolated, kMergedWithPrevious, kMergedWithNext, kContiguous };

struct SplitStep {
  Pattern pattern;
  SplitBehavior behavior = SplitBehavior::kIsolated;
  bool invert = false;  ///< What the pattern does not match is what counts as matched.
};

using PretokenizerStep = std::variant<DigitsStep, ByteLevelStep, SplitStep>;

class Pretokenizer {
 public:
  /// The largest text it takes: its offsets still fit in 32 bits when every byte became a symbol.
  static constexpr std::size_t kMaxText = 1ULL << 30;

  /// The steps in the order they are applied; at most one is a ByteLevelStep. Without steps the
  /// text is one piece.
  explicit Pretokenizer(std::vector<PretokenizerStep> steps);

  /// From the "pre_tokenizer" of a tokenizer.json: null, ByteLevel, Digits, Split, or a Sequence of
  /// those. UserError for anything else; `where` names the place.
  static Pretokenizer from_json(const Json& value, const std::string& where);

  /// The pieces of `text`: valid UTF-8, at most kMaxText bytes.
  [[nodiscard]] Pieces split(std::string_view text) const;

 private:
  std::vector<PretokenizerStep> steps_;
};

}  // namespace heddle
