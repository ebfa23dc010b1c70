#include "kernel/codegen/rtl/axi_text.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.h"
#include "kernel/codegen/rtl/core_ports.h"
#include "kernel/codegen/rtl/module_text.h"
#include "kernel/codegen/rtl/verilog.h"

namespace heddle::kernel::rtl {
namespace {

constexpr int kFirstArgument = 0x10;

/// A signal of an AXI bus. A master drives "output".
struct BusSignal {
  const char* direction;
  const char* name;
  int width;
};

std::vector<BusSignal> read_channels(int bus) {
  return {{"output", "arvalid", 1}, {"input", "arready", 1}, {"output", "araddr", 64},
          {"output", "arlen", 8},   {"output", "arsize", 3}, {"output", "arburst", 2},
          {"input", "rvalid", 1},   {"output", "rready", 1}, {"input", "rdata", bus},
          {"input", "rresp", 2},    {"input", "rlast", 1}};
}

std::vector<BusSignal> write_channels(int bus) {
  return {{"output", "awvalid", 1},     {"input", "awready", 1}, {"output", "awaddr", 64},
          {"output", "awlen", 8},       {"output", "awsize", 3}, {"output", "awburst", 2},
          {"output", "wvalid", 1},      {"input", "wready", 1},  {"output", "wdata", bus},
          {"output", "wstrb", bus / 8}, {"output", "wlast", 1},  {"input", "bvalid", 1},
          {"output", "bready", 1},      {"input", "bresp", 2}};
}

std::vector<BusSignal> control_channels() {
  constexpr int kAddress = kControlAddressBits;
  return {{"input", "awvalid", 1},       {"output", "awready", 1}, {"input", "awaddr", kAddress},
          {"input", "wvalid", 1},        {"output", "wready", 1},  {"input", "wdata", 32},
          {"input", "wstrb", 4},         {"output", "bvalid", 1},  {"input", "bready", 1},
          {"output", "bresp", 2},        {"input", "arvalid", 1},  {"output", "arready", 1},
          {"input", "araddr", kAddress}, {"output", "rvalid", 1},  {"input", "rready", 1},
          {"output", "rdata", 32},       {"output", "rresp", 2}};
}

class AxiModule {
 public:
  explicit AxiModule(const Design& design)
      : design_(design), arguments_(control_arguments(design)) {}

  std::string write() {
    control();
    core();
    for (const ControlArgument& argument : arguments_) {
      if (argument.memory != nullptr) engines(*argument.memory);
    }
    const std::string& name = design_.kernel->name;
    return fmt::format(
        "// {}: {}\n// {} behind AXI4.\n"
        "/* verilator lint_off UNUSEDSIGNAL */  // Channels that nothing uses.\n"
        "module {} (\n  {}\n);\n{}endmodule\n",
        name, design_.kernel->summary, core_name(*design_.kernel), name,
        fmt::join(ports(), ",\n  "), text_.lines);
  }

 private:
  std::vector<std::string> ports() const {
    std::vector<std::string> list = {"input logic ap_clk", "input logic ap_rst_n"};
    list.emplace_back(
        "/* verilator lint_off SYMRSVDWORD */\n"
        "  output logic interrupt\n"
        "  /* verilator lint_on SYMRSVDWORD */");
    for (const AxiPort& port : axi_ports(design_)) {
      const std::string type = port.width == 1 ? "logic" : vector_type(port.width, false);
      list.push_back(fmt::format("{} {} {}", port.direction, type, port.name));
    }
    return list;
  }

  void instance(const std::string& module, const std::vector<std::string>& parameters,
                const std::string& name, const std::vector<std::string>& connections) {
    text_.line(parameters.empty()
                   ? fmt::format("{} {} (", module, name)
                   : fmt::format("{} #({}) {} (", module, fmt::join(parameters, ", "), name));
    text_.line(fmt::format("    {});", fmt::join(connections, ",\n      ")));
    text_.gap();
  }

  /// Registers, and a run from ap_start to the core's done.
  void control() {
    std::vector<std::string> widths;
    int total = 0;
    for (const ControlArgument& argument : arguments_) {
      widths.insert(widths.begin(), literal(argument.bits, 8));
      total += argument.bits;
    }
    text_.line("logic rst;");
    text_.line("always_ff @(posedge ap_clk) rst <= ~ap_rst_n;");
    text_.line("wire ap_start, done;");
    text_.line("logic running;");
    text_.line("wire start = ap_start & ~running;");
    text_.line("always_ff @(posedge ap_clk) running <= ~rst & ~done & (running | start);");
    text_.line(fmt::format("wire [{}:0] args;", total - 1));
    std::vector<std::string> connections = {".clk(ap_clk)", ".rst"};
    for (const BusSignal& signal : control_channels()) {
      connections.push_back(fmt::format(".s_axi_{0}(s_axi_control_{0})", signal.name));
    }
    connections.insert(connections.end(),
                       {".ap_start", ".ap_done(done)", ".ap_ready(done)",
                        ".ap_idle(~ap_start & ~running)", ".interrupt", ".args"});
    instance(
        "axi_lite_control",
        {fmt::format(".ARGS({})", arguments_.size()),
         fmt::format(".WIDTHS({{{}}})", fmt::join(widths, ", ")), fmt::format(".TOTAL({})", total),
         fmt::format(".ADDR_WIDTH({})", kControlAddressBits)},
        "control", connections);
  }

  void core() {
    std::vector<std::string> connections = {".clk(ap_clk)", ".rst", ".start", ".done"};
    int bit = 0;
    for (const ControlArgument& argument : arguments_) {
      if (argument.memory == nullptr) {
        const auto& scalar = std::get<ScalarParameter>(*parameter(argument.name));
        connections.push_back(
            fmt::format(".arg_{}(args[{} +: {}])", argument.name, bit, scalar.type.bits()));
      } else {
        text_.line(fmt::format("wire [63:0] {}_base = args[{} +: 64];", argument.name, bit));
        for (const CorePort& port : core_ports(*argument.memory)) {
          text_.line(fmt::format("wire [{}:0] {}_{};", port.width - 1, argument.name, port.signal));
          connections.push_back(fmt::format(".{}_{}", argument.name, port.signal));
        }
      }
      bit += argument.bits;
    }
    text_.gap();
    instance(core_name(*design_.kernel), {}, "core", connections);
  }

  const Parameter* parameter(const std::string& name) const {
    const auto& parameters = design_.kernel->parameters;
    return &*std::ranges::find_if(parameters,
                                  [&](const Parameter& p) { return name_of(p) == name; });
  }

  /// What the parameters of both engines share. A burst waits for a quarter of the time that
  /// schedules reckon with, and there may be as many under way as there are accesses.
  static std::vector<std::string> engine(const Memory& memory, int cycles) {
    const int age = std::max(1, cycles / 4);
    return {fmt::format(".WORD_WIDTH({})", memory.word_bits()),
            fmt::format(".DATA_WIDTH({})", bus_bits(memory)), fmt::format(".AGE({})", age),
            fmt::format(".QUIET({})", std::min(4, age)),
            fmt::format(".OUTSTANDING({})", std::max(2, cycles))};
  }

  void engines(const Memory& memory) {
    const std::string& name = memory.array.name;
    const auto connections = [&](const std::vector<BusSignal>& bus,
                                 const std::vector<const char*>& signals) {
      std::vector<std::string> list = {".clk(ap_clk)", ".rst", fmt::format(".base({}_base)", name)};
      for (const char* signal : signals) list.push_back(fmt::format(".{0}({1}_{0})", signal, name));
      for (const BusSignal& signal : bus) {
        list.push_back(fmt::format(".m_axi_{0}(m_axi_{1}_{0})", signal.name, name));
      }
      return list;
    };
    const std::vector<BusSignal> reads = read_channels(bus_bits(memory));
    if (memory.is_read) {
      instance("axi_read_words", engine(memory, design_.target.memory_read), name + "_reader",
               connections(reads, {"read_valid", "read_ready", "read_index", "data_valid",
                                   "data_ready", "data"}));
    } else {
      still(reads, name);
    }
    const std::vector<BusSignal> writes = write_channels(bus_bits(memory));
    if (memory.is_written) {
      std::vector<std::string> parameters = engine(memory, design_.target.memory_write);
      parameters.push_back(fmt::format(".LANES({})", memory.lanes));
      std::vector<std::string> list = connections(
          writes, {"write_valid", "write_ready", "write_index", "write_value", "written"});
      list.push_back(memory.lanes > 1 ? fmt::format(".write_enable({}_write_enable)", name)
                                      : ".write_enable(1'b1)");
      instance("axi_write_words", parameters, name + "_writer", list);
    } else {
      still(writes, name);
    }
  }

  void still(const std::vector<BusSignal>& bus, const std::string& name) {
    for (const BusSignal& signal : bus) {
      if (std::string_view(signal.direction) != "output") continue;
      text_.line(fmt::format("assign m_axi_{}_{} = '0;", name, signal.name));
    }
    text_.gap();
  }

  const Design& design_;
  std::vector<ControlArgument> arguments_;
  Text text_;
};

}  // namespace

std::vector<ControlArgument> control_arguments(const Design& design) {
  std::vector<ControlArgument> arguments;
  int offset = kFirstArgument;
  for (const Parameter& parameter : design.kernel->parameters) {
    ControlArgument argument{name_of(parameter), 64, offset, nullptr};
    if (const auto* scalar = std::get_if<ScalarParameter>(&parameter)) {
      argument.bits = 8 * scalar->type.bytes();
    } else {
      argument.memory = &design.memory(argument.name);
    }
    offset += argument.bits > 32 ? 12 : 8;
    arguments.push_back(argument);
  }
  return arguments;
}

std::vector<AxiPort> axi_ports(const Design& design) {
  std::vector<AxiPort> ports;
  const auto add = [&](const std::vector<BusSignal>& signals, const std::string& prefix) {
    for (const BusSignal& signal : signals) {
      ports.push_back({signal.direction, fmt::format("{}_{}", prefix, signal.name), signal.width});
    }
  };
  add(control_channels(), "s_axi_control");
  for (const ControlArgument& argument : control_arguments(design)) {
    if (argument.memory == nullptr) continue;
    add(read_channels(bus_bits(*argument.memory)), "m_axi_" + argument.name);
    add(write_channels(bus_bits(*argument.memory)), "m_axi_" + argument.name);
  }
  return ports;
}

int bus_bits(const Memory& memory) {
  return std::max(32, memory.word_bits());
}

std::string axi_text(const Design& design) {
  if (design.kernel->parameters.empty()) {
    throw UserError(fmt::format("kernel {} has no arguments, so its hardware does nothing",
                                design.kernel->name),
                    "give it an array to write");
  }
  return AxiModule(design).write();
}

}  // namespace heddle::kernel::rtl
