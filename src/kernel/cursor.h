// Reading tokens one after the other, and saying what was expected instead.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/expr.h"
#include "kernel/lexer.h"

namespace heddle::kernel {

class Cursor {
 public:
  explicit Cursor(const Source& source) : source_(source), tokens_(tokens_of(source)) {}

  /// The token `ahead` of the next one; the last one beyond the end.
  [[nodiscard]] const Token& peek(std::size_t ahead = 0) const;
  /// Whether the next token is that symbol or word.
  [[nodiscard]] bool at(std::string_view text, std::size_t ahead = 0) const;
  [[nodiscard]] bool at_name(std::size_t ahead = 0) const;
  Token next();
  /// Takes the next token if it is that symbol or word.
  bool accept(std::string_view text);

  // Each takes the next token or throws UserError "expected ..., found ...".

  void expect(std::string_view text);
  /// A name; `what` says of what: "an array".
  Token expect_name(std::string_view what);
  /// An integer, perhaps negative, from `low` to `high`.
  std::int64_t expect_integer(std::string_view what, std::int64_t low, std::int64_t high);
  std::string expect_string(std::string_view what);

  /// A UserError at a token: "NAME:LINE:COLUMN: problem" with the line and a caret.
  [[nodiscard]] UserError error(const Token& token, const std::string& problem,
                                const std::string& remedy) const;
  /// "expected WHAT, found ..." at the next token.
  [[nodiscard]] UserError expected(std::string_view what, const std::string& remedy) const;
  /// A UserError for a name that means nothing here, with the nearest ones that would.
  [[nodiscard]] UserError unknown(const Token& name, std::string_view what,
                                  const std::vector<std::string>& known) const;

  /// What `make` returns; what it says of mistakes is placed at the token.
  template <typename Make>
  auto placed(const Token& token, const Make& make) const {
    try {
      return make();
    } catch (const UserError& mistake) {
      throw error(token, mistake.what(), mistake.remedy());
    }
  }

 private:
  const Source& source_;
  std::vector<Token> tokens_;
  std::size_t next_ = 0;
};

}  // namespace heddle::kernel
