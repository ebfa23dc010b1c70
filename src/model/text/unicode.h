// Properties of Unicode characters, as the tokenizers' regular expressions see them.
#pragma once

#include <span>

namespace heddle {

/// Code points `first` to `last`, both included.
struct CodeRange {
  char32_t first;
  char32_t last;
};

/// `\p{L}`: any kind of letter.
bool is_letter(char32_t code);

/// `\p{N}`: decimal digits, letter-like numbers, other numbers.
bool is_number(char32_t code);

/// What a Digits pre-tokenizer calls a digit: the same categories as `\p{N}`, but taken from a
/// newer version of Unicode, as in the reference implementation.
bool is_numeric(char32_t code);

/// `\s`: the property White_Space.
bool is_white_space(char32_t code);

/// `\w`: letters, marks, decimal digits, connecting punctuation, joiners.
bool is_word(char32_t code);

// The tables behind the functions: ascending, disjoint ranges (unicode_tables.cpp).
std::span<const CodeRange> letter_ranges();
std::span<const CodeRange> number_ranges();
std::span<const CodeRange> numeric_ranges();
std::span<const CodeRange> word_ranges();

}  // namespace heddle
