// A kernel as SystemVerilog files.
#pragma once

#include <map>
#include <string>

#include "kernel/codegen/rtl/design.h"

namespace heddle::kernel {

/// File names and texts: the core's module (module_text.h says its ports), the primitives it uses
/// from rtl/, and NAME_core.json, which describes ports, arguments, pipelines and cycles. The same
/// text for the same kernel and target.
std::map<std::string, std::string> rtl_files(const rtl::Design& design);

/// Throws UserError for the first loop that does not reach the interval its schedule asks for.
void require_intervals(const rtl::Design& design);

}  // namespace heddle::kernel
