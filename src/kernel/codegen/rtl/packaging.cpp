#include "kernel/codegen/rtl/packaging.h"

#include <fmt/core.h>

#include "kernel/codegen/rtl/arithmetic.h"
#include "kernel/codegen/rtl/axi_text.h"

namespace heddle::kernel::rtl {
namespace {

/// What OpenCL calls an integer of a type's size.
std::string host_type(const Type& type) {
  const char* const names[] = {"char", "short", "int", "long"};
  int index = 0;
  while ((1 << index) < type.bytes()) ++index;
  return std::string(is_signed(type) ? "" : "u") + names[index];
}

const Type& type_of(const Design& design, const ControlArgument& argument) {
  if (argument.memory != nullptr) return argument.memory->array.element;
  const auto& parameters = design.kernel->parameters;
  std::size_t i = 0;
  while (name_of(parameters[i]) != argument.name) ++i;
  return std::get<ScalarParameter>(parameters[i]).type;
}

const char* const kScript = R"tcl(
set root [file dirname [file normalize [info script]]]
set work [file join $root package]
file delete -force $work

create_project -force project [file join $work project]
add_files -norecurse [glob [file join $root *.sv]]
set_property top $kernel [current_fileset]
update_compile_order -fileset sources_1
ipx::package_project -root_dir [file join $work ip] -vendor heddle -library kernel -taxonomy /KernelIP \
    -import_files -set_current false
ipx::unload_core [file join $work ip component.xml]
ipx::edit_ip_in_project -upgrade true -name edit -directory $work [file join $work ip component.xml]
set core [ipx::current_core]
foreach parameter [ipx::get_user_parameters -of_objects $core] {
  ipx::remove_user_parameter [get_property NAME $parameter] $core
}

set map [ipx::add_memory_map s_axi_control $core]
set_property slave_memory_map_ref s_axi_control [ipx::get_bus_interfaces s_axi_control -of_objects $core]
set block [ipx::add_address_block reg0 $map]
proc add_register {block name offset bits} {
  set register [ipx::add_register $name $block]
  set_property description $name $register
  set_property address_offset $offset $register
  set_property size $bits $register
  return $register
}
add_register $block CTRL 0x000 32
add_register $block GIER 0x004 32
add_register $block IP_IER 0x008 32
add_register $block IP_ISR 0x00C 32
ipx::associate_bus_interfaces -busif s_axi_control -clock ap_clk $core
foreach argument $arguments {
  lassign $argument name offset bits port
  set register [add_register $block $name $offset $bits]
  if {$port eq ""} { continue }
  ipx::associate_bus_interfaces -busif $port -clock ap_clk $core
  set_property value $port [ipx::add_register_parameter ASSOCIATED_BUSIF $register]
}

set_property sdx_kernel true $core
set_property sdx_kernel_type rtl $core
set_property supported_families {} $core
set_property auto_family_support_level level_2 $core
ipx::create_xgui_files $core
ipx::update_checksums $core
ipx::check_integrity -kernel $core
ipx::save_core $core
close_project
package_xo -force -xo_path [file join $root $kernel.xo] -kernel_name $kernel -ip_directory [file join $work ip] \
    -kernel_xml [file join $root kernel.xml] -ctrl_protocol ap_ctrl_hs
)tcl";

}  // namespace

std::string kernel_xml(const Design& design) {
  const std::string& name = design.kernel->name;
  std::string ports = fmt::format(
      "      <port name=\"s_axi_control\" mode=\"slave\" range=\"{:#x}\" dataWidth=\"32\" "
      "portType=\"addressable\" base=\"0x0\"/>\n",
      1 << kControlAddressBits);
  std::string args;
  int id = 0;
  for (const ControlArgument& argument : control_arguments(design)) {
    const bool is_array = argument.memory != nullptr;
    const std::string port = is_array ? "m_axi_" + argument.name : "s_axi_control";
    if (is_array) {
      ports += fmt::format(
          "      <port name=\"{}\" mode=\"master\" range=\"0xFFFFFFFFFFFFFFFF\" dataWidth=\"{}\" "
          "portType=\"addressable\" base=\"0x0\"/>\n",
          port, bus_bits(*argument.memory));
    }
    args += fmt::format(
        "      <arg name=\"{0}\" addressQualifier=\"{1}\" id=\"{2}\" port=\"{3}\" size=\"{4:#x}\" "
        "offset=\"{5:#x}\" type=\"{6}{7}\" hostOffset=\"0x0\" hostSize=\"{4:#x}\"/>\n",
        argument.name, is_array ? 1 : 0, id++, port, argument.bits / 8, argument.offset,
        host_type(type_of(design, argument)), is_array ? "*" : "");
  }
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<root versionMajor=\"1\" versionMinor=\"6\">\n"
      "  <kernel name=\"{0}\" language=\"ip_c\" vlnv=\"heddle:kernel:{0}:1.0\" attributes=\"\" "
      "preferredWorkGroupSizeMultiple=\"0\" workGroupSize=\"1\" interrupt=\"true\" "
      "hwControlProtocol=\"ap_ctrl_hs\">\n"
      "    <ports>\n{1}    </ports>\n    <args>\n{2}    </args>\n  </kernel>\n</root>\n",
      name, ports, args);
}

std::string package_tcl(const Design& design) {
  std::string arguments;
  for (const ControlArgument& argument : control_arguments(design)) {
    arguments +=
        fmt::format("  {{{} {:#05x} {} {}}}\n", argument.name, argument.offset, argument.bits,
                    argument.memory == nullptr ? "{}" : "m_axi_" + argument.name);
  }
  return fmt::format(
      "# Packages kernel {0} for Vitis: vivado -mode batch -source package.tcl makes {0}.xo.\n"
      "set kernel {0}\n"
      "# Name, offset of the register, bits, and the port of an array.\n"
      "set arguments {{\n{1}}}\n{2}",
      design.kernel->name, arguments, kScript);
}

}  // namespace heddle::kernel::rtl
