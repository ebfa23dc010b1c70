#include "kernel/sim/simulation.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.h"
#include "kernel/codegen/rtl/core_ports.h"
#include "kernel/codegen/rtl/cycles.h"
#include "kernel/codegen/rtl/emit.h"
#include "kernel/codegen/rtl/module_text.h"
#include "kernel/scalar.h"
#include "kernel/sim/harness.h"
#include "kernel/sim/launch.h"
#include "kernel/sim/model.h"

namespace heddle::kernel {
namespace {

/// Where a kernel's scalars and arrays are among those of all.
struct Place {
  std::uint32_t scalar = 0;
  std::uint32_t channel = 0;
};

std::size_t count_of(const Kernel& kernel, bool arrays) {
  return static_cast<std::size_t>(
      std::ranges::count_if(kernel.parameters, [&](const Parameter& parameter) {
        return std::holds_alternative<ArrayParameter>(parameter) == arrays;
      }));
}

std::vector<Place> places_of(const std::vector<rtl::Design>& designs) {
  std::vector<Place> places;
  Place next;
  for (const rtl::Design& design : designs) {
    places.push_back(next);
    next.scalar += static_cast<std::uint32_t>(count_of(*design.kernel, false));
    next.channel += static_cast<std::uint32_t>(count_of(*design.kernel, true));
  }
  places.push_back(next);
  return places;
}

/// The kernel under a name that no other one of the model has.
KernelPtr numbered(const KernelPtr& kernel, std::size_t number) {
  Kernel named = *kernel;
  named.name = fmt::format("{}_{}", kernel->name, number);
  return std::make_shared<const Kernel>(std::move(named));
}

/// The name of a port of heddle_top.
std::string top_port(std::uint32_t channel, const rtl::CorePort& port) {
  return fmt::format("c{}_{}", channel, port.signal);
}

/// Calls `visit` with the channel and the memory of each array of a design.
template <typename Visit>
void for_arrays(const rtl::Design& design, Place place, const Visit& visit) {
  for (const Parameter& parameter : design.kernel->parameters) {
    if (!std::holds_alternative<ArrayParameter>(parameter)) continue;
    visit(place.channel++, design.memory(name_of(parameter)));
  }
}

std::string core_instance(const rtl::Design& design, std::size_t number, Place place) {
  std::vector<std::string> ports = {".clk", ".rst", fmt::format(".start(start[{}])", number),
                                    fmt::format(".done(done[{}])", number)};
  std::uint32_t next = place.scalar;
  for (const Parameter& parameter : design.kernel->parameters) {
    const auto* scalar = std::get_if<ScalarParameter>(&parameter);
    if (scalar == nullptr) continue;
    ports.push_back(
        fmt::format(".arg_{}(scalars[{} +: {}])", scalar->name, 64 * next++, scalar->type.bits()));
  }
  for_arrays(design, place, [&](std::uint32_t channel, const rtl::Memory& memory) {
    for (const rtl::CorePort& port : rtl::core_ports(memory)) {
      ports.push_back(
          fmt::format(".{}_{}({})", memory.array.name, port.signal, top_port(channel, port)));
    }
  });
  return fmt::format("  {} core_{} (\n    {});\n", rtl::core_name(*design.kernel), number,
                     fmt::join(ports, ",\n    "));
}

/// All cores side by side. Vectors have at least three words, so that the model has them as arrays.
std::string top_text(const std::vector<rtl::Design>& designs) {
  const std::vector<Place> places = places_of(designs);
  const std::size_t kernels = std::max<std::size_t>(designs.size(), 65);
  const std::size_t scalars = std::max<std::size_t>(places.back().scalar, 2);
  std::vector<std::string> ports = {"input logic clk",
                                    "input logic rst",
                                    fmt::format("input logic [{}:0] start", kernels - 1),
                                    fmt::format("output logic [{}:0] done", kernels - 1),
                                    fmt::format("output logic [{}:0] ce", kernels - 1),
                                    fmt::format("input logic [{}:0] scalars", 64 * scalars - 1)};
  std::string cores;
  for (std::size_t i = 0; i < designs.size(); ++i) {
    for_arrays(designs[i], places[i], [&](std::uint32_t channel, const rtl::Memory& memory) {
      for (const rtl::CorePort& port : rtl::core_ports(memory)) {
        ports.push_back(fmt::format("{} logic [{}:0] {}", port.direction, port.width - 1,
                                    top_port(channel, port)));
      }
    });
    cores += core_instance(designs[i], i, places[i]);
    cores += fmt::format("  assign ce[{0}] = core_{0}.ce;\n", i);
  }
  return fmt::format("module heddle_top (\n  {}\n);\n{}endmodule\n", fmt::join(ports, ",\n  "),
                     cores);
}

/// C++ that finds the ports of each array in the model.
std::string pins_text(const std::vector<rtl::Design>& designs) {
  const std::vector<Place> places = places_of(designs);
  std::string text =
      "#include <vector>\n"
      "static std::vector<heddle::kernel::sim::Pins> heddle_pins(Vheddle& top) {\n"
      "  const auto at = [](auto& port) { return reinterpret_cast<std::uint8_t*>(&port); };\n"
      "  std::vector<heddle::kernel::sim::Pins> pins;\n";
  for (std::size_t i = 0; i < designs.size(); ++i) {
    for_arrays(designs[i], places[i], [&](std::uint32_t channel, const rtl::Memory& memory) {
      text += "  pins.emplace_back();\n";
      for (const rtl::CorePort& port : rtl::core_ports(memory)) {
        text +=
            fmt::format("  pins.back().{} = at(top.{});\n", port.signal, top_port(channel, port));
      }
    });
  }
  return text + "  return pins;\n}\n";
}

std::vector<rtl::Design> designs_of(const std::vector<KernelPtr>& kernels,
                                    const rtl::Target& target) {
  std::vector<rtl::Design> designs;
  designs.reserve(kernels.size());
  for (const KernelPtr& kernel : kernels) {
    designs.push_back(rtl::make_design(numbered(kernel, designs.size()), target));
  }
  return designs;
}

SharedObject compiled(const std::vector<rtl::Design>& designs, const SimulationOptions& options) {
  std::map<std::string, std::string> files;
  for (const rtl::Design& design : designs) {
    for (const auto& [name, text] : core_sources(design)) files[name] = text;
  }
  if (options.edit) options.edit(files);
  files["heddle_top.sv"] = top_text(designs);
  return sim::build_model(std::move(files), pins_text(designs) + std::string(sim::kHarness),
                          options);
}

}  // namespace

Simulation::Simulation(const std::vector<KernelPtr>& kernels, SimulationOptions options)
    : options_(std::move(options)),
      designs_(designs_of(kernels, options_.target)),
      kernels_(kernels),
      object_(compiled(designs_, options_)) {}

SimulationReport Simulation::run(std::span<const Argument> arguments, std::size_t kernel,
                                 const MemoryModel& memory) const {
  const Kernel& launched = *kernels_.at(kernel);
  check_arguments(launched, arguments);
  std::vector<std::uint64_t> scalars;
  std::vector<sim::Channel> channels;
  std::map<std::string, Scalar> values;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (Buffer* const* buffer = std::get_if<Buffer*>(&arguments[i])) {
      const rtl::Memory& array = designs_[kernel].memory(name_of(launched.parameters[i]));
      channels.push_back({reinterpret_cast<std::uint8_t*>((*buffer)->data()),
                          static_cast<std::uint64_t>((*buffer)->size()),
                          static_cast<std::uint32_t>((*buffer)->element().bytes()),
                          static_cast<std::uint32_t>(array.lanes)});
    } else {
      const auto& scalar = std::get<Scalar>(arguments[i]);
      values[name_of(launched.parameters[i])] = scalar;
      scalars.push_back(static_cast<std::uint64_t>(reinterpret(scalar, uint_type(64)).raw));
    }
  }
  const Place place = places_of(designs_)[kernel];
  const rtl::Target& target = options_.target;
  const auto cycles_of = [](int given, int reckoned) {
    return static_cast<std::uint32_t>(given > 0 ? given : reckoned);
  };
  const std::string trace = options_.trace.string();
  sim::Launch launch;
  launch.kernel = static_cast<std::uint32_t>(kernel);
  launch.first_scalar = place.scalar;
  launch.scalars = static_cast<std::uint32_t>(scalars.size());
  launch.first_channel = place.channel;
  launch.channels = static_cast<std::uint32_t>(channels.size());
  launch.scalar = scalars.data();
  launch.channel = channels.data();
  launch.read_cycles = cycles_of(memory.read_cycles, target.memory_read);
  launch.write_cycles = cycles_of(memory.write_cycles, target.memory_write);
  launch.stalls = static_cast<std::uint32_t>(memory.stalls);
  launch.seed = memory.seed;
  launch.limit = memory.cycle_limit;
  launch.trace = trace.empty() ? nullptr : trace.c_str();
  const auto run_model = reinterpret_cast<sim::RunModel>(object_.symbol("heddle_run_model"));
  const sim::End end = run_model(&launch);
  ensure(end != sim::End::kLimit, "{} did not end within {} cycles", launched.name, launch.limit);
  ensure(end != sim::End::kOutside, "{} accessed element {} of its array number {}", launched.name,
         launch.wrong_index, launch.wrong_channel);
  ensure(end != sim::End::kUnfinished, "{} was done before its accesses were", launched.name);
  ensure(end != sim::End::kEmptyWrite, "{} wrote a word of no element", launched.name);
  ensure(end != sim::End::kNotIdle, "{} did something before its start or after it was done",
         launched.name);
  SimulationReport report;
  report.cycles = launch.cycles;
  report.formula = rtl::count_cycles(designs_[kernel], values);
  report.stalled = launch.stalled;
  const bool is_slow = launch.stalls > 0 ||
                       launch.read_cycles > static_cast<std::uint32_t>(target.memory_read) ||
                       launch.write_cycles > static_cast<std::uint32_t>(target.memory_write);
  if (report.formula && !(is_slow && designs_[kernel].has_processes)) {
    report.expected = static_cast<std::uint64_t>(*report.formula) + (is_slow ? launch.stalled : 0);
  }
  report.read_elements = launch.read_elements;
  report.written_elements = launch.written_elements;
  return report;
}

}  // namespace heddle::kernel
