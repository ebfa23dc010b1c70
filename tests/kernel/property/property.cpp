// heddle_property: random kernels under random legal schedules give the same bits from the
// interpreter, native code, HLS C++ and RTL. Prints how many cases and steps it took; a failure is
// shrunk and printed.
//   heddle_property [--cases N] [--seed S] [--batch N] [--backends cpp,hls,rtl] [--show]
//   [--mutants]
#include <CLI/CLI.hpp>
#include <filesystem>

#include "base/error.h"
#include "base/interrupt.h"
#include "kernel/codegen/cpp/native.h"
#include "kernel/codegen/hls/simulation.h"
#include "kernel/property/difference.h"
#include "kernel/property/mutants.h"
#include "kernel/property/random_kernel.h"
#include "kernel/property/shrink.h"
#include "kernel/sim/simulation.h"
#include "kernel/text.h"
#include "support/scratch.h"

namespace {

using namespace heddle;
using namespace heddle::kernel;

struct Case {
  std::uint64_t seed = 0;
  KernelPtr kernel;
  Schedule schedule;
  std::unique_ptr<Inputs> expected;
};

struct Options {
  int cases = 300;
  std::uint64_t seed = 1;
  int batch = 50;
  std::vector<std::string> backends = {"cpp", "hls"};
  bool show = false;
  bool mutants = false;
  bool integers = false;

  [[nodiscard]] Numbers numbers() const { return integers ? Numbers::kIntegers : Numbers::kAny; }
};

/// How a back end runs kernel number n of a batch.
using Run = std::function<void(std::span<const Argument>, std::size_t)>;

class Session {
 public:
  explicit Session(const Options& options) : options_(options) {}

  int run() {
    std::vector<Case> batch;
    for (std::uint64_t seed = options_.seed; compared_ < options_.cases; ++seed) {
      check_interrupt();
      if (std::optional<Case> one = make(seed)) batch.push_back(std::move(*one));
      const int missing = options_.cases - compared_ - static_cast<int>(batch.size());
      if (static_cast<int>(batch.size()) == options_.batch || missing == 0) {
        compare(batch);
        compared_ += static_cast<int>(batch.size());
        batch.clear();
        if (compared_ % 1000 < options_.batch && compared_ >= 1000) {
          fmt::print(stderr, "{} cases\n", compared_);
        }
      }
    }
    fmt::print("{} cases, {} steps in force, {} kernels left out as faulty, {} failures\n",
               compared_, steps_, faulty_, failures_);
    if (asked_for("rtl")) fmt::print("{} of them simulated as RTL\n", simulated_);
    for (const auto& [primitive, counts] : counts_.tried_and_legal) {
      fmt::print("  {:<12} tried {:>7}, legal {:>7}\n", primitive, counts.first, counts.second);
    }
    return failures_ == 0 ? 0 : 1;
  }

 private:
  std::optional<Case> make(std::uint64_t seed) {
    constexpr int kAttempts = 10;
    Dice dice(seed);
    const KernelPtr kernel = random_kernel(dice, options_.numbers());
    std::unique_ptr<Inputs> expected = oracle(*kernel, seed);
    if (!expected) {
      ++faulty_;
      return std::nullopt;
    }
    Case one{seed, kernel, random_schedule(kernel, dice, kAttempts, counts_), std::move(expected)};
    steps_ += one.schedule.steps().size();
    if (options_.show) {
      fmt::print("# seed {}\n{}\n# {}\n{}\n", seed, to_text(*kernel), to_text(one.schedule.steps()),
                 to_text(*one.schedule.kernel()));
      std::fflush(stdout);
    }
    return one;
  }

  void compare(const std::vector<Case>& batch) {
    std::vector<KernelPtr> kernels;
    for (const Case& one : batch) {
      const std::unique_ptr<Inputs> found = oracle(*one.schedule.kernel(), one.seed);
      const std::string difference =
          found ? found->difference(*one.expected) : "the interpreter refuses the scheduled kernel";
      if (!difference.empty()) fail(one, "interpreter", difference);
      kernels.push_back(one.schedule.kernel());
    }
    NativeOptions options;
    options.cache = scratch_.path();
    if (asked_for("cpp")) {
      const NativeLibrary native(kernels, options);
      compare(batch, "cpp", [&](auto arguments, std::size_t n) { native.run(arguments, n); });
    }
    if (asked_for("hls")) {
      const HlsSimulation hls(kernels, scratch_.path());
      compare(batch, "hls", [&](auto arguments, std::size_t n) { hls.run(arguments, n); });
    }
    if (asked_for("rtl")) compare_rtl(batch);
    for (const auto& entry : std::filesystem::directory_iterator(scratch_.path())) {
      std::filesystem::remove_all(entry.path());
    }
  }

  void compare(const std::vector<Case>& batch, const std::string& backend, const Run& run) {
    for (std::size_t n = 0; n < batch.size(); ++n) {
      const Inputs found(*batch[n].schedule.kernel(), batch[n].seed);
      run(found.arguments(), n);
      const std::string difference = found.difference(*batch[n].expected);
      if (!difference.empty()) fail(batch[n], backend, difference);
    }
  }

  /// Short memory latencies make small models.
  [[nodiscard]] SimulationOptions simulation_options() const {
    SimulationOptions options;
    options.target.memory_read = 5;
    options.target.memory_write = 4;
    options.cache = scratch_.path();
    return options;
  }

  /// Whether RTL has hardware for the kernel.
  [[nodiscard]] bool has_hardware(const KernelPtr& kernel) const {
    try {
      rtl::make_design(kernel, simulation_options().target);
      return true;
    } catch (const UserError&) {
      return false;
    }
  }

  /// With a memory that keeps its time, where cycles are as the formula says; with one that does
  /// not.
  void compare_rtl(const std::vector<Case>& batch) {
    std::vector<const Case*> fit;
    std::vector<KernelPtr> kernels;
    for (const Case& one : batch) {
      if (!has_hardware(one.schedule.kernel())) continue;
      fit.push_back(&one);
      kernels.push_back(one.schedule.kernel());
    }
    simulated_ += kernels.size();
    if (kernels.empty()) return;
    const Simulation simulation(kernels, simulation_options());
    for (std::size_t n = 0; n < kernels.size(); ++n) {
      const std::string difference = rtl_difference(simulation, n, *fit[n]);
      if (!difference.empty()) fail(*fit[n], "rtl", difference);
    }
  }

  static std::string rtl_difference(const Simulation& simulation, std::size_t number,
                                    const Case& one) {
    for (const int stalls : {0, 60}) {
      const Inputs found(*one.schedule.kernel(), one.seed);
      MemoryModel memory;
      memory.stalls = stalls;
      memory.seed = one.seed;
      memory.cycle_limit = 10'000'000;
      try {
        const SimulationReport report = simulation.run(found.arguments(), number, memory);
        if (std::string difference = found.difference(*one.expected); !difference.empty()) {
          return fmt::format("{} (stalls {})", difference, stalls);
        }
        if (report.expected && *report.expected != report.cycles) {
          return fmt::format("{} cycles, {} expected (stalls {})", report.cycles, *report.expected,
                             stalls);
        }
      } catch (const InternalError& error) {
        return fmt::format("{} (stalls {})", error.what(), stalls);
      }
    }
    return "";
  }

  [[nodiscard]] bool asked_for(const std::string& backend) const {
    return std::find(options_.backends.begin(), options_.backends.end(), backend) !=
           options_.backends.end();
  }

  /// Whether a smaller case still fails on that back end.
  bool still_fails(const Failure& failure, const std::string& backend, std::uint64_t seed) const {
    const std::unique_ptr<Inputs> expected = oracle(*failure.kernel, seed);
    if (!expected) return false;
    KernelPtr scheduled;
    try {
      scheduled = replay(failure.kernel, failure.steps, "failing schedule").kernel();
    } catch (const UserError&) {
      return false;
    }
    if (backend == "interpreter") {
      const std::unique_ptr<Inputs> found = oracle(*scheduled, seed);
      return !found || !found->difference(*expected).empty();
    }
    if (backend == "rtl") {
      if (!has_hardware(scheduled)) return false;
      Case one{seed, failure.kernel, replay(failure.kernel, failure.steps, "failing schedule"), {}};
      one.expected = oracle(*failure.kernel, seed);
      return !rtl_difference(Simulation({scheduled}, simulation_options()), 0, one).empty();
    }
    const Inputs found(*scheduled, seed);
    if (backend == "cpp") {
      NativeOptions options;
      options.cache = scratch_.path();
      NativeLibrary({scheduled}, options).run(found.arguments());
    } else {
      HlsSimulation({scheduled}, scratch_.path()).run(found.arguments());
    }
    return !found.difference(*expected).empty();
  }

  void fail(const Case& one, const std::string& backend, const std::string& difference) {
    constexpr int kMostShown = 5;
    if (++failures_ > kMostShown) return;
    fmt::print(stderr, "FAILURE of {} with --seed {}: {}; shrinking\n", backend, one.seed,
               difference);
    const Failure smallest =
        shrink({one.kernel, to_text(one.schedule.steps())},
               [&](const Failure& failure) { return still_fails(failure, backend, one.seed); });
    fmt::print("FAILURE of {} with --seed {} --cases 1: {}\n{}schedule:\n{}\n", backend, one.seed,
               difference, to_text(*smallest.kernel), smallest.steps);
  }

  Options options_;
  Scratch scratch_;
  StepCounts counts_;
  int compared_ = 0;
  std::size_t steps_ = 0;
  int faulty_ = 0;
  std::size_t simulated_ = 0;
  int failures_ = 0;
};

/// Each wrong primitive must be seen by the interpreter's comparison within the given cases.
int catch_mutants(const Options& options) {
  int missed = 0;
  for (const Mutant& mutant : mutants()) {
    int applied = 0;
    int caught = 0;
    for (int i = 0; i < options.cases; ++i) {
      const std::uint64_t seed = options.seed + static_cast<std::uint64_t>(i);
      Dice dice(seed);
      const KernelPtr kernel = random_kernel(dice, options.numbers());
      const std::unique_ptr<Inputs> expected = oracle(*kernel, seed);
      if (!expected) continue;
      const std::optional<Kernel> wrong = mutant.change(*kernel, dice);
      if (!wrong) continue;
      ++applied;
      const std::unique_ptr<Inputs> found = oracle(*wrong, seed);
      if (!found || !found->difference(*expected).empty()) ++caught;
    }
    fmt::print("{:<40} applied {:>4} times, seen {:>4} times\n", mutant.name, applied, caught);
    missed += caught == 0 ? 1 : 0;
  }
  return missed == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  install_interrupt_handler();
  Options options;
  CLI::App app("Compares random kernels under random schedules on every back end.");
  app.add_option("--cases", options.cases, "Cases to compare")->check(CLI::Range(1, 10'000'000));
  app.add_option("--seed", options.seed, "Seed of the first case");
  app.add_option("--batch", options.batch, "Cases compiled together")->check(CLI::Range(1, 1000));
  app.add_option("--backends", options.backends, "Compared with the interpreter")
      ->delimiter(',')
      ->check(CLI::IsMember({"cpp", "hls", "rtl"}));
  app.add_flag("--integers", options.integers, "No floats: fixed-point numbers in their place");
  app.add_flag("--show", options.show, "Print every case");
  app.add_flag("--mutants", options.mutants, "Try deliberately wrong primitives instead");
  CLI11_PARSE(app, argc, argv);
  return options.mutants ? catch_mutants(options) : Session(options).run();
}
