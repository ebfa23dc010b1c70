// heddle kernel sim: a kernel as RTL, clock by clock.
#include "apps/heddle/kernel_source.h"
#include "apps/heddle/kernel_verbs.h"
#include "apps/heddle/output.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "kernel/codegen/cpp/native.h"
#include "kernel/codegen/rtl/cycles.h"
#include "kernel/codegen/rtl/emit.h"
#include "kernel/sim/simulation.h"

namespace heddle {
namespace {

struct SimOptions {
  KernelChoice choice;
  ArgumentChoice arguments;
  kernel::SimulationOptions simulation;
  kernel::MemoryModel memory;
  bool json = false;
};

void simulate(const SimOptions& options) {
  // The simulator would not say that it cannot write its trace.
  if (!options.simulation.trace.empty()) const AtomicFile probe(options.simulation.trace);
  const kernel::Schedule schedule = load(options.choice);
  const kernel::KernelPtr& scheduled = schedule.kernel();
  kernel::require_intervals(kernel::rtl::make_design(scheduled, options.simulation.target));
  const kernel::Simulation simulation({scheduled}, options.simulation);
  KernelArguments expected(*schedule.original(), options.choice, options.arguments);
  kernel::NativeLibrary({schedule.original()}).run(expected.get());
  KernelArguments found(*scheduled, options.choice, options.arguments);
  const kernel::SimulationReport report = simulation.run(found.get(), 0, options.memory);
  const std::string difference = expected.difference(found);
  const std::string formula = kernel::rtl::cycle_formula(simulation.design());
  const double clock = options.simulation.target.clock_mhz;
  const double milliseconds = static_cast<double>(report.cycles) / clock / 1000;
  if (options.json) {
    const Json json = {{"kernel", scheduled->name},
                       {"equal", difference.empty()},
                       {"difference", difference},
                       {"cycles", report.cycles},
                       {"formula", formula},
                       {"formula_cycles", report.formula ? Json(*report.formula) : Json()},
                       {"clock_mhz", clock},
                       {"milliseconds", milliseconds},
                       {"read_elements", report.read_elements},
                       {"written_elements", report.written_elements}};
    print_out(json.dump(2) + '\n');
  } else {
    const std::string reckoned =
        report.formula ? fmt::format("{} by the formula {}", *report.formula, formula)
                       : "the arrays' contents decide, the formula cannot say: " + formula;
    print_out(fmt::format(
        "{}: {} cycles (simulated RTL), {:.4f} ms at {} MHz (assumed)\n  {}\n  {} elements read, "
        "{} written\n  {}\n",
        scheduled->name, report.cycles, milliseconds, clock, reckoned, report.read_elements,
        report.written_elements, difference.empty() ? "the same bits" : difference));
  }
  ensure(difference.empty(), "RTL: {}", difference);
}

}  // namespace

void add_kernel_sim(CLI::App& kernel) {
  auto options = std::make_shared<SimOptions>();
  CLI::App* verb = kernel.add_subcommand(
      "sim", "Simulate a kernel's RTL clock by clock, compare its results and count its cycles");
  add_kernel_choice(*verb, options->choice);
  add_argument_choice(*verb, options->arguments);
  kernel::SimulationOptions& simulation = options->simulation;
  verb->add_option("--clock", simulation.target.clock_mhz, "Target clock in MHz")
      ->check(CLI::Range(1.0, 2000.0))
      ->capture_default_str();
  verb->add_option("--read-cycles", options->memory.read_cycles,
                   "Cycles that a read of memory takes")
      ->check(CLI::Range(1, 100000));
  verb->add_option("--write-cycles", options->memory.write_cycles, "Cycles that a write takes")
      ->check(CLI::Range(1, 100000));
  verb->add_option("--stalls", options->memory.stalls,
                   "Hold handshakes back in so many of 256 cycles")
      ->check(CLI::Range(0, 255));
  verb->add_option("--trace", simulation.trace, "Write all signals to an FST file");
  verb->add_flag("--optimise", simulation.optimise, "A slower build of a faster model");
  verb->add_flag("--json", options->json, "Print one JSON object");
  verb->callback([options] { simulate(*options); });
}

}  // namespace heddle
