// What a Split pre-tokenizer looks for: a fixed text, or a regular expression run by PCRE2.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace heddle {

/// Part of a text, and whether the pattern matched it. Offsets in bytes.
struct Match {
  std::size_t begin;
  std::size_t end;
  bool matched;
};

class Pattern {
 public:
  /// A text to be found as it is. `where` names the source in messages. UserError if it is empty.
  static Pattern literal(std::string text, const std::string& where);

  /// A regular expression: UTF-8, Unicode properties, `^` and `$` at every line. Its characters are
  /// those of the installed PCRE2's Unicode version. UserError if it does not compile.
  static Pattern regex(const std::string& expression, const std::string& where);

  /// The matches in `text`, which must be valid UTF-8, from left to right, and what lies between
  /// them; together they cover the text. A match may be empty. UserError if an expression takes
  /// more steps than a sound one would (a bound that grows with the text).
  [[nodiscard]] std::vector<Match> find_all(std::string_view text) const;

 private:
  struct Compiled;

  Pattern(std::string source, std::string where)
      : source_(std::move(source)), where_(std::move(where)) {}
  [[nodiscard]] std::vector<Match> find_literal(std::string_view text) const;
  [[nodiscard]] std::vector<Match> find_regex(std::string_view text) const;

  std::string source_;
  std::string where_;
  std::shared_ptr<const Compiled> compiled_;  ///< Absent for a literal.
};

}  // namespace heddle
