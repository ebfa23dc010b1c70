#include "kernel/codegen/lines.h"

namespace heddle::kernel {
namespace {

/// Where to break a line of at most `limit` characters: behind a comma or before an operator, as
/// far out of parentheses as there is one in the line's last two thirds.
std::size_t break_of(std::string_view text, std::size_t limit) {
  constexpr std::string_view kOperators = "+-*/%&|^?:=!<>";
  std::size_t best = std::string_view::npos;
  int least = 0;
  int depth = 0;
  for (std::size_t at = 0; at <= limit && at + 1 < text.size(); ++at) {
    if (text[at] == '(' || text[at] == '[') ++depth;
    if (text[at] == ')' || text[at] == ']') --depth;
    if (text[at] != ' ' || at < limit / 3) continue;
    const bool is_comma = text[at - 1] == ',';
    if (!is_comma && kOperators.find(text[at + 1]) == std::string_view::npos) continue;
    const int cost = 2 * depth + (is_comma ? 0 : 1);
    if (best == std::string_view::npos || cost <= least) {
      best = at;
      least = cost;
    }
  }
  return best == std::string_view::npos ? text.rfind(' ', limit) : best;
}

}  // namespace

std::string wrap_line(std::string_view text, std::size_t indent, std::size_t columns) {
  std::string result;
  std::string margin(indent, ' ');
  while (margin.size() + text.size() > columns) {
    const std::size_t at = break_of(text, columns - margin.size());
    if (at == std::string_view::npos || at == 0) break;
    result += margin;
    result += text.substr(0, at);
    result += '\n';
    text.remove_prefix(at + 1);
    margin.assign(indent + 4, ' ');
  }
  result += margin;
  result += text;
  result += '\n';
  return result;
}

}  // namespace heddle::kernel
