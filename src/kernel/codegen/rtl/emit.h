// A kernel as SystemVerilog files.
#pragma once

#include <map>
#include <string>

#include "kernel/codegen/rtl/design.h"

namespace heddle::kernel {

// All by file name; the same text for the same kernel and target.

/// The core's modules (module_text.h says their ports) and the primitives from rtl/ that it uses.
std::map<std::string, std::string> core_sources(const rtl::Design& design);

/// These, and the module that joins the core with AXI (axi_text.h) and its primitives. Throws
/// UserError for a kernel without arguments and for one named as a primitive.
std::map<std::string, std::string> axi_sources(const rtl::Design& design);

/// These, NAME_core.json, which describes ports, arguments, pipelines and cycles, kernel.xml and
/// package.tcl (packaging.h).
std::map<std::string, std::string> rtl_files(const rtl::Design& design);

/// Throws UserError for the first loop that does not reach the interval its schedule asks for.
void require_intervals(const rtl::Design& design);

}  // namespace heddle::kernel
