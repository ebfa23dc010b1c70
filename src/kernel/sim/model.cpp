#include "kernel/sim/model.h"

#include <fmt/ranges.h>
#include <sys/wait.h>

#include <algorithm>

#include "base/error.h"
#include "base/file.h"
#include "kernel/codegen/rtl/primitives.h"
#include "kernel/codegen/tool.h"
#include "kernel/sim/harness.h"

namespace heddle::kernel::sim {
namespace {

namespace fs = std::filesystem;

std::string verilator() {
  std::string path = find_program("verilator");
  if (path.empty()) {
    throw UserError("there is no verilator in $PATH", "apt-get install verilator");
  }
  return path;
}

/// The folder of the model's C++, made if it is not there yet.
fs::path translate(const std::map<std::string, std::string>& files,
                   const SimulationOptions& options) {
  const fs::path& cache = options.cache;
  const std::string program = verilator();
  std::vector<std::string> flags = {
      "--cc", "--prefix", "Vheddle", "--top-module", "heddle_top", "-O3", "--noassert",
      "-Wno-fatal", "-Wno-WIDTH", "--output-split", "0",
      // Compilers take more than proportionally long for long functions.
      "--output-split-cfuncs", "200",
      // Its data-flow pass joins lanes into wide vectors by one concatenation a lane, which takes
      // quadratic time in every cycle.
      "-fno-dfg",
      // Of generate loops, over lanes and banks: any number.
      "--unroll-count", "1000000"};
  // Registers start with random values, and what is left open is random (randReset), except where
  // runs are to be fast.
  const std::string unknown = options.optimise ? "fast" : "unique";
  flags.insert(flags.end(), {"--x-assign", unknown, "--x-initial", unknown});
  if (!options.trace.empty()) flags.emplace_back("--trace-fst");
  if (options.optimise) flags.emplace_back("-DHEDDLE_FAST_DOTS");
  std::string all = fmt::format("{} {}\n", identify_program(program), fmt::join(flags, " "));
  for (const auto& [name, text] : files) all.append(name).append("\n").append(text);
  const fs::path parent = fs::absolute(cache.empty() ? default_cache() : cache);
  const fs::path folder = parent / ("verilated-" + content_hash(all));
  if (fs::exists(folder)) return folder;
  const TemporaryFolder work(parent);
  const fs::path model = work.path() / "model";
  fs::create_directories(model);
  std::vector<std::string> command = {program, "--Mdir", model.string()};
  command.insert(command.end(), flags.begin(), flags.end());
  for (const auto& [name, text] : files) {
    write_file(work.path() / name, text);
    command.push_back((work.path() / name).string());
  }
  const ProgramEnd end = run_program(command, work.path());
  ensure(WIFEXITED(end.status) && WEXITSTATUS(end.status) == 0,
         "Verilator does not accept emitted text:\n{}", end.said);
  std::error_code failure;
  fs::rename(model, folder, failure);  // Somebody else may have been faster.
  ensure(fs::exists(folder), "cannot keep a model in {}", folder.string());
  return folder;
}

fs::path verilator_root() {
  return fs::path(verilator()).parent_path().parent_path() / "share" / "verilator" / "include";
}

std::string source_of(const fs::path& model, const std::string& driver, bool has_trace) {
  std::vector<std::string> files;
  for (const auto& entry : fs::directory_iterator(model)) {
    if (entry.path().extension() == ".cpp") files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  std::string text = fmt::format("#define VM_TRACE {0:d}\n#define VM_TRACE_FST {0:d}\n", has_trace);
  // The runtime specialises templates that the model's files instantiate.
  std::vector<std::string> runtime = {"verilated.cpp", "verilated_threads.cpp"};
  if (has_trace) runtime.emplace_back("verilated_fst_c.cpp");
  for (const std::string& file : runtime) text += fmt::format("#include \"{}\"\n", file);
  text += fmt::format("#include \"{}/Vheddle.h\"\n", model.string());
  for (const std::string& file : files) text += fmt::format("#include \"{}\"\n", file);
  return text + std::string(kLaunch) + driver;
}

}  // namespace

SharedObject build_model(std::map<std::string, std::string> files, const std::string& driver,
                         const SimulationOptions& options) {
  const bool has_dsps = std::ranges::any_of(
      files, [](const auto& file) { return file.second.find("DSP48E2 #(") != std::string::npos; });
  // What a vendor's tool knows as a cell.
  if (has_dsps) files["DSP48E2.sv"] = rtl::primitives().at("dsp48e2_model");
  const bool has_trace = !options.trace.empty();
  const fs::path model = translate(files, options);
  const fs::path root = verilator_root();
  std::vector<std::string> flags = {options.optimise ? "-O2" : "-O1", "-w", "-I" + root.string(),
                                    "-I" + (root / "vltstd").string(), "-I" + model.string()};
  if (options.optimise) flags.emplace_back("-march=native");
  if (has_trace)
    flags.insert(flags.end(), {"-Wl,--no-as-needed", "-lz", "-I" + (root / "gtkwave").string()});
  return {source_of(model, driver, has_trace), find_compiler(true), flags, options.cache};
}

}  // namespace heddle::kernel::sim
