#include "base/text.h"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <utility>

namespace heddle {
namespace {

/// Only so much of a name takes part in a comparison: its cost is the product of two lengths.
constexpr std::size_t kComparedBytes = 256;

bool continues_character(char byte) {
  return (static_cast<unsigned char>(byte) & 0xc0U) == 0x80;
}

bool is_control(char byte) {
  return static_cast<unsigned char>(byte) < 0x20 || byte == 0x7f;
}

std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string shorten(std::string_view text, std::size_t limit) {
  std::size_t end = std::min(text.size(), limit);
  while (end > 0 && end < text.size() && continues_character(text[end])) --end;
  std::string result(text.substr(0, end));
  std::replace_if(result.begin(), result.end(), is_control, '?');
  if (end < text.size()) result += "...";
  return result;
}

std::string quote(std::string_view text) {
  return '"' + shorten(text) + '"';
}

std::vector<std::string> nearest(std::string_view wanted, std::span<const std::string> candidates,
                                 std::size_t limit) {
  wanted = wanted.substr(0, kComparedBytes);
  std::vector<std::pair<std::size_t, std::size_t>> ranked;  // Distance and index.
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const std::string_view compared = std::string_view(candidates[i]).substr(0, kComparedBytes);
    const std::size_t length = std::max(wanted.size(), compared.size());
    if (2 * std::min(wanted.size(), compared.size()) < length) continue;
    const std::size_t differing = distance(wanted, compared);
    if (2 * differing <= length) ranked.emplace_back(differing, i);
  }
  std::sort(ranked.begin(), ranked.end());
  if (ranked.size() > limit) ranked.resize(limit);
  std::vector<std::string> names;
  names.reserve(ranked.size());
  for (const auto& [differing, index] : ranked) names.push_back(candidates[index]);
  return names;
}

}  // namespace heddle
