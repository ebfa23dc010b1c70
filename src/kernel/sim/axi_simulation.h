// A kernel as it is linked into a device, simulated clock by clock: started through its control
// registers, with an AXI memory behind each array's port.
#pragma once

#include "kernel/sim/axi_memory.h"
#include "kernel/sim/simulation.h"

namespace heddle::kernel {

/// Cycles in which one module of the core (the core itself or a process) stood still for one cause.
struct StallReport {
  std::string module;
  std::string cause;
  std::uint64_t cycles = 0;
};

struct AxiPortReport {
  std::string array;
  int bus_bytes = 0;
  AxiCounts counts;
};

struct AxiReport {
  std::uint64_t cycles = 0;             ///< from ap_start to ap_done, counted
  std::optional<std::int64_t> formula;  ///< the core's, without stalls
  std::vector<AxiPortReport> ports;
  /// Causes may coincide; "all" counts each cycle of a module once.
  std::vector<StallReport> stalls;
};

class AxiSimulation {
 public:
  /// Throws as Simulation and axi_sources() do.
  AxiSimulation(const KernelPtr& kernel, SimulationOptions options);

  /// Writes the arguments, starts the kernel and waits for its interrupt. Throws UserError unless
  /// the arguments fit, and InternalError if the hardware does not end within the limit, breaks a
  /// protocol or leaves an array.
  AxiReport run(std::span<const Argument> arguments, const AxiTiming& timing,
                std::uint64_t cycle_limit = 1'000'000'000) const;

  [[nodiscard]] const rtl::Design& design() const { return design_; }

 private:
  struct Observation {
    std::string module;
    std::string cause;
    std::string expression;  ///< of heddle_top, high while the module stands still
  };
  static std::vector<Observation> observations_of(const rtl::Design& design);
  [[nodiscard]] SharedObject compiled() const;

  SimulationOptions options_;
  KernelPtr kernel_;
  rtl::Design design_;
  std::vector<Observation> observations_;
  SharedObject object_;
};

}  // namespace heddle::kernel
