// What Vitis needs beside a kernel's modules (axi_text.h): its description, and the script that
// packages it.
#pragma once

#include <string>

#include "kernel/codegen/rtl/design.h"

namespace heddle::kernel::rtl {

/// kernel.xml of an RTL kernel (AMD UG1393, "RTL Kernel XML File"): ports, and the arguments at the
/// offsets of the control registers.
std::string kernel_xml(const Design& design);

/// A script for Vivado that makes NAME.xo of the emitted folder: `vivado -mode batch -source
/// package.tcl` (UG1393, "Packaging the RTL Code as a Vitis XO").
std::string package_tcl(const Design& design);

}  // namespace heddle::kernel::rtl
