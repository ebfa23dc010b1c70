// A report as a plain value: sections of words, tables and charts.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "base/table.h"
#include "report/chart.h"

namespace heddle::report {

/// Its numbers are the columns that are aligned to the right.
struct ReportTable {
  std::string name;  ///< as Figure::name: one of its kind in a report
  std::string caption;
  Table table;
};

using Paragraph = std::string;
using Block = std::variant<Paragraph, ReportTable, Figure>;

struct Section {
  std::string heading;
  std::vector<Block> blocks;
};

/// A line of what the report stands on: "clock", "300 MHz (assumed)".
struct Fact {
  std::string name;
  std::string value;
};

struct Report {
  std::string title;
  std::string subtitle;
  std::vector<Fact> facts;
  std::vector<Section> sections;
};

}  // namespace heddle::report
