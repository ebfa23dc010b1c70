// The byte-level alphabet: one printable character for each of the 256 bytes, so that a vocabulary
// of texts can hold any bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace heddle {

/// The character that stands for a byte: the byte's own code point where that is printable and not
/// a space (U+0021..7E, U+00A1..AC, U+00AE..FF); the other 68 bytes get U+0100, U+0101, ... in
/// order.
char32_t byte_symbol(std::uint8_t byte);

/// The byte that a character stands for.
std::optional<std::uint8_t> symbol_byte(char32_t symbol);

/// Appends the symbols of `bytes`, in UTF-8.
void append_byte_symbols(std::string& text, std::string_view bytes);

/// The bytes of a token: those its symbols stand for, or the token itself if it holds a character
/// that is no symbol (an added token with a space in it, for instance).
std::string token_bytes(std::string_view token);

/// The end of the piece that starts at text[at], `at` lying inside the valid UTF-8 `text`; pieces
/// from 0 on cover the text. It is what this expression matches, by hand, because a backtracking
/// matcher is not sure to be linear:
///     's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
/// Finding all the pieces of a text looks at no character more than a few times.
std::size_t byte_level_piece_end(std::string_view text, std::size_t at);

}  // namespace heddle
