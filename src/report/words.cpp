#include "report/words.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstdint>

#include "base/utf8.h"

namespace heddle::report {
namespace {

/// Widths of ' ' to '~' in hundredths of the size, in DejaVu Sans: of the faces that sans-serif
/// usually means, the widest.
constexpr std::array<std::uint8_t, 95> kWidths = {
    32, 40, 46, 84, 64, 95, 78, 27, 39,  39, 50, 84, 32, 36, 32, 34, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 34, 34, 84, 84, 84, 53, 100, 68, 69, 70, 77, 63, 58, 77, 75, 29, 29, 66, 56, 86, 75, 79,
    60, 79, 69, 63, 61, 73, 68, 99, 69,  61, 69, 39, 34, 39, 84, 50, 50, 61, 63, 55, 63, 62, 35, 63,
    63, 28, 28, 58, 28, 97, 63, 61, 63,  63, 41, 52, 39, 63, 59, 82, 59, 59, 52, 64, 34, 64, 84};
/// How much wider bold text is at most, on average over a word.
constexpr double kBold = 1.15;

double width_of(char32_t code) {
  if (code < ' ') return 0;
  if (code <= '~') return kWidths[code - ' '] / 100.0;
  return code < 0x1100 ? 0.85 : 1;  // Letters with accents and symbols; beyond, full squares.
}

double factor(double size, bool is_bold) {
  return is_bold ? size * kBold : size;
}

/// The offset to which `text` is at most so wide.
std::size_t end_within(std::string_view text, double width, double scale) {
  std::size_t at = 0;
  while (at < text.size()) {
    const Utf8Char character = utf8_at(text, at);
    width -= width_of(character.code) * scale;
    if (width < 0) break;
    at += character.length;
  }
  return at;
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : replace_invalid_utf8(text)) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '"') {
      out += "&quot;";
    } else if (c == '\'') {
      out += "&#39;";
    } else if (static_cast<unsigned char>(c) < ' ' && c != '\t' && c != '\n') {
      out += "\uFFFD";
    } else {
      out += c;
    }
  }
  return out;
}

double text_width(std::string_view text, double size, bool is_bold) {
  double width = 0;
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Char character = utf8_at(text, at);
    width += width_of(character.code);
    at += character.length;
  }
  return width * factor(size, is_bold);
}

std::string fit(std::string_view text, double width) {
  if (text_width(text) <= width) return std::string(text);
  constexpr std::string_view kDots = "…";
  return std::string(text.substr(0, end_within(text, width - text_width(kDots), kTextSize))) +
         std::string(kDots);
}

std::vector<std::string> wrap(std::string_view text, double width, double size, bool is_bold) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    std::size_t end = end_within(text, width, factor(size, is_bold));
    if (end == 0) end = utf8_at(text, 0).length;
    std::size_t next = end;
    if (end < text.size()) {
      if (const std::size_t space = text.substr(0, end + 1).rfind(' ');
          space != std::string_view::npos && space > 0) {
        end = space;
        next = space + 1;
      }
    }
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(next);
  }
  return lines;
}

std::string short_number(double value) {
  constexpr std::string_view kSuffixes = "kMGTP";
  double scaled = std::abs(value);
  if (scaled >= 1e18) return fmt::format("{:.3g}", value);
  std::string suffix;
  if (scaled >= 9999.5) {
    for (const char s : kSuffixes) {
      scaled /= 1000;
      suffix = s;
      if (scaled < 999.5) break;
    }
  }
  const std::string digits =
      scaled >= 999.5 ? fmt::format("{:.0f}", scaled) : fmt::format("{:.3g}", scaled);
  return (value < 0 ? "-" : "") + digits + suffix;
}

std::string short_bytes(double bytes) {
  constexpr std::array<std::string_view, 6> kUnits = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  std::size_t unit = 0;
  while (bytes >= 1024 && unit + 1 < kUnits.size()) {
    bytes /= 1024;
    ++unit;
  }
  return unit == 0        ? fmt::format("{:.0f} B", bytes)
         : bytes >= 999.5 ? fmt::format("{:.0f} {}", bytes, kUnits[unit])
                          : fmt::format("{:#.3g} {}", bytes, kUnits[unit]);
}

}  // namespace heddle::report
