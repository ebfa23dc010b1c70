#include "report/files.h"

#include "base/file.h"
#include "report/svg.h"

namespace heddle::report {
namespace {

/// Calls `write` for each block of type T.
template <typename T, typename Write>
void for_each_block(const Report& report, const Write& write) {
  for (const Section& section : report.sections) {
    for (const Block& block : section.blocks) {
      if (const T* found = std::get_if<T>(&block)) write(*found);
    }
  }
}

}  // namespace

void write_charts(const Report& report, const std::filesystem::path& folder) {
  for_each_block<Figure>(report, [&](const Figure& figure) {
    write_file(folder / (figure.name + ".svg"), svg(figure));
  });
}

void write_tables(const Report& report, const std::filesystem::path& folder) {
  for_each_block<ReportTable>(report, [&](const ReportTable& table) {
    write_file(folder / (table.name + ".csv"), table.table.to_csv());
  });
}

}  // namespace heddle::report
