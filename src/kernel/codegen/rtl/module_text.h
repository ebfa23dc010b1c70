// A design as the SystemVerilog module of its core: control, pipelines, memories.
//
// Ports of the core of kernel K, module K_core. A `ready` does not depend on its `valid`.
//   clk, rst (synchronous)
//   start: one cycle, while the core is idle; done: one cycle
//   arg_NAME for each scalar argument, constant from start to done
//   for each array argument NAME that is read: NAME_read_valid/_ready/_index, one element's number
//     each, and in the same order NAME_data_valid/_ready/NAME_data, the element in memory's width
//   for each that is written: NAME_write_valid/_ready/_index/_value, and NAME_written, which is
//     high for one cycle per write that has arrived
#pragma once

#include <string>

#include "kernel/codegen/rtl/design.h"

namespace heddle::kernel::rtl {

std::string core_name(const Kernel& kernel);
std::string core_text(const Design& design);

}  // namespace heddle::kernel::rtl
