// Cutting a kernel's text into tokens, and saying where in it a mistake is.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace heddle::kernel {

struct Token {
  enum class Kind : std::uint8_t { kName, kInteger, kFraction, kString, kSymbol, kEnd };
  Kind kind = Kind::kEnd;
  std::string_view text;     ///< as it stands; a string with its quotes
  std::string_view comment;  ///< the first comment since the token before, without # and blanks
};

/// A text with its name, for messages.
struct Source {
  std::string_view text;
  std::string name;

  /// A UserError whose problem is "NAME:LINE:COLUMN: problem" and then the line with a caret under
  /// `at`, which is a part of `text`.
  [[nodiscard]] UserError error(std::string_view at, const std::string& problem,
                                const std::string& remedy) const;
};

/// All tokens of the text, the last of kind kEnd. Throws UserError for bytes that begin no token.
std::vector<Token> tokens_of(const Source& source);
/// What a string token means: without quotes, escapes replaced. Throws UserError for a bad escape.
std::string string_value(const Source& source, const Token& token);
/// A string token that means `value`.
std::string string_token(std::string_view value);

}  // namespace heddle::kernel
