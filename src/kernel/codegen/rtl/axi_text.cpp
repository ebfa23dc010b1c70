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
  std::string name;
  int width;
};

using Channel = std::vector<BusSignal>;

/// `prefix` is "ar" or "aw".
Channel address_channel(const std::string& prefix) {
  return {{"output", prefix + "valid", 1}, {"input", prefix + "ready", 1},
          {"output", prefix + "addr", 64}, {"output", prefix + "len", 8},
          {"output", prefix + "size", 3},  {"output", prefix + "burst", 2}};
}

std::vector<Channel> read_channels(int bus) {
  return {address_channel("ar"),
          {{"input", "rvalid", 1},
           {"output", "rready", 1},
           {"input", "rdata", bus},
           {"input", "rresp", 2},
           {"input", "rlast", 1}}};
}

std::vector<Channel> write_channels(int bus) {
  return {address_channel("aw"),
          {{"output", "wvalid", 1},
           {"input", "wready", 1},
           {"output", "wdata", bus},
           {"output", "wstrb", bus / 8},
           {"output", "wlast", 1}},
          {{"input", "bvalid", 1}, {"output", "bready", 1}, {"input", "bresp", 2}}};
}

std::vector<Channel> control_channels() {
  constexpr int kAddress = kControlAddressBits;
  return {{{"input", "awvalid", 1}, {"output", "awready", 1}, {"input", "awaddr", kAddress}},
          {{"input", "wvalid", 1},
           {"output", "wready", 1},
           {"input", "wdata", 32},
           {"input", "wstrb", 4}},
          {{"output", "bvalid", 1}, {"input", "bready", 1}, {"output", "bresp", 2}},
          {{"input", "arvalid", 1}, {"output", "arready", 1}, {"input", "araddr", kAddress}},
          {{"output", "rvalid", 1},
           {"input", "rready", 1},
           {"output", "rdata", 32},
           {"output", "rresp", 2}}};
}

/// The module's ports, channel by channel.
std::vector<std::vector<AxiPort>> channel_ports(const Design& design) {
  std::vector<std::vector<AxiPort>> ports;
  const auto add = [&](const std::vector<Channel>& channels, const std::string& prefix) {
    for (const Channel& channel : channels) {
      std::vector<AxiPort>& group = ports.emplace_back();
      group.reserve(channel.size());
      for (const BusSignal& signal : channel) {
        group.push_back(
            {signal.direction, fmt::format("{}_{}", prefix, signal.name), signal.width});
      }
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

/// Connections of an instance's channels, "m_axi_..." and the like, with the module's own.
PortGroups connected(const std::vector<Channel>& channels, const std::string& inner,
                     const std::string& outer) {
  PortGroups groups;
  groups.reserve(channels.size());
  for (const Channel& channel : channels) {
    std::vector<std::string>& group = groups.emplace_back();
    group.reserve(channel.size());
    for (const BusSignal& signal : channel) {
      group.push_back(fmt::format(".{0}_{2}({1}_{2})", inner, outer, signal.name));
    }
  }
  return groups;
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
        "module {} (\n{});\n{}endmodule\n",
        name, design_.kernel->summary, core_name(*design_.kernel), name, ports(), text_.lines);
  }

 private:
  [[nodiscard]] std::string ports() const {
    PortGroups groups = {{"input logic ap_clk", "input logic ap_rst_n"}};
    for (const std::vector<AxiPort>& channel : channel_ports(design_)) {
      std::vector<std::string>& group = groups.emplace_back();
      group.reserve(channel.size());
      for (const AxiPort& port : channel) {
        group.push_back(port_text(port.direction, port.width, port.name));
      }
    }
    Text text;
    text.list(groups, ",");
    return text.lines +
           "  /* verilator lint_off SYMRSVDWORD */\n"
           "  output logic interrupt\n"
           "  /* verilator lint_on SYMRSVDWORD */\n";
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
    PortGroups connections = connected(control_channels(), "s_axi", "s_axi_control");
    connections.insert(connections.begin(), {".clk(ap_clk)", ".rst"});
    connections.push_back({".ap_start", ".ap_done(done)", ".ap_ready(done)",
                           ".ap_idle(~ap_start & ~running)", ".interrupt", ".args"});
    text_.instance(
        fmt::format("axi_lite_control #(.ARGS({}), .WIDTHS({{{}}}), .TOTAL({}), "
                    ".ADDR_WIDTH({})) control",
                    arguments_.size(), fmt::join(widths, ", "), total, kControlAddressBits),
        connections);
    text_.gap();
  }

  void core() {
    PortGroups connections = {{".clk(ap_clk)", ".rst", ".start", ".done"}};
    Declarations wires;
    int bit = 0;
    for (const ControlArgument& argument : arguments_) {
      std::vector<std::string>& group = connections.emplace_back();
      if (argument.memory == nullptr) {
        const auto& scalar = std::get<ScalarParameter>(*parameter(argument.name));
        group.push_back(
            fmt::format(".arg_{}(args[{} +: {}])", argument.name, bit, scalar.type.bits()));
      } else {
        text_.line(fmt::format("wire [63:0] {}_base = args[{} +: 64];", argument.name, bit));
        const std::vector<CorePort> ports = core_ports(*argument.memory);
        group.reserve(ports.size());
        for (const CorePort& port : ports) {
          wires.add(wire_type(port.width), fmt::format("{}_{}", argument.name, port.signal));
          group.push_back(fmt::format(".{}_{}", argument.name, port.signal));
        }
      }
      bit += argument.bits;
    }
    text_.lines += wires.lines();
    text_.gap();
    text_.instance(core_name(*design_.kernel) + " core", connections);
    text_.gap();
  }

  const Parameter* parameter(const std::string& name) const {
    const auto& parameters = design_.kernel->parameters;
    return &*std::ranges::find_if(parameters,
                                  [&](const Parameter& p) { return name_of(p) == name; });
  }

  /// What the parameters of both engines share. A burst waits for a quarter of the time that
  /// schedules reckon with, and there may be as many under way as there are accesses.
  static std::string engine(const Memory& memory, int cycles) {
    const int age = std::max(1, cycles / 4);
    return fmt::format(".WORD_WIDTH({}), .DATA_WIDTH({}), .AGE({}), .QUIET({}), .OUTSTANDING({})",
                       memory.word_bits(), bus_bits(memory), age, std::min(4, age),
                       std::max(2, cycles));
  }

  void engines(const Memory& memory) {
    const std::string& name = memory.array.name;
    const auto connections = [&](const std::vector<Channel>& bus,
                                 const std::vector<const char*>& signals) {
      std::vector<std::string> own = {".clk(ap_clk)", ".rst", fmt::format(".base({}_base)", name)};
      own.reserve(own.size() + signals.size());
      for (const char* signal : signals) own.push_back(fmt::format(".{0}({1}_{0})", signal, name));
      PortGroups groups = connected(bus, "m_axi", "m_axi_" + name);
      groups.insert(groups.begin(), std::move(own));
      return groups;
    };
    const std::vector<Channel> reads = read_channels(bus_bits(memory));
    if (memory.is_read) {
      text_.instance(fmt::format("axi_read_words #({}) {}_reader",
                                 engine(memory, design_.target.memory_read), name),
                     connections(reads, {"read_valid", "read_ready", "read_index", "data_valid",
                                         "data_ready", "data"}));
    } else {
      still(reads, name);
    }
    text_.gap();
    const std::vector<Channel> writes = write_channels(bus_bits(memory));
    if (memory.is_written) {
      PortGroups groups = connections(
          writes, {"write_valid", "write_ready", "write_index", "write_value", "written"});
      groups.front().push_back(memory.lanes > 1
                                   ? fmt::format(".write_enable({}_write_enable)", name)
                                   : ".write_enable(1'b1)");
      text_.instance(fmt::format("axi_write_words #({}, .LANES({})) {}_writer",
                                 engine(memory, design_.target.memory_write), memory.lanes, name),
                     groups);
    } else {
      still(writes, name);
    }
    text_.gap();
  }

  void still(const std::vector<Channel>& bus, const std::string& name) {
    std::vector<std::string> driven;
    for (const Channel& channel : bus) {
      for (const BusSignal& signal : channel) {
        if (std::string_view(signal.direction) != "output") continue;
        driven.push_back(fmt::format("m_axi_{}_{}", name, signal.name));
      }
    }
    text_.line(fmt::format("assign {{{}}} = '0;", fmt::join(driven, ", ")));
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
  for (const std::vector<AxiPort>& channel : channel_ports(design)) {
    ports.insert(ports.end(), channel.begin(), channel.end());
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
