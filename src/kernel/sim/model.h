// Verilator's models of emitted text, compiled together with what drives them.
#pragma once

#include <map>
#include <string>

#include "kernel/codegen/shared_object.h"
#include "kernel/sim/simulation.h"

namespace heddle::kernel::sim {

/// The model of module heddle_top of these files, class Vheddle; launch.h and then `driver` follow
/// it in one source. Throws UserError if there is no Verilator.
SharedObject build_model(std::map<std::string, std::string> files, const std::string& driver,
                         const SimulationOptions& options);

}  // namespace heddle::kernel::sim
