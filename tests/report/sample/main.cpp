// report_sample FOLDER: writes the sample report as report.html, charts and tables.
#include <cstdio>

#include "../sample.h"
#include "base/file.h"
#include "report/files.h"
#include "report/html.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: report_sample FOLDER\n");
    return 2;
  }
  const std::filesystem::path folder = argv[1];
  std::filesystem::create_directories(folder);
  const heddle::report::Report report = heddle::report::sample_report();
  heddle::write_file(folder / "report.html", heddle::report::html(report));
  heddle::report::write_charts(report, folder);
  heddle::report::write_tables(report, folder);
}
