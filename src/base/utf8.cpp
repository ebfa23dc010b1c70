#include "base/utf8.h"

#include <algorithm>
#include <cstdint>

namespace heddle {
namespace {

/// What a lead byte promises: the length of its character and the range of its second byte. The
/// range is what shuts out overlong forms, surrogates and code points above U+10FFFF.
struct Lead {
  std::size_t length;
  std::uint8_t second_min;
  std::uint8_t second_max;
};

Lead classify_lead(std::uint8_t byte) {
  if (byte < 0xC2) return {0, 0, 0};
  if (byte < 0xE0) return {2, 0x80, 0xBF};
  if (byte == 0xE0) return {3, 0xA0, 0xBF};
  if (byte == 0xED) return {3, 0x80, 0x9F};
  if (byte < 0xF0) return {3, 0x80, 0xBF};
  if (byte == 0xF0) return {4, 0x90, 0xBF};
  if (byte < 0xF4) return {4, 0x80, 0xBF};
  if (byte == 0xF4) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

}  // namespace

Utf8Char utf8_at(std::string_view text, std::size_t at) {
  const auto first = static_cast<std::uint8_t>(text[at]);
  if (first < 0x80) return {first, 1, Utf8Kind::kValid};
  const Lead lead = classify_lead(first);
  if (lead.length == 0) return {};
  auto code = static_cast<char32_t>(first & (0x7F >> lead.length));
  for (std::size_t i = 1; i < lead.length; ++i) {
    if (at + i == text.size()) return {0xFFFD, i, Utf8Kind::kIncomplete};
    const auto byte = static_cast<std::uint8_t>(text[at + i]);
    const std::uint8_t low = i == 1 ? lead.second_min : 0x80;
    const std::uint8_t high = i == 1 ? lead.second_max : 0xBF;
    if (byte < low || byte > high) return {0xFFFD, i, Utf8Kind::kInvalid};
    code = code << 6 | static_cast<char32_t>(byte & 0x3F);
  }
  return {code, lead.length, Utf8Kind::kValid};
}

void append_utf8(std::string& text, char32_t code) {
  const auto tail = [&](int shift) {
    text.push_back(static_cast<char>(0x80 | (code >> shift & 0x3F)));
  };
  if (code < 0x80) {
    text.push_back(static_cast<char>(code));
  } else if (code < 0x800) {
    text.push_back(static_cast<char>(0xC0 | code >> 6));
    tail(0);
  } else if (code < 0x10000) {
    text.push_back(static_cast<char>(0xE0 | code >> 12));
    tail(6);
    tail(0);
  } else {
    text.push_back(static_cast<char>(0xF0 | code >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

std::optional<std::size_t> find_invalid_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Char found = utf8_at(text, at);
    if (found.kind != Utf8Kind::kValid) return at;
    at += found.length;
  }
  return std::nullopt;
}

std::string replace_invalid_utf8(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Char found = utf8_at(text, at);
    if (found.kind == Utf8Kind::kValid) {
      result.append(text, at, found.length);
    } else {
      append_utf8(result, 0xFFFD);
    }
    at += found.length;
  }
  return result;
}

std::size_t incomplete_utf8_tail(std::string_view text) {
  const std::size_t longest = std::min<std::size_t>(3, text.size());
  for (std::size_t length = 1; length <= longest; ++length) {
    const Utf8Char found = utf8_at(text, text.size() - length);
    if (found.kind == Utf8Kind::kIncomplete && found.length == length) return length;
  }
  return 0;
}

}  // namespace heddle
