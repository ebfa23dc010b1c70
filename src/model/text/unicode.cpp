#include "model/text/unicode.h"

#include <algorithm>

namespace heddle {
namespace {

bool contains(std::span<const CodeRange> ranges, char32_t code) {
  const auto after = std::upper_bound(ranges.begin(), ranges.end(), code,
                                      [](char32_t c, const CodeRange& r) { return c < r.first; });
  return after != ranges.begin() && code <= std::prev(after)->last;
}

bool is_ascii_letter(char32_t code) {
  const char32_t lower = code | 0x20;
  return lower >= U'a' && lower <= U'z';
}

bool is_ascii_digit(char32_t code) {
  return code >= U'0' && code <= U'9';
}

}  // namespace

bool is_letter(char32_t code) {
  return code < 0x80 ? is_ascii_letter(code) : contains(letter_ranges(), code);
}

bool is_number(char32_t code) {
  return code < 0x80 ? is_ascii_digit(code) : contains(number_ranges(), code);
}

bool is_numeric(char32_t code) {
  return code < 0x80 ? is_ascii_digit(code) : contains(numeric_ranges(), code);
}

bool is_white_space(char32_t code) {
  if (code < 0x80) return code == U' ' || (code >= U'\t' && code <= U'\r');
  return code == 0x85 || code == 0xA0 || code == 0x1680 || (code >= 0x2000 && code <= 0x200A) ||
         code == 0x2028 || code == 0x2029 || code == 0x202F || code == 0x205F || code == 0x3000;
}

bool is_word(char32_t code) {
  if (code < 0x80) return is_ascii_letter(code) || is_ascii_digit(code) || code == U'_';
  return contains(word_ranges(), code);
}

}  // namespace heddle
