// The cells of an UltraScale+ netlist, as the resources that they take.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "board/resources.h"

namespace heddle::cost {

/// How many cells of each type.
using Cells = std::map<std::string, std::int64_t>;

/// Cells of Yosys' synth_xilinx -family xcup (AMD UG974 describes them). Small RAMs count by the
/// LUTs of their SLICEM (UG574), shift registers one LUT each; a CARRY4 is half a CARRY8, so that
/// the true count of CARRY8s is this one or a little more. Throws InternalError for a cell that is
/// not known here.
Resources resources_of(const Cells& cells);

}  // namespace heddle::cost
