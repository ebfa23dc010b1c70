// heddle kernel check, run, emit: a kernel on its back ends.
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "apps/heddle/clock.h"
#include "apps/heddle/kernel_source.h"
#include "apps/heddle/kernel_verbs.h"
#include "apps/heddle/output.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/staged_folder.h"
#include "base/table.h"
#include "kernel/codegen/cpp/native.h"
#include "kernel/codegen/hls/project.h"
#include "kernel/codegen/hls/simulation.h"
#include "kernel/codegen/rtl/emit.h"
#include "kernel/codegen/rtl/module_text.h"
#include "kernel/interpret.h"

namespace heddle {
namespace {

using kernel::Buffer;
using kernel::KernelPtr;

/// One way of running a kernel: the time of a run that follows all preparation.
class Runner {
 public:
  Runner(const std::string& backend, const KernelPtr& kernel, int threads) : kernel_(kernel) {
    kernel::NativeOptions options;
    options.threads = threads;
    if (backend == "cpp") native_.emplace(std::vector<KernelPtr>{kernel}, options);
    if (backend == "hls") hls_.emplace(std::vector<KernelPtr>{kernel});
  }

  double run(const KernelArguments& arguments) {
    const Clock::time_point start = Clock::now();
    if (native_) {
      native_->run(arguments.get());
    } else if (hls_) {
      hls_->run(arguments.get());
    } else {
      report_ = kernel::interpret(*kernel_, arguments.get(), {0, true});
    }
    return milliseconds_since(start);
  }

  /// Of the last interpreted run.
  [[nodiscard]] const kernel::InterpretReport& report() const { return report_; }

 private:
  KernelPtr kernel_;
  std::optional<kernel::NativeLibrary> native_;
  std::optional<kernel::HlsSimulation> hls_;
  kernel::InterpretReport report_;
};

struct CheckOptions {
  KernelChoice choice;
  ArgumentChoice arguments;
  std::vector<std::string> backends = {"interpreter", "cpp", "hls"};
  bool json = false;
};

void check(const CheckOptions& options) {
  const kernel::Schedule schedule = load(options.choice);
  KernelArguments expected(*schedule.original(), options.choice, options.arguments);
  Runner("interpreter", schedule.original(), 1).run(expected);

  Table table({{"back end", Align::kLeft}, {"result", Align::kLeft}, {"ms", Align::kRight}});
  Json results = Json::array();
  std::vector<std::string> differences;
  std::string conflicts;
  for (const std::string& backend : options.backends) {
    Runner runner(backend, schedule.kernel(), 1);
    KernelArguments found(*schedule.kernel(), options.choice, options.arguments);
    const double time = runner.run(found);
    const std::string difference = expected.difference(found);
    if (!difference.empty()) differences.push_back(fmt::format("{}: {}", backend, difference));
    for (const kernel::PortConflict& conflict : runner.report().conflicts) {
      conflicts += fmt::format("  loop {}: {} words of bank {} of {} in an iteration, {} ports\n",
                               conflict.loop, conflict.accesses, conflict.bank, conflict.array,
                               conflict.available);
    }
    table.add_row(
        {backend, difference.empty() ? "the same bits" : difference, fmt::format("{:.3f}", time)});
    results.push_back({{"backend", backend},
                       {"equal", difference.empty()},
                       {"difference", difference},
                       {"milliseconds", time}});
  }
  if (options.json) {
    print_out(Json{{"kernel", schedule.original()->name}, {"results", results}}.dump(2) + '\n');
  } else {
    print_out(fmt::format(
        "{} unscheduled against {} steps of schedule\n\n{}{}", schedule.original()->name,
        schedule.steps().size(), table.to_string(),
        conflicts.empty() ? "" : "\nmemory ports that are asked for too often:\n" + conflicts));
  }
  ensure(differences.empty(), "{}", fmt::join(differences, "; "));
}

struct KernelRunOptions {
  KernelChoice choice;
  ArgumentChoice arguments;
  std::string backend = "cpp";
  int repeat = 1;
  int threads = 1;
  std::vector<std::string> outputs;
  bool json = false;
};

std::string first_values(const Buffer& buffer) {
  constexpr std::int64_t kShown = 4;
  std::vector<std::string> values;
  for (std::int64_t i = 0; i < std::min(kShown, buffer.size()); ++i) {
    values.push_back(to_string(buffer.get(i)));
  }
  return fmt::format("{}{}", fmt::join(values, " "), buffer.size() > kShown ? " ..." : "");
}

/// 64-bit FNV-1a of the bytes: tells two results apart at a glance.
std::string checksum(const Buffer& buffer) {
  std::uint64_t hash = 0xCBF29CE484222325;
  for (std::size_t i = 0; i < buffer.byte_size(); ++i) {
    hash = (hash ^ static_cast<std::uint64_t>(buffer.data()[i])) * 0x100000001B3;
  }
  return fmt::format("{:016x}", hash);
}

/// Arrays by name and the files they go to. A mistake shows before the kernel runs.
std::map<std::string, std::string> output_files(const std::vector<std::string>& wanted,
                                                const KernelArguments& arguments) {
  std::map<std::string, std::string> files = named_values(wanted, "--output");
  for (const auto& [name, file] : files) {
    if (file.empty() || !arguments.outputs().contains(name)) {
      std::vector<std::string> names;
      for (const auto& [output, buffer] : arguments.outputs()) names.push_back(output);
      throw UserError(fmt::format("--output {}={}: not an output and a file", name, file),
                      fmt::format("write it as name=file; outputs are {}", fmt::join(names, ", ")));
    }
    const std::filesystem::path folder = std::filesystem::path(file).parent_path();
    if (!folder.empty() && !std::filesystem::is_directory(folder)) {
      throw UserError(
          fmt::format("--output {}={}: {} is not a folder", name, file, folder.string()),
          fmt::format("mkdir -p {}", folder.string()));
    }
  }
  return files;
}

void run(const KernelRunOptions& options) {
  const kernel::Schedule schedule = load(options.choice);
  Runner runner(options.backend, schedule.kernel(), options.threads);
  KernelArguments arguments(*schedule.kernel(), options.choice, options.arguments);
  const std::map<std::string, std::string> files = output_files(options.outputs, arguments);
  std::vector<double> times = {runner.run(arguments)};
  for (int i = 1; i < options.repeat; ++i) {
    // An inout array starts from its given values again.
    arguments = KernelArguments(*schedule.kernel(), options.choice, options.arguments);
    times.push_back(runner.run(arguments));
  }
  std::sort(times.begin(), times.end());
  const double median = times[times.size() / 2];
  for (const auto& [name, file] : files) {
    const Buffer& buffer = *arguments.outputs().at(name);
    write_file(file, {reinterpret_cast<const char*>(buffer.data()), buffer.byte_size()});
  }
  if (options.json) {
    Json outputs = Json::object();
    for (const auto& [name, buffer] : arguments.outputs()) {
      outputs[name] = {{"type", to_string(buffer->element())},
                       {"shape", buffer->shape()},
                       {"checksum", checksum(*buffer)}};
    }
    const Json json = {{"kernel", schedule.kernel()->name},
                       {"backend", options.backend},
                       {"milliseconds", median},
                       {"runs", times.size()},
                       {"outputs", outputs}};
    return print_out(json.dump(2) + '\n');
  }
  Table table({{"output", Align::kLeft},
               {"type", Align::kLeft},
               {"checksum", Align::kLeft},
               {"first values", Align::kLeft}});
  for (const auto& [name, buffer] : arguments.outputs()) {
    table.add_row(
        {name,
         fmt::format("{}[{}]", to_string(buffer->element()), fmt::join(buffer->shape(), ", ")),
         checksum(*buffer), first_values(*buffer)});
  }
  print_out(fmt::format("{}\n{} on {}: {:.3f} ms (median of {}, measured)\n", table.to_string(),
                        schedule.kernel()->name, options.backend, median, times.size()));
}

struct EmitOptions {
  KernelChoice choice;
  std::string backend;
  std::string output;
  double clock_mhz = 300;
  std::string memory = "HBM";
};

void emit(const EmitOptions& options) {
  const kernel::Schedule schedule = load(options.choice);
  if (options.backend == "cpp") {
    const std::vector<KernelPtr> kernels = {schedule.kernel()};
    const std::string text = kernel::emit_cpp(kernels);
    return options.output.empty() ? print_out(text) : write_file(options.output, text);
  }
  const auto write = [&](const std::map<std::string, std::string>& files) {
    StagedFolder folder(options.output, false);
    for (const auto& [name, text] : files) write_file(folder.path() / name, text);
    folder.commit();
  };
  if (options.backend == "rtl") {
    kernel::rtl::Target target;
    target.clock_mhz = options.clock_mhz;
    const kernel::rtl::Design design = kernel::rtl::make_design(schedule.kernel(), target);
    kernel::require_intervals(design);
    if (!options.output.empty()) return write(kernel::rtl_files(design));
    for (const auto& [name, text] : kernel::rtl::core_files(design)) print_out(text);
    return;
  }
  if (options.output.empty()) return print_out(kernel::emit_hls(*schedule.kernel()));
  write(kernel::hls_project(*schedule.kernel(), {options.clock_mhz, options.memory}));
}

}  // namespace

void add_kernel_check(CLI::App& kernel) {
  auto options = std::make_shared<CheckOptions>();
  CLI::App* verb = kernel.add_subcommand(
      "check", "Run a scheduled kernel on every back end and compare with the unscheduled one");
  add_kernel_choice(*verb, options->choice);
  add_argument_choice(*verb, options->arguments);
  verb->add_option("--backends", options->backends, "Back ends to compare")
      ->delimiter(',')
      ->check(CLI::IsMember({"interpreter", "cpp", "hls"}))
      ->capture_default_str();
  verb->add_flag("--json", options->json, "Print one JSON object");
  verb->callback([options] { check(*options); });
}

void add_kernel_run(CLI::App& kernel) {
  auto options = std::make_shared<KernelRunOptions>();
  CLI::App* verb = kernel.add_subcommand("run", "Run a kernel and time it");
  add_kernel_choice(*verb, options->choice);
  add_argument_choice(*verb, options->arguments);
  verb->add_option("--backend", options->backend, "Native code (cpp), HLS C++ or the interpreter")
      ->check(CLI::IsMember({"cpp", "hls", "interpreter"}))
      ->capture_default_str();
  verb->add_option("--repeat", options->repeat, "Runs; the median is printed")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  verb->add_option("--threads", options->threads, "Threads for parallel loops of native code")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  verb->add_option("--output", options->outputs, "Write an array as raw elements, as in c=c.bin");
  verb->add_flag("--json", options->json, "Print one JSON object");
  verb->callback([options] { run(*options); });
}

void add_kernel_emit(CLI::App& kernel) {
  auto options = std::make_shared<EmitOptions>();
  CLI::App* verb = kernel.add_subcommand(
      "emit", "Write a kernel as native C++, as a Vitis HLS project or as SystemVerilog");
  add_kernel_choice(*verb, options->choice);
  verb->add_option("--backend", options->backend, "cpp, hls or rtl")
      ->required()
      ->check(CLI::IsMember({"cpp", "hls", "rtl"}));
  verb->add_option(
      "-o,--output", options->output,
      "File (cpp) or new folder (hls, rtl); default: the kernel's code to standard output");
  verb->add_option("--clock", options->clock_mhz, "Target clock in MHz (hls, rtl)")
      ->check(CLI::Range(1.0, 2000.0))
      ->capture_default_str();
  verb->add_option("--memory", options->memory, "Name of the board's global memory in sp= lines")
      ->capture_default_str();
  verb->callback([options] { emit(*options); });
}

}  // namespace heddle
