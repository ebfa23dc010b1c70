#include "base/table.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace heddle {
namespace {

/// Characters of UTF-8 text, which fmt counts too when it pads.
std::size_t width_of(const std::string& text) {
  const auto starts_character = [](char byte) {
    return (static_cast<unsigned char>(byte) & 0xc0U) != 0x80;
  };
  return static_cast<std::size_t>(std::ranges::count_if(text, starts_character));
}

}  // namespace

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

void Table::add_row(std::vector<std::string> cells) {
  ensure(cells.size() == columns_.size(), "table row has {} cells for {} columns", cells.size(),
         columns_.size());
  rows_.push_back(std::move(cells));
}

std::string Table::to_string() const {
  std::vector<std::vector<std::string>> lines(1);
  for (const Column& column : columns_) lines[0].push_back(column.title);
  lines.insert(lines.end(), rows_.begin(), rows_.end());

  std::vector<std::size_t> widths(columns_.size(), 0);
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i)
      widths[i] = std::max(widths[i], width_of(line[i]));
  }
  std::string text;
  for (const auto& line : lines) {
    std::string row;
    for (std::size_t i = 0; i < line.size(); ++i) {
      if (i > 0) row += "  ";
      row += columns_[i].align == Align::kLeft ? fmt::format("{:<{}}", line[i], widths[i])
                                               : fmt::format("{:>{}}", line[i], widths[i]);
    }
    row.erase(row.find_last_not_of(' ') + 1);
    text += row + '\n';
  }
  return text;
}

}  // namespace heddle
