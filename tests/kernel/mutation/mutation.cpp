// heddle_mutation: edits of emitted SystemVerilog, one at a time, and whether the checks that every
// kernel is put to (the interpreter's bits with and without stalls, the formula's cycles) notice.
// Prints a table and each edit that nothing noticed; fails if more than 3 in 100 were not.
//   heddle_mutation [--edits N] [--seed S] [--design NAME]
#include <fmt/core.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <map>
#include <memory>
#include <random>

#include "base/error.h"
#include "base/file.h"
#include "base/random.h"
#include "kernel/codegen/rtl/emit.h"
#include "kernel/codegen/rtl/primitives.h"
#include "kernel/codegen/tool.h"
#include "kernel/interpret.h"
#include "kernel/library/library.h"
#include "kernel/mutation/designs.h"
#include "kernel/mutation/edits.h"
#include "kernel/sim/simulation.h"
#include "support/scratch.h"

namespace {

using namespace heddle;
using namespace heddle::kernel;

/// What is built into one model. Numbers of one digit: line by line the texts differ in it alone.
constexpr std::size_t kBatch = 10;

/// Inputs: of any kind; mostly zero; of the least and greatest numbers; of one of these.
constexpr std::uint64_t kAny = 1, kSparse = 2, kEdge = 3, kGreatest = 4, kLeast = 5;
constexpr std::array kSeeds = {kAny, kSparse, kEdge, kGreatest, kLeast};

struct FileEdit {
  std::string file;  ///< of copy 0
  Edit edit;
};

class Arrays {
 public:
  Arrays(const Kernel& kernel, std::uint64_t seed) {
    for (const Parameter& parameter : kernel.parameters) {
      const Array& array = std::get<ArrayParameter>(parameter).array;
      std::vector<std::int64_t> shape;
      for (const Expr& extent : array.shape) {
        shape.push_back(static_cast<std::int64_t>(*as_integer(extent)));
      }
      auto buffer = std::make_unique<Buffer>(array.element, shape);
      const RandomStream random(seed, array.name);
      for (std::int64_t e = 0; e < buffer->size(); ++e) fill(*buffer, e, random, seed);
      arguments_.emplace_back(buffer.get());
      buffers_.push_back(std::move(buffer));
    }
  }

  [[nodiscard]] const std::vector<Argument>& arguments() const { return arguments_; }
  [[nodiscard]] bool operator==(const Arrays& other) const {
    return std::ranges::equal(buffers_, other.buffers_, [](const auto& a, const auto& b) {
      for (std::int64_t e = 0; e < a->size(); ++e) {
        if (!alike(a->get(e), b->get(e))) return false;
      }
      return true;
    });
  }

 private:
  static bool alike(const Scalar& a, const Scalar& b) {
    if (!a.type.is_float()) return a.raw == b.raw;
    return std::isnan(a.real)
               ? std::isnan(b.real)
               : std::bit_cast<std::uint32_t>(a.real) == std::bit_cast<std::uint32_t>(b.real);
  }

  static void fill(Buffer& buffer, std::int64_t element, const RandomStream& random,
                   std::uint64_t seed) {
    const Type& type = buffer.element();
    const auto index = static_cast<std::uint64_t>(element);
    const std::uint64_t word = random.word(index);
    const bool is_rare = seed == kSparse && word % 8 != 0;
    if (type.is_float()) {
      static constexpr std::array<std::uint32_t, 12> kEdges = {
          0,          0x80000000, 1,          0x3F800000, 0x3FC00000, 0xBFC00000,
          0x3FC00001, 0xBFC00001, 0xBFBFFFFF, 0x7F800000, 0xFF800000, 0x7F800001};
      const float edge = std::bit_cast<float>(kEdges.at(word % kEdges.size()));
      const auto real = static_cast<float>((random.uniform(index) - 0.5) * 8);
      return buffer.set(element, Scalar{type, 0, is_rare ? 0 : seed == kEdge ? edge : real});
    }
    // 24 bits leave room for the sums that exact types must hold.
    const auto [low, high] = input_range(type);
    const Int128 least = std::max<Int128>(low, -(1 << 23));
    const Int128 most = std::min<Int128>(high, (1 << 23) - 1);
    const auto count = static_cast<std::uint64_t>(most - least + 1);
    Int128 raw = least + static_cast<Int128>(word % count);
    if (is_rare) raw = std::max<Int128>(0, low);
    if (seed == kEdge) raw = (word & 1) != 0 ? most : least;
    if (seed == kGreatest) raw = most;
    if (seed == kLeast) raw = least;
    buffer.set(element, Scalar{type, raw, 0});
  }

  std::vector<std::unique_ptr<Buffer>> buffers_;
  std::vector<Argument> arguments_;
};

/// How a copy of the design was noticed; empty: it was not.
std::string verdict(const Simulation& simulation, std::size_t copy, const Kernel& kernel) {
  for (const int stalls : {0, 40, 150}) {
    for (const std::uint64_t seed : kSeeds) {
      const Arrays expected(kernel, seed);
      interpret(kernel, expected.arguments());
      const Arrays found(kernel, seed);
      MemoryModel memory;
      memory.stalls = stalls;
      memory.seed = seed;
      memory.cycle_limit = 100'000;
      try {
        const SimulationReport report = simulation.run(found.arguments(), copy, memory);
        if (!(found == expected)) return "bits";
        if (report.expected && *report.expected != report.cycles) return "cycles";
      } catch (const InternalError&) {
        return "protocol";
      }
    }
  }
  return "";
}

/// The same in a process of its own, which a fault may end or hold up.
std::string verdict_apart(const Simulation& simulation, std::size_t copy, const Kernel& kernel) {
  constexpr int kSeconds = 60;
  constexpr std::array kVerdicts = {"", "bits", "cycles", "protocol"};
  std::fflush(nullptr);
  const pid_t child = fork();
  ensure(child >= 0, "cannot fork");
  if (child == 0) {
    alarm(kSeconds);
    const std::string found = verdict(simulation, copy, kernel);
    _exit(static_cast<int>(std::ranges::find(kVerdicts, found) - kVerdicts.begin()));
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (!WIFEXITED(status)) return "crash";
  return kVerdicts.at(static_cast<std::size_t>(WEXITSTATUS(status)));
}

SimulationOptions quick_options(const std::filesystem::path& cache) {
  SimulationOptions options;
  options.target.memory_read = 5;
  options.target.memory_write = 4;
  options.cache = cache;
  return options;
}

struct Count {
  int edits = 0, caught = 0;
};

class Session {
 public:
  Session(std::size_t edits, std::uint64_t seed) : wanted_(edits), random_(seed) {}

  void run(const KernelPtr& kernel) {
    const SimulationOptions options = quick_options(scratch_.path());
    Kernel named = *kernel;
    named.name += "_0";
    files_ = core_sources(rtl::make_design(std::make_shared<const Kernel>(named), options.target));
    files_["DSP48E2.sv"] = rtl::primitives().at("dsp48e2_model");  // What tools know by themselves.
    std::vector<FileEdit> chosen = choose(named.name);
    for (std::size_t first = 0; first < chosen.size(); first += kBatch) {
      const std::size_t end = std::min(first + kBatch, chosen.size());
      run_batch(*kernel, {chosen.begin() + static_cast<std::ptrdiff_t>(first),
                          chosen.begin() + static_cast<std::ptrdiff_t>(end)});
    }
  }

  /// Whether at least 97 in 100 were noticed.
  [[nodiscard]] bool report() const {
    Count all;
    for (const auto& [kind, count] : counts_) {
      fmt::print("{:<24} {:>4} edits, {:>4} caught\n", kind, count.edits, count.caught);
      if (!kind.starts_with("design ")) continue;
      all.edits += count.edits;
      all.caught += count.caught;
    }
    for (const auto& [how, count] : ways_) fmt::print("noticed by {:<13} {:>4}\n", how, count);
    fmt::print("{} edits of which {} do not compile; {} run, {} caught ({:.1f} %)\n",
               all.edits + refused_, refused_, all.edits, all.caught,
               100.0 * all.caught / std::max(1, all.edits));
    return 100 * all.caught >= 97 * all.edits;
  }

 private:
  /// As many edits of each kind, at random, that Verilator accepts.
  std::vector<FileEdit> choose(const std::string& kernel) {
    std::map<std::string, std::vector<FileEdit>> kinds;
    for (const auto& [file, text] : files_) {
      if (!file.starts_with(kernel)) continue;
      for (Edit& edit : edits_of(text)) kinds[edit.kind].push_back({file, std::move(edit)});
    }
    for (auto& [kind, list] : kinds) std::ranges::shuffle(list, random_);
    std::vector<FileEdit> chosen;
    for (std::size_t round = 0; chosen.size() < wanted_; ++round) {
      bool is_any = false;
      for (const auto& [kind, list] : kinds) {
        if (round >= list.size() || chosen.size() == wanted_) continue;
        is_any = true;
        if (compiles(list[round])) chosen.push_back(list[round]);
      }
      if (!is_any) break;
    }
    return chosen;
  }

  bool compiles(const FileEdit& edit) {
    const Scratch work;
    std::vector<std::string> command = {find_program("verilator"), "--lint-only", "-Wno-fatal",
                                        "--top-module", files_.begin()->first};
    for (const auto& [file, text] : files_) {
      write_file(work.path() / file, file == edit.file ? edited(text, edit.edit) : text);
      command.push_back(work.path() / file);
      if (file.ends_with("_core.sv")) command[4] = file.substr(0, file.size() - 3);
    }
    const bool is_fine = run_program(command, work.path()).status == 0;
    refused_ += is_fine ? 0 : 1;
    return is_fine;
  }

  void run_batch(const Kernel& kernel, const std::vector<FileEdit>& edits) {
    SimulationOptions options = quick_options(scratch_.path());
    options.edit = [&](std::map<std::string, std::string>& files) {
      for (std::size_t copy = 0; copy < edits.size(); ++copy) {
        const FileEdit& one = edits[copy];
        const std::string digit = std::to_string(copy);
        const auto numbered = [&](std::string text) {
          const std::string from = kernel.name + "_0";
          for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; ++at) {
            text.replace(at + from.size() - 1, 1, digit);
          }
          return text;
        };
        Edit edit = one.edit;
        edit.after = numbered(edit.after);
        std::string& text = files.at(numbered(one.file));
        text = edited(text, edit);
      }
    };
    const std::vector<KernelPtr> copies(edits.size(), std::make_shared<const Kernel>(kernel));
    const Simulation simulation(copies, options);
    for (std::size_t copy = 0; copy < edits.size(); ++copy) {
      const std::string how = verdict_apart(simulation, copy, kernel);
      const Edit& edit = edits[copy].edit;
      for (const std::string& row : {"design " + kernel.name, edit.kind}) {
        ++counts_[row].edits;
        counts_[row].caught += how.empty() ? 0 : 1;
      }
      if (!how.empty()) {
        ++ways_[how];
        continue;
      }
      fmt::print("not noticed: {}:{} ({})\n  - {}\n  + {}\n", edits[copy].file, edit.line + 1,
                 edit.kind, edit.before, edit.after);
      std::fflush(stdout);
    }
  }

  std::size_t wanted_;
  std::mt19937_64 random_;
  std::map<std::string, std::string> files_;
  Scratch scratch_;
  std::map<std::string, Count> counts_;
  std::map<std::string, int> ways_;
  int refused_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Edits emitted hardware and looks whether its checks notice.");
  std::size_t edits = 35;
  std::uint64_t seed = 1;
  std::string design;
  app.add_option("--edits", edits, "In each design")->capture_default_str();
  app.add_option("--seed", seed, "Of the choice of edits")->capture_default_str();
  app.add_option("--design", design, "Only this one");
  CLI11_PARSE(app, argc, argv);
  try {
    Session session(edits, seed);
    for (const KernelPtr& kernel : mutation_designs()) {
      if (!design.empty() && kernel->name != design) continue;
      fmt::print("{}\n", kernel->name);
      std::fflush(stdout);
      session.run(kernel);
    }
    return session.report() ? 0 : 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "heddle_mutation: {}\n", error.what());
    return 1;
  }
}
