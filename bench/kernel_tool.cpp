// heddle_bench_kernel_tool: how long the tool itself takes. For each library kernel (at its default
// sizes) and schedule: applying the schedule, emitting native and HLS C++, compiling the native
// code, and loading it from the cache; and a tiled, staged, unrolled int8 GEMM. Medians in ms
// (measured, wall clock).
//   heddle_bench_kernel_tool [--repeat N] [--json]
#include <fmt/core.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>

#include "base/error.h"
#include "base/json.h"
#include "base/table.h"
#include "kernel/codegen/cpp/native.h"
#include "kernel/codegen/hls/project.h"
#include "kernel/library/library.h"
#include "kernel/verify.h"

namespace {

using namespace heddle;
using namespace heddle::kernel;

double median_ms(int repeat, const std::function<void()>& work) {
  std::vector<double> times;
  for (int i = 0; i < repeat; ++i) {
    const auto start = std::chrono::steady_clock::now();
    work();
    times.push_back(
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
            .count());
  }
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

/// The tile of a systolic-like unit: 8 x 16 sums side by side, operands staged on chip.
Schedule hardware_gemm() {
  const LibraryKernel& entry = find_library_kernel("gemm");
  const LibraryArguments arguments(
      entry.name, entry.parameters,
      {{"rows", "1024"}, {"columns", "3072"}, {"inner", "768"}, {"type", "int8"}});
  Schedule s(entry.make(arguments));
  s.fission("j", "k");
  s.fission("i", "j_1");
  s.tile("i_1", "j_1", 64, 64);
  s.split("i_1_i", 8);
  s.split("j_1_i", 16);
  s.reorder({"i_1_o", "j_1_o", "i_1_i_o", "j_1_i_o", "k", "i_1_i_i", "j_1_i_i"});
  const std::string a = s.stage("a", "j_1_o");
  const std::string b = s.stage("b", "j_1_o");
  const std::string c = s.stage("c", "j_1_i_o", Storage::kRegister);
  s.partition(a, 0, {Partition::Kind::kCyclic, 8});
  s.partition(b, 1, {Partition::Kind::kCyclic, 16});
  s.unroll("i_1_i_i");
  s.unroll("j_1_i_i");
  s.pipeline("k");
  verify(*s.kernel());
  return s;
}

struct Row {
  std::string name;
  double schedule = 0, cpp = 0, hls = 0, compile = 0, cached = 0;
};

}  // namespace

int main(int argc, char** argv) {
  int repeat = 5;
  bool json = false;
  CLI::App app("Times of scheduling, emitting, compiling and loading the library's kernels.");
  app.add_option("--repeat", repeat, "Runs of each; the median is printed")
      ->check(CLI::Range(1, 1000));
  app.add_flag("--json", json, "Print one JSON object");
  CLI11_PARSE(app, argc, argv);
  const std::filesystem::path cache =
      std::filesystem::temp_directory_path() / fmt::format("heddle-bench-{}", getpid());
  std::vector<Row> rows;
  const auto measure = [&](const std::string& name, const std::function<Schedule()>& make) {
    Row row{name};
    const std::vector<KernelPtr> kernels = {make().kernel()};
    row.schedule = median_ms(repeat, [&] { (void)make(); });
    row.cpp = median_ms(repeat, [&] { (void)emit_cpp(kernels); });
    row.hls = median_ms(repeat, [&] { (void)emit_hls(*kernels.front()); });
    NativeOptions options;
    options.cache = cache;
    row.compile = median_ms(repeat, [&] {
      std::filesystem::remove_all(cache);
      const NativeLibrary fresh(kernels, options);
    });
    row.cached = median_ms(repeat, [&] { const NativeLibrary again(kernels, options); });
    rows.push_back(row);
  };
  try {
    measure("gemm int8 1024x768x3072 for hardware", hardware_gemm);
    for (const LibraryKernel& entry : library()) {
      const LibraryArguments arguments(entry.name, entry.parameters, {});
      const KernelPtr algorithm = entry.make(arguments);
      for (const LibrarySchedule& schedule : entry.schedules) {
        measure(entry.name + " " + schedule.name,
                [&] { return schedule.apply(algorithm, arguments); });
      }
    }
  } catch (const UserError& error) {
    std::filesystem::remove_all(cache);
    fmt::print(stderr, "{}\n  {}\n", error.what(), error.remedy());
    return 2;
  }
  std::filesystem::remove_all(cache);
  Row worst{"worst"};
  Table table({{"kernel", Align::kLeft},
               {"schedule", Align::kRight},
               {"emit cpp", Align::kRight},
               {"emit hls", Align::kRight},
               {"compile", Align::kRight},
               {"cached", Align::kRight}});
  const auto add = [&](const Row& row) {
    table.add_row({row.name, fmt::format("{:.2f}", row.schedule), fmt::format("{:.2f}", row.cpp),
                   fmt::format("{:.2f}", row.hls), fmt::format("{:.0f}", row.compile),
                   fmt::format("{:.2f}", row.cached)});
  };
  Json list = Json::array();
  for (const Row& row : rows) {
    worst.schedule = std::max(worst.schedule, row.schedule);
    worst.cpp = std::max(worst.cpp, row.cpp);
    worst.hls = std::max(worst.hls, row.hls);
    worst.compile = std::max(worst.compile, row.compile);
    worst.cached = std::max(worst.cached, row.cached);
    add(row);
    list.push_back({{"kernel", row.name},
                    {"schedule_ms", row.schedule},
                    {"emit_cpp_ms", row.cpp},
                    {"emit_hls_ms", row.hls},
                    {"compile_ms", row.compile},
                    {"cached_ms", row.cached}});
  }
  add(worst);
  fmt::print("{}", json ? Json{{"rows", list}}.dump(2) + '\n' : table.to_string());
  return 0;
}
