// A design as the SystemVerilog module of its core: control, pipelines, memories.
//
// Ports of the core of kernel K, module K_core. A `ready` does not depend on its `valid`.
//   clk, rst (synchronous)
//   start: one cycle, while the core is idle; done: one cycle
//   arg_NAME for each scalar argument, constant from start to done
//   for each array argument NAME, accessed in words of its memory's lanes, element 0 lowest, each
//     in memory's width; indices count words, and the last word may be only partly there:
//     if it is read: NAME_read_valid/_ready/_index, and in the same order NAME_data_valid/_ready,
//       NAME_data; elements beyond the array's end may be anything
//     if it is written: NAME_write_valid/_ready/_index/_value, with more than one lane
//       NAME_write_enable (a bit for each), and NAME_written, which is high for one cycle per write
//       that has arrived
#pragma once

#include <string>

#include "kernel/codegen/rtl/design.h"

namespace heddle::kernel::rtl {

std::string core_name(const Kernel& kernel);
std::string core_text(const Design& design);

}  // namespace heddle::kernel::rtl
