#include "kernel/codegen/rtl/emit.h"

#include <fmt/core.h>

#include "base/error.h"
#include "base/json.h"
#include "kernel/codegen/rtl/axi_text.h"
#include "kernel/codegen/rtl/cycles.h"
#include "kernel/codegen/rtl/module_text.h"
#include "kernel/codegen/rtl/packaging.h"
#include "kernel/codegen/rtl/primitives.h"

namespace heddle::kernel {
namespace {

using rtl::Design;
using rtl::Leaf;
using rtl::Memory;

/// Whether a line of the text starts with the module's name, its parameters or instance behind it.
bool instantiates(const std::string& text, const std::string& module) {
  for (std::size_t at = text.find(module); at != std::string::npos;
       at = text.find(module, at + 1)) {
    const std::size_t before = text.find_last_not_of(' ', at - 1);
    const bool is_first = at == 0 || before == std::string::npos || text[before] == '\n';
    const std::size_t behind = text.find(" (", at);
    const std::size_t name_end = at + module.size();
    if (!is_first || behind == std::string::npos || text[name_end] != ' ') continue;
    const std::string instance = text.substr(name_end + 1, behind - name_end - 1);
    if (instance.starts_with("#(") || instance.find(' ') == std::string::npos) return true;
  }
  return false;
}

/// Adds the primitives that a text instantiates, and theirs.
void add_primitives(const std::string& text, std::map<std::string, std::string>& files) {
  for (const auto& [name, primitive] : rtl::primitives()) {
    const std::string file = name + ".sv";
    if (files.contains(file) || !instantiates(text, name)) continue;
    files[file] = primitive;
    add_primitives(primitive, files);
  }
}

Json pipeline(const Leaf& leaf) {
  Json loops = Json::array();
  for (const rtl::Loop& loop : leaf.loops) loops.push_back(loop.name);
  return {{"loops", loops},
          {"interval", leaf.times.interval},
          {"depth", leaf.times.depth},
          {"operations", leaf.graph.nodes().size()}};
}

std::string interface_text(const Design& design) {
  Json arguments = Json::array();
  for (const Parameter& parameter : design.kernel->parameters) {
    if (const auto* scalar = std::get_if<ScalarParameter>(&parameter)) {
      arguments.push_back({{"name", scalar->name}, {"type", to_string(scalar->type)}});
      continue;
    }
    const Memory& memory = design.memory(name_of(parameter));
    Json shape = Json::array();
    for (const Expr& extent : memory.array.shape) shape.push_back(to_string(extent));
    arguments.push_back({{"name", memory.array.name},
                         {"element", to_string(memory.array.element)},
                         {"bytes", memory.array.element.bytes()},
                         {"lanes", memory.lanes},
                         {"shape", shape},
                         {"read", memory.is_read},
                         {"written", memory.is_written}});
  }
  Json pipelines = Json::array();
  rtl::for_each_leaf(design.top, [&](const Leaf& leaf) { pipelines.push_back(pipeline(leaf)); });
  const Json json = {{"kernel", design.kernel->name},
                     {"module", rtl::core_name(*design.kernel)},
                     {"clock_mhz", design.target.clock_mhz},
                     {"memory_read_cycles", design.target.memory_read},
                     {"memory_write_cycles", design.target.memory_write},
                     {"arguments", arguments},
                     {"pipelines", pipelines},
                     {"cycles", rtl::cycle_formula(design)}};
  return json.dump(2) + '\n';
}

}  // namespace

std::map<std::string, std::string> core_sources(const Design& design) {
  const std::map<std::string, std::string> core = rtl::core_files(design);
  std::map<std::string, std::string> files = core;
  for (const auto& [file, text] : core) add_primitives(text, files);
  return files;
}

std::map<std::string, std::string> axi_sources(const Design& design) {
  const std::string& name = design.kernel->name;
  if (rtl::primitives().contains(name)) {
    throw UserError(fmt::format("{} is the name of a hardware module that kernels use", name),
                    "give the kernel another name");
  }
  const std::string axi = rtl::axi_text(design);
  std::map<std::string, std::string> files = core_sources(design);
  files[name + ".sv"] = axi;
  add_primitives(axi, files);
  return files;
}

std::map<std::string, std::string> rtl_files(const Design& design) {
  std::map<std::string, std::string> files = axi_sources(design);
  files[rtl::core_name(*design.kernel) + ".json"] = interface_text(design);
  files["kernel.xml"] = rtl::kernel_xml(design);
  files["package.tcl"] = rtl::package_tcl(design);
  return files;
}

void require_intervals(const Design& design) {
  if (design.misses.empty()) return;
  const rtl::Miss& miss = design.misses.front();
  throw UserError(fmt::format("kernel {}: loop {} is asked to start an iteration every {} cycle{}, "
                              "and can every {}: {}",
                              design.kernel->name, miss.loop, miss.asked,
                              miss.asked == 1 ? "" : "s", miss.reached, miss.reason),
                  fmt::format("{}, or: pipeline {} {}", miss.remedy, miss.loop, miss.reached));
}

}  // namespace heddle::kernel
