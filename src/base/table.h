// A plain-text table: a header row, then rows; numbers are aligned to the right by the caller's
// choice.
#pragma once

#include <string>
#include <vector>

namespace heddle {

enum class Align { kLeft, kRight };

struct Column {
  std::string title;
  Align align = Align::kLeft;
};

class Table {
 public:
  explicit Table(std::vector<Column> columns);

  /// One cell per column.
  void add_row(std::vector<std::string> cells);

  /// Lines ending in '\n'; columns are as wide as their widest cell.
  [[nodiscard]] std::string to_string() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace heddle
