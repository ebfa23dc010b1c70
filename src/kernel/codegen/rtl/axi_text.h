// The module around a core that Vitis links: AXI4 masters for its arrays, AXI4-Lite for its
// control.
//
// Ports of the module of kernel K, module K (file K.sv):
//   ap_clk, ap_rst_n (synchronous, low)
//   s_axi_control_*: rtl/axi_lite_control.sv, ap_ctrl_hs; interrupt
//   for each array argument NAME an AXI4 master m_axi_NAME_*; the channels of a direction that the
//     core does not use are still
// Pointers are byte addresses, multiples of the bus.
#pragma once

#include <string>
#include <vector>

#include "kernel/codegen/rtl/design.h"

namespace heddle::kernel::rtl {

/// An argument as the control registers hold it.
struct ControlArgument {
  std::string name;
  int bits = 0;                    ///< 8, 16, 32 or 64
  int offset = 0;                  ///< of the register, in bytes
  const Memory* memory = nullptr;  ///< of an array; null: a scalar
};

/// In the kernel's order, at the offsets that axi_lite_control gives them.
std::vector<ControlArgument> control_arguments(const Design& design);

/// A port of the module; it drives an "output".
struct AxiPort {
  const char* direction;
  std::string name;
  int width;
};

/// All but ap_clk, ap_rst_n and interrupt.
std::vector<AxiPort> axi_ports(const Design& design);

/// Bits of the control registers' addresses.
constexpr int kControlAddressBits = 12;

/// Bits of the data bus of an array's port.
int bus_bits(const Memory& memory);

/// Throws UserError for a kernel without arguments.
std::string axi_text(const Design& design);

}  // namespace heddle::kernel::rtl
