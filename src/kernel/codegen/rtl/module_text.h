// A design as the SystemVerilog module of its core: control, pipelines, memories.
//
// Ports of the core of kernel K, module K_core. A `ready` does not depend on its `valid`.
//   clk, rst (synchronous)
//   start: one cycle, while the core is idle; done: one cycle
//   arg_NAME for each scalar argument, constant from start to done
//   for each array argument NAME that is read: NAME_read_valid/_ready/_index, the number of a word,
//     and in the same order NAME_data_valid/_ready/NAME_data, its elements in memory's width
//   for each that is written: NAME_write_valid/_ready/_index/_value (words of more than one
//   element:
//     _enable, a bit for each), and NAME_written, high for one cycle per write that has arrived
// A process is a module of its own, K_core_PROCESS, with the same ports for the arrays that it
// uses, and for each stream S: S_put/_room/_value, or S_get/_some/_front.
#pragma once

#include <map>
#include <string>

#include "kernel/codegen/rtl/design.h"

namespace heddle::kernel::rtl {

std::string core_name(const Kernel& kernel);
/// The core and its processes: texts by the names of their files.
std::map<std::string, std::string> core_files(const Design& design);

}  // namespace heddle::kernel::rtl
