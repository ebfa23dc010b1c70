// heddle kernel sim: a kernel as RTL, clock by clock.
#include <algorithm>

#include "apps/heddle/kernel_source.h"
#include "apps/heddle/kernel_verbs.h"
#include "apps/heddle/output.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/table.h"
#include "kernel/codegen/cpp/native.h"
#include "kernel/codegen/rtl/cycles.h"
#include "kernel/codegen/rtl/emit.h"
#include "kernel/sim/axi_simulation.h"
#include "kernel/sim/simulation.h"

namespace heddle {
namespace {

struct SimOptions {
  KernelChoice choice;
  ArgumentChoice arguments;
  kernel::SimulationOptions simulation;
  kernel::MemoryModel memory;
  bool is_axi = false;
  int memory_latency = 64;
  int memory_bandwidth = 0;  ///< bytes a cycle; 0: the whole bus
  bool json = false;
};

/// What a simulation found, as far as all simulations find it.
struct Outcome {
  std::string difference;
  std::uint64_t cycles = 0;
  std::optional<std::int64_t> formula_cycles;
  std::string formula;
};

Json json_of(const Outcome& outcome, const SimOptions& options, const std::string& name) {
  const double clock = options.simulation.target.clock_mhz;
  return {{"kernel", name},
          {"equal", outcome.difference.empty()},
          {"difference", outcome.difference},
          {"cycles", outcome.cycles},
          {"formula", outcome.formula},
          {"formula_cycles", outcome.formula_cycles ? Json(*outcome.formula_cycles) : Json()},
          {"clock_mhz", clock},
          {"milliseconds", static_cast<double>(outcome.cycles) / clock / 1000}};
}

std::string head_of(const Outcome& outcome, const SimOptions& options, const std::string& name) {
  const double clock = options.simulation.target.clock_mhz;
  return fmt::format(
      "{}: {} cycles (simulated RTL), {:.4f} ms at {} MHz (assumed)\n  {}\n", name, outcome.cycles,
      static_cast<double>(outcome.cycles) / clock / 1000, clock,
      outcome.formula_cycles
          ? fmt::format("{} by the formula {}", *outcome.formula_cycles, outcome.formula)
          : "the arrays' contents decide, the formula cannot say: " + outcome.formula);
}

std::string bits_of(const Outcome& outcome) {
  return fmt::format("  {}\n", outcome.difference.empty() ? "the same bits" : outcome.difference);
}

Outcome run_core(const SimOptions& options, const kernel::KernelPtr& scheduled,
                 const KernelArguments& expected, KernelArguments& found) {
  const kernel::Simulation simulation({scheduled}, options.simulation);
  const kernel::SimulationReport report = simulation.run(found.get(), 0, options.memory);
  const Outcome outcome{expected.difference(found), report.cycles, report.formula,
                        kernel::rtl::cycle_formula(simulation.design())};
  if (options.json) {
    Json json = json_of(outcome, options, scheduled->name);
    json["read_elements"] = report.read_elements;
    json["written_elements"] = report.written_elements;
    print_out(json.dump(2) + '\n');
  } else {
    print_out(fmt::format("{}  {} elements read, {} written\n{}",
                          head_of(outcome, options, scheduled->name), report.read_elements,
                          report.written_elements, bits_of(outcome)));
  }
  return outcome;
}

/// Beats of a burst, on average.
double mean_length(std::int64_t beats, std::int64_t bursts) {
  return bursts == 0 ? 0 : static_cast<double>(beats) / static_cast<double>(bursts);
}

std::string traffic_table(const kernel::AxiReport& report) {
  Table table({{"port", Align::kLeft},
               {"bits", Align::kRight},
               {"access", Align::kLeft},
               {"bytes", Align::kRight},
               {"bursts", Align::kRight},
               {"beats a burst", Align::kRight}});
  for (const kernel::AxiPortReport& port : report.ports) {
    const auto add = [&](const char* access, std::int64_t beats, std::int64_t bursts) {
      if (bursts == 0) return;
      table.add_row({"m_axi_" + port.array, std::to_string(8 * port.bus_bytes), access,
                     std::to_string(beats * port.bus_bytes), std::to_string(bursts),
                     fmt::format("{:.1f}", mean_length(beats, bursts))});
    };
    add("read", port.counts.read_beats, port.counts.read_bursts);
    add("write", port.counts.write_beats, port.counts.write_bursts);
  }
  return table.to_string();
}

std::string stall_table(const kernel::AxiReport& report) {
  const bool is_still = std::ranges::any_of(
      report.stalls, [](const kernel::StallReport& stall) { return stall.cycles != 0; });
  if (!is_still) return "the core never stands still\n";
  Table table(
      {{"module", Align::kLeft}, {"stands still", Align::kLeft}, {"cycles", Align::kRight}});
  for (const kernel::StallReport& stall : report.stalls) {
    if (stall.cycles == 0) continue;
    table.add_row({stall.module, stall.cause, std::to_string(stall.cycles)});
  }
  return table.to_string();
}

Json traffic_json(const kernel::AxiReport& report) {
  Json ports = Json::array();
  for (const kernel::AxiPortReport& port : report.ports) {
    const kernel::AxiCounts& counts = port.counts;
    ports.push_back(
        {{"array", port.array},
         {"bus_bits", 8 * port.bus_bytes},
         {"read_bytes", counts.read_beats * port.bus_bytes},
         {"read_bursts", counts.read_bursts},
         {"read_beats_per_burst", mean_length(counts.read_beats, counts.read_bursts)},
         {"written_bytes", counts.write_beats * port.bus_bytes},
         {"write_bursts", counts.write_bursts},
         {"write_beats_per_burst", mean_length(counts.write_beats, counts.write_bursts)}});
  }
  return ports;
}

Outcome run_axi(const SimOptions& options, const kernel::KernelPtr& scheduled,
                const KernelArguments& expected, KernelArguments& found) {
  const kernel::AxiSimulation simulation(scheduled, options.simulation);
  const kernel::AxiTiming timing{.read_latency = options.memory_latency,
                                 .write_latency = options.memory_latency,
                                 .bytes_per_cycle = options.memory_bandwidth,
                                 .stall = options.memory.stalls / 256.0};
  const kernel::AxiReport report = simulation.run(found.get(), timing);
  const Outcome outcome{expected.difference(found), report.cycles, report.formula,
                        kernel::rtl::cycle_formula(simulation.design())};
  if (options.json) {
    Json json = json_of(outcome, options, scheduled->name);
    json["ports"] = traffic_json(report);
    json["stalls"] = Json::array();
    for (const kernel::StallReport& stall : report.stalls) {
      json["stalls"].push_back(
          {{"module", stall.module}, {"cause", stall.cause}, {"cycles", stall.cycles}});
    }
    print_out(json.dump(2) + '\n');
  } else {
    print_out(fmt::format("{}\n{}\n{}{}", head_of(outcome, options, scheduled->name),
                          traffic_table(report), stall_table(report), bits_of(outcome)));
  }
  return outcome;
}

void simulate(const SimOptions& options) {
  // The simulator would not say that it cannot write its trace.
  if (!options.simulation.trace.empty()) const AtomicFile probe(options.simulation.trace);
  const kernel::Schedule schedule = load(options.choice);
  const kernel::KernelPtr& scheduled = schedule.kernel();
  kernel::require_intervals(kernel::rtl::make_design(scheduled, options.simulation.target));
  KernelArguments expected(*schedule.original(), options.choice, options.arguments);
  kernel::NativeLibrary({schedule.original()}).run(expected.get());
  KernelArguments found(*scheduled, options.choice, options.arguments);
  const Outcome outcome = options.is_axi ? run_axi(options, scheduled, expected, found)
                                         : run_core(options, scheduled, expected, found);
  ensure(outcome.difference.empty(), "RTL: {}", outcome.difference);
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
  const CLI::Range cycles(1, 100000);
  CLI::Option* read = verb->add_option("--read-cycles", options->memory.read_cycles,
                                       "Cycles that a read of memory takes (core alone)")
                          ->check(cycles);
  CLI::Option* write = verb->add_option("--write-cycles", options->memory.write_cycles,
                                        "Cycles that a write takes (core alone)")
                           ->check(cycles);
  verb->add_option("--stalls", options->memory.stalls,
                   "Hold handshakes back in so many of 256 cycles")
      ->check(CLI::Range(0, 255));
  CLI::Option* axi = verb->add_flag("--axi", options->is_axi,
                                    "With its AXI ports and control registers, as a device has it")
                         ->excludes(read)
                         ->excludes(write);
  verb->add_option("--memory-latency", options->memory_latency,
                   "Cycles from an AXI burst's address to its first beat, and from its last beat "
                   "to the response")
      ->check(cycles)
      ->needs(axi)
      ->capture_default_str();
  verb->add_option("--memory-bandwidth", options->memory_bandwidth,
                   "Bytes a cycle in each direction of an AXI port (default: the whole bus)")
      ->check(CLI::Range(1, 4096))
      ->needs(axi);
  verb->add_option("--trace", simulation.trace, "Write all signals to an FST file");
  verb->add_flag("--optimise", simulation.optimise, "A slower build of a faster model");
  verb->add_flag("--json", options->json, "Print one JSON object");
  verb->callback([options] { simulate(*options); });
}

}  // namespace heddle
