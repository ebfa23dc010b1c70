#include "kernel/codegen/rtl/module_text.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.h"
#include "kernel/codegen/rtl/arithmetic.h"
#include "kernel/codegen/rtl/core_ports.h"
#include "kernel/codegen/rtl/cycles.h"
#include "kernel/codegen/rtl/pipeline_text.h"
#include "kernel/scalar.h"

namespace heddle::kernel::rtl {
namespace {

class Module {
 public:
  explicit Module(const Design& design) : design_(design) {}

  std::string write() {
    const std::string done = region(design_.top, "start");
    control_.line(fmt::format("assign done = ce & ({});", done));
    for (const Memory& memory : design_.memories) memory_text(memory);
    Text stall;
    stall.line("// One clock enable: everything waits while something cannot go on.");
    stall.line(fmt::format("wire ce = ~({});", joined(stalls_, " | ", "1'b0")));
    stall.gap();
    const Kernel& kernel = *design_.kernel;
    return fmt::format(
        "// {}: {}\n// Cycles from start to done: {}\n"
        "/* verilator lint_off UNUSEDSIGNAL */  // Results have more bits than are kept.\n"
        "{}\n{}{}{}{}endmodule\n",
        core_name(kernel), kernel.summary, cycle_formula(design_), ports(), declarations_.lines,
        stall.lines, control_.lines, memories_.lines);
  }

 private:
  // Ports.

  std::string ports() {
    std::vector<std::string> list = {"input logic clk", "input logic rst", "input logic start",
                                     "output logic done"};
    for (const Parameter& parameter : design_.kernel->parameters) {
      if (const auto* scalar = std::get_if<ScalarParameter>(&parameter)) {
        const std::string type = vector_type(scalar->type.bits(), is_signed(scalar->type));
        list.push_back(fmt::format("input {} arg_{}", type, scalar->name));
      }
    }
    for (const Memory& memory : design_.memories) {
      if (memory.kind != Memory::Kind::kGlobal) continue;
      for (const CorePort& port : core_ports(memory)) {
        const std::string type = port.width == 1 ? "logic" : vector_type(port.width, false);
        list.push_back(
            fmt::format("{} {} {}_{}", port.direction, type, memory.array.name, port.signal));
      }
    }
    return fmt::format("module {} (\n  {}\n);", core_name(*design_.kernel),
                       fmt::join(list, ",\n  "));
  }

  // Control. Each writes a region that `go` starts, and returns when it is done.

  std::string region(const RegionPtr& node, const std::string& go) {
    return std::visit([&](const auto& value) { return text(value, go); }, node->value);
  }

  std::string text(const Leaf& leaf, const std::string& go) {
    PipelineText pipeline(leaf, design_);
    control_.lines += pipeline.write(go);
    sites_.insert(sites_.end(), pipeline.sites().begin(), pipeline.sites().end());
    return fmt::format("l{}_done", leaf.number);
  }

  std::string text(const Sequence& sequence, const std::string& go) {
    std::string token = go;
    for (const RegionPtr& part : sequence.parts) token = region(part, token);
    return token;
  }

  std::string text(const Repeat& repeat, const std::string& go) {
    const Loop& loop = repeat.loop;
    const std::string name = "loop_" + loop.name;
    const int width = counter_width(loop);
    const int bits = bits_for(loop.lowest, loop.highest);
    const bool is_signed = loop.lowest < 0;
    declarations_.line(fmt::format("{} {}_count;", vector_type(width, is_signed), name));
    declarations_.line(fmt::format("wire {}[{}:0] {} = {};", is_signed ? "signed " : "", bits - 1,
                                   name, resized(name + "_count", width, bits)));
    declarations_.line(fmt::format("logic {}_check;", name));
    declarations_.line(fmt::format("wire {}_again;", name));
    control_.line(fmt::format("// for {} in {}..{}", loop.name, to_string(loop.lower.value),
                              to_string(loop.upper.value)));
    control_.line(fmt::format("wire {}_go = {};", name, go));
    const int wide = std::max(width, loop.upper.register_name.empty() ? 1 : 64) + 1;
    const std::string upper = bound_text(loop.upper, wide);
    control_.line(fmt::format("wire {0}_more = $signed({1}) < $signed({2});", name,
                              resized(name + "_count", width, wide), upper));
    const std::string done = region(repeat.body, fmt::format("({0}_check & {0}_more)", name));
    control_.line(fmt::format("assign {}_again = {};", name, done));
    control_.line("always_ff @(posedge clk)");
    control_.line(fmt::format("  if (rst) {}_check <= 1'b0;", name));
    control_.line(fmt::format("  else if (ce) {0}_check <= {0}_go | {0}_again;", name));
    control_.line("always_ff @(posedge clk) if (ce) begin");
    control_.line(
        fmt::format("  if ({0}_go) {0}_count <= {1};", name, bound_text(loop.lower, width)));
    control_.line(fmt::format("  else if ({0}_again) {0}_count <= {0}_count + {1};", name,
                              literal(1, width)));
    control_.line("end");
    control_.gap();
    return fmt::format("({0}_check & ~{0}_more)", name);
  }

  std::string text(const Choice& choice, const std::string& go) {
    const std::string name = fmt::format("choice{}", choices_++);
    control_.line(fmt::format("// if {}", to_string(choice.condition)));
    control_.line(fmt::format("wire {}_go = {};", name, go));
    const std::string holds = choice.register_name.empty()
                                  ? literal(choice.condition.as<Constant>()->raw, 1)
                                  : "reg_" + choice.register_name;
    const std::string then = region(choice.then, fmt::format("({}_go & {})", name, holds));
    const std::string other = fmt::format("({}_go & ~{})", name, holds);
    const std::string otherwise = choice.otherwise ? region(choice.otherwise, other) : other;
    return fmt::format("({} | {})", then, otherwise);
  }

  std::string text(const Flush& flush, const std::string& go) {
    const std::string name = fmt::format("flush{}", flushes_++);
    const int cycles = design_.target.memory_write;
    control_.line(fmt::format("// Writes of {} arrive.", fmt::join(flush.arrays, ", ")));
    control_.shift_register(name, cycles, go);
    control_.gap();
    for (const std::string& array : flush.arrays) {
      declare_once(fmt::format("wire {}_waits;", name));
      stalls_.push_back(fmt::format("({}_waits & ({}_pending != 32'd0))", name, array));
    }
    control_.line(fmt::format("assign {0}_waits = {0}[{1}];", name, cycles));
    return fmt::format("{}[{}]", name, cycles);
  }

  void declare_once(const std::string& line) {
    if (declarations_.lines.find(line) == std::string::npos) declarations_.line(line);
  }

  // Memories.

  void memory_text(const Memory& memory) {
    std::vector<const Site*> reads;
    std::vector<const Site*> writes;
    for (const Site& site : sites_) {
      if (site.array == memory.array.name) (site.is_write ? writes : reads).push_back(&site);
    }
    switch (memory.kind) {
      case Memory::Kind::kRegisters:
        return registers(memory, writes);
      case Memory::Kind::kRom:
        return rom(memory);
      case Memory::Kind::kRam:
        return ram(memory, reads, writes);
      case Memory::Kind::kGlobal:
        if (memory.is_read) global_reads(memory, reads);
        if (memory.is_written) global_writes(memory, writes);
    }
  }

  void registers(const Memory& memory, const std::vector<const Site*>& writes) {
    const Type& element = memory.array.element;
    const std::string name = "reg_" + memory.array.name;
    const int width = element.bits();
    const bool is_number = is_signed(element) && memory.elements == 1;
    declarations_.line(fmt::format(
        "{} {};", vector_type(static_cast<int>(memory.elements) * width, is_number), name));
    if (writes.empty()) return memories_.line(fmt::format("assign {} = '0;", name));
    memories_.line("always_ff @(posedge clk) if (ce) begin");
    for (const Site* site : writes) {
      const std::string place =
          memory.elements == 1
              ? name
              : fmt::format("{}[{} * {} +: {}]", name, resized(site->index, site->index_width, 32),
                            width, width);
      memories_.line(fmt::format("  if ({}) {} <= {};", site->wanted, place, site->data));
    }
    memories_.line("end");
  }

  void rom(const Memory& memory) {
    const int width = memory.array.element.bits();
    std::vector<std::string> elements;
    for (auto element = memory.array.table.rbegin(); element != memory.array.table.rend();
         ++element) {
      elements.push_back(literal(element->as<Constant>()->raw, width));
    }
    declarations_.line(fmt::format("localparam [{}:0] rom_{} = {{{}}};",
                                   memory.elements * width - 1, memory.array.name,
                                   fmt::join(elements, ", ")));
  }

  /// The wanted site's signal; with one site, that.
  static std::string chosen(const std::vector<const Site*>& sites, int width, bool is_index) {
    std::vector<std::string> terms;
    for (const Site* site : sites) {
      const std::string value =
          is_index ? resized(site->index, site->index_width, width) : site->data;
      if (sites.size() == 1) return value;
      terms.push_back(fmt::format("({{{}{{{}}}}} & {})", width, site->wanted, value));
    }
    return joined(terms, "|", literal(0, width));
  }

  static std::string any(const std::vector<const Site*>& sites,
                         std::string Site::* signal = &Site::wanted) {
    std::vector<std::string> terms;
    terms.reserve(sites.size());
    for (const Site* site : sites) terms.push_back(fmt::format("({})", site->*signal));
    return joined(terms, "|", "1'b0");
  }

  void ram(const Memory& memory, const std::vector<const Site*>& reads,
           const std::vector<const Site*>& writes) {
    const std::string name = "ram_" + memory.array.name;
    const int width = memory.array.element.bits();
    const int address = bits_for(0, std::max<std::int64_t>(memory.elements - 1, 1));
    declarations_.line(fmt::format("wire [{}:0] {}_rdata;", width - 1, name));
    const std::string style = memory.array.storage == Storage::kUram     ? "ultra"
                              : memory.array.storage == Storage::kLutram ? "distributed"
                                                                         : "block";
    memories_.line(
        fmt::format("ram_sdp #(.WIDTH({}), .DEPTH({}), .STYLE(\"{}\"), .LATENCY(1)) {} (", width,
                    memory.elements, style, name));
    memories_.line(fmt::format("  .clk, .ce, .we({}), .waddr({}), .wdata({}),", any(writes),
                               chosen(writes, address, true), chosen(writes, width, false)));
    memories_.line(fmt::format("  .re({}), .raddr({}), .rdata({}_rdata));", any(reads),
                               chosen(reads, address, true), name));
  }

  void global_reads(const Memory& memory, const std::vector<const Site*>& sites) {
    const std::string& name = memory.array.name;
    std::vector<const Site*> waiting;
    std::ranges::copy_if(sites, std::back_inserter(waiting), &Site::waits);
    for (const char* signal : {"read_wanted", "data_wanted"}) {
      declarations_.line(fmt::format("wire {}_{};", name, signal));
    }
    memories_.line(fmt::format("assign {}_read_wanted = {};", name, any(sites)));
    memories_.line(fmt::format("assign {0}_read_valid = ce & {0}_read_wanted;", name));
    memories_.line(fmt::format("assign {}_read_index = {};", name, chosen(sites, 64, true)));
    memories_.line(
        fmt::format("assign {}_data_wanted = {};", name, any(sites, &Site::data_wanted)));
    memories_.line(fmt::format("assign {0}_data_ready = ce & {0}_data_wanted;", name));
    stalls_.push_back(fmt::format("({0}_read_wanted & ~{0}_read_ready)", name));
    stalls_.push_back(fmt::format("({0}_data_wanted & ~{0}_data_valid)", name));
    if (!waiting.empty()) {
      declarations_.line(fmt::format("wire {}_read_waits;", name));
      memories_.line(fmt::format("assign {}_read_waits = {};", name, any(waiting)));
      stalls_.push_back(fmt::format("({0}_read_waits & ({0}_pending != 32'd0))", name));
    }
  }

  void global_writes(const Memory& memory, const std::vector<const Site*>& sites) {
    const std::string& name = memory.array.name;
    const int bits = 8 * memory.array.element.bytes();
    declarations_.line(fmt::format("wire {}_write_wanted;", name));
    declarations_.line(fmt::format("logic [31:0] {}_pending;", name));
    memories_.line(fmt::format("assign {}_write_wanted = {};", name, any(sites)));
    memories_.line(fmt::format("assign {0}_write_valid = ce & {0}_write_wanted;", name));
    memories_.line(fmt::format("assign {}_write_index = {};", name, chosen(sites, 64, true)));
    memories_.line(fmt::format("assign {}_write_value = {};", name, chosen(sites, bits, false)));
    memories_.line("always_ff @(posedge clk)");
    memories_.line(fmt::format("  if (rst) {}_pending <= 32'd0;", name));
    memories_.line(fmt::format(
        "  else {0}_pending <= {0}_pending + 32'({0}_write_valid) - 32'({0}_written);", name));
    stalls_.push_back(fmt::format("({0}_write_wanted & ~{0}_write_ready)", name));
  }

  const Design& design_;
  Text declarations_;
  Text control_;
  Text memories_;
  std::vector<Site> sites_;
  std::vector<std::string> stalls_;
  int choices_ = 0;
  int flushes_ = 0;
};

}  // namespace

std::string core_name(const Kernel& kernel) {
  return kernel.name + "_core";
}

std::string core_text(const Design& design) {
  return Module(design).write();
}

}  // namespace heddle::kernel::rtl
