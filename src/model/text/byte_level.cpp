#include "model/text/byte_level.h"

#include <array>

#include "base/utf8.h"
#include "model/text/unicode.h"

namespace heddle {
namespace {

constexpr char32_t kFirstShifted = 0x100;

constexpr bool stands_for_itself(unsigned byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte != 0xAD);
}

constexpr std::array<char32_t, 256> make_symbols() {
  std::array<char32_t, 256> symbols{};
  char32_t shifted = kFirstShifted;
  for (unsigned byte = 0; byte < 256; ++byte) {
    symbols[byte] = stands_for_itself(byte) ? static_cast<char32_t>(byte) : shifted++;
  }
  return symbols;
}

constexpr std::array<char32_t, 256> kSymbols = make_symbols();
constexpr std::size_t kShiftedCount = 68;

constexpr std::array<std::uint8_t, kShiftedCount> make_shifted_bytes() {
  std::array<std::uint8_t, kShiftedCount> bytes{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    if (!stands_for_itself(byte)) {
      bytes[kSymbols[byte] - kFirstShifted] = static_cast<std::uint8_t>(byte);
    }
  }
  return bytes;
}

constexpr std::array<std::uint8_t, kShiftedCount> kShiftedBytes = make_shifted_bytes();

bool is_other(char32_t code) {
  return !is_white_space(code) && !is_letter(code) && !is_number(code);
}

/// The end of the run of characters from `at` on that all have a property.
template <typename Property>
std::size_t run_end(std::string_view text, std::size_t at, Property property) {
  while (at < text.size()) {
    const Utf8Char next = utf8_at(text, at);
    if (!property(next.code)) break;
    at += next.length;
  }
  return at;
}

/// The end of the run of letters, of numbers or of others that starts at `at`, or `at` if none
/// does.
std::size_t word_end(std::string_view text, std::size_t at) {
  if (at == text.size()) return at;
  const char32_t code = utf8_at(text, at).code;
  if (is_letter(code)) return run_end(text, at, is_letter);
  if (is_number(code)) return run_end(text, at, is_number);
  return run_end(text, at, is_other);
}

/// The length of the English contraction at `at`, or 0.
std::size_t contraction_length(std::string_view text, std::size_t at) {
  const std::string_view rest = text.substr(at);
  for (const std::string_view two : {"'s", "'t", "'m", "'d"}) {
    if (rest.starts_with(two)) return 2;
  }
  for (const std::string_view three : {"'re", "'ve", "'ll"}) {
    if (rest.starts_with(three)) return 3;
  }
  return 0;
}

/// The end of a piece of white space. Its last character stays with what follows, if anything does
/// and the piece has another.
std::size_t space_end(std::string_view text, std::size_t at) {
  std::size_t last = at;
  std::size_t end = at;
  while (end < text.size()) {
    const Utf8Char next = utf8_at(text, end);
    if (!is_white_space(next.code)) break;
    last = end;
    end += next.length;
  }
  return end < text.size() && last > at ? last : end;
}

}  // namespace

char32_t byte_symbol(std::uint8_t byte) {
  return kSymbols[byte];
}

std::optional<std::uint8_t> symbol_byte(char32_t symbol) {
  if (symbol < kFirstShifted) {
    if (!stands_for_itself(symbol)) return std::nullopt;
    return static_cast<std::uint8_t>(symbol);
  }
  if (symbol >= kFirstShifted + kShiftedCount) return std::nullopt;
  return kShiftedBytes[symbol - kFirstShifted];
}

void append_byte_symbols(std::string& text, std::string_view bytes) {
  for (const char byte : bytes) append_utf8(text, kSymbols[static_cast<std::uint8_t>(byte)]);
}

std::string token_bytes(std::string_view token) {
  std::string bytes;
  for (std::size_t at = 0; at < token.size();) {
    const Utf8Char symbol = utf8_at(token, at);
    const std::optional<std::uint8_t> byte = symbol_byte(symbol.code);
    if (!byte) return std::string(token);
    bytes.push_back(static_cast<char>(*byte));
    at += symbol.length;
  }
  return bytes;
}

std::size_t byte_level_piece_end(std::string_view text, std::size_t at) {
  if (const std::size_t length = contraction_length(text, at); length > 0) return at + length;
  if (const std::size_t end = word_end(text, at); end > at) return end;
  if (text[at] == ' ') {
    if (const std::size_t end = word_end(text, at + 1); end > at + 1) return end;
  }
  return space_end(text, at);
}

}  // namespace heddle
