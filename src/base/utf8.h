// UTF-8: one character at a time, and what to do with bytes that are not UTF-8.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace heddle {

enum class Utf8Kind {
  kValid,       ///< A character.
  kInvalid,     ///< Bytes that no character starts with, whatever follows.
  kIncomplete,  ///< The text ends inside what may still become a character.
};

/// What stands at one place of a text. `code` is U+FFFD unless the kind is kValid. `length` is 1 to
/// 4 bytes; for a kind other than kValid it is that of the longest part that could have started a
/// character, the unit that one U+FFFD stands for (The Unicode Standard, section 3.9).
struct Utf8Char {
  char32_t code = 0xFFFD;
  std::size_t length = 1;
  Utf8Kind kind = Utf8Kind::kInvalid;
};

/// The character at text[at]; `at` must lie inside the text.
Utf8Char utf8_at(std::string_view text, std::size_t at);

/// Appends a code point other than a surrogate, at most U+10FFFF.
void append_utf8(std::string& text, char32_t code);

/// The offset of the first byte that is not part of a valid character.
std::optional<std::size_t> find_invalid_utf8(std::string_view text);

/// The text with one U+FFFD for each invalid or incomplete part.
std::string replace_invalid_utf8(std::string_view text);

/// The length (0 to 3) of the incomplete character at the end of the text.
std::size_t incomplete_utf8_tail(std::string_view text);

}  // namespace heddle
