// The charts and tables of a report as files.
#pragma once

#include <filesystem>

#include "report/report.h"

namespace heddle::report {

/// Writes NAME.svg for each figure into a folder that is there. Throws UserError.
void write_charts(const Report& report, const std::filesystem::path& folder);

/// Writes NAME.csv for each table into a folder that is there. Throws UserError.
void write_tables(const Report& report, const std::filesystem::path& folder);

}  // namespace heddle::report
