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

/// In quotes, those inside doubled, if the text would not stay one cell without.
std::string csv_cell(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted.append(c == '"' ? 2 : 1, c);
  return quoted + '"';
}

}  // namespace

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

void Table::add_row(std::vector<std::string> cells) {
  ensure(cells.size() == columns_.size(), "table row has {} cells for {} columns", cells.size(),
         columns_.size());
  rows_.push_back(std::move(cells));
}

std::vector<std::vector<std::string>> Table::lines() const {
  std::vector<std::vector<std::string>> lines(1);
  for (const Column& column : columns_) lines[0].push_back(column.title);
  lines.insert(lines.end(), rows_.begin(), rows_.end());
  return lines;
}

std::string Table::to_string() const {
  const std::vector<std::vector<std::string>> all = lines();
  std::vector<std::size_t> widths(columns_.size(), 0);
  for (const auto& line : all) {
    for (std::size_t i = 0; i < line.size(); ++i)
      widths[i] = std::max(widths[i], width_of(line[i]));
  }
  std::string text;
  for (const auto& line : all) {
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

std::string Table::to_csv() const {
  std::string text;
  for (const auto& line : lines()) {
    for (std::size_t i = 0; i < line.size(); ++i) {
      if (i > 0) text += ',';
      text += csv_cell(line[i]);
    }
    text += "\r\n";
  }
  return text;
}

}  // namespace heddle
