// A table: a header row, then rows; printed as text or as CSV.
#pragma once

#include <string>
#include <vector>

namespace heddle {

enum class Align { kLeft, kRight };  ///< kRight: numbers

struct Column {
  std::string title;  ///< with the unit, if it has one: "time [ms]"
  Align align = Align::kLeft;
};

class Table {
 public:
  explicit Table(std::vector<Column> columns);

  /// One cell per column.
  void add_row(std::vector<std::string> cells);

  /// Lines ending in '\n'; columns are as wide as their widest cell.
  [[nodiscard]] std::string to_string() const;

  /// RFC 4180: the header, then the rows, lines ending in "\r\n"; quoted where needed.
  [[nodiscard]] std::string to_csv() const;

  [[nodiscard]] const std::vector<Column>& columns() const { return columns_; }
  [[nodiscard]] const std::vector<std::vector<std::string>>& rows() const { return rows_; }

 private:
  /// The header and the rows.
  [[nodiscard]] std::vector<std::vector<std::string>> lines() const;

  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace heddle
