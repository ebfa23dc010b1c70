// Kernels as RTL, simulated clock by clock: Verilator's model of emitted text beside a memory.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "kernel/buffer.h"
#include "kernel/codegen/rtl/design.h"
#include "kernel/codegen/shared_object.h"

namespace heddle::kernel {

struct SimulationOptions {
  rtl::Target target;
  /// Optimise the model for long runs rather than for a short build; sums of products are simulated
  /// as such, not DSP by DSP (rtl/packed_cascade.sv).
  bool optimise = false;
  std::filesystem::path trace;  ///< an FST file of the last run; empty: none
  /// Changes emitted files, by name, before the model is made of them: to see faults being noticed.
  std::function<void(std::map<std::string, std::string>&)> edit;
  std::filesystem::path cache;  ///< where models are kept; empty: default_cache()
};

/// The memory that a run meets.
struct MemoryModel {
  /// Cycles that accesses take; 0: as many as the target reckons with.
  int read_cycles = 0;
  int write_cycles = 0;
  /// In how many of 256 cycles each handshake is held back, at random.
  int stalls = 0;
  std::uint64_t seed = 1;
  std::uint64_t cycle_limit = 1'000'000'000;
};

struct SimulationReport {
  std::uint64_t cycles = 0;             ///< from start to done, counted
  std::optional<std::int64_t> formula;  ///< what the compiler says they are without stalls
  std::uint64_t stalled = 0;            ///< of these, cycles in which the core stood still
  /// What the cycles must be: the formula's if memory keeps its time; if not, those that the core
  /// stood still come to it, and where processes wait for themselves nothing is known.
  std::optional<std::uint64_t> expected;
  std::uint64_t read_elements = 0;
  std::uint64_t written_elements = 0;
};

class Simulation {
 public:
  /// All kernels in one model. Throws UserError if there is no Verilator, and for what RTL has no
  /// hardware for.
  Simulation(const std::vector<KernelPtr>& kernels, SimulationOptions options);

  /// Runs kernel number `kernel`. Throws UserError unless the arguments fit, and InternalError if
  /// the hardware does not end within the limit, leaves an array or ends too early.
  SimulationReport run(std::span<const Argument> arguments, std::size_t kernel = 0,
                       const MemoryModel& memory = {}) const;

  [[nodiscard]] const rtl::Design& design(std::size_t kernel = 0) const {
    return designs_.at(kernel);
  }

 private:
  SimulationOptions options_;
  std::vector<rtl::Design> designs_;
  std::vector<KernelPtr> kernels_;
  SharedObject object_;
};

}  // namespace heddle::kernel
