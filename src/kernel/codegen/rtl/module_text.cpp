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

enum class NodeSide : std::uint8_t { kPut, kGet };

class Module {
 public:
  /// A process of the kernel; "" for what stands outside of all.
  Module(const Design& design, std::string process)
      : design_(design), process_(std::move(process)) {}

  /// The module's text; those of the processes that it starts are added to `files`.
  std::string write(const RegionPtr& body, std::map<std::string, std::string>& files) {
    control_.comment("Whoever starts does so for one cycle: the token stays until it can go.");
    control_.line("logic is_held;");
    control_.line("wire begins = start | is_held;");
    control_.clocked("if (rst) is_held <= 1'b0; else is_held <= begins & ~ce;");
    control_.gap();
    const std::string done = region(body, "begins");
    control_.line(fmt::format("assign done = ce & ({});", done));
    for (const Memory& memory : design_.memories) memory_text(memory);
    Text stall;
    stall.comment("One clock enable: everything waits while something cannot go on.");
    stall.line(fmt::format("wire ce = ~({});", joined(stalls_, "|", "1'b0")));
    stall.gap();
    const Kernel& kernel = *design_.kernel;
    const std::string head = process_.empty()
                                 ? fmt::format("// {}: {}\n// Cycles from start to done: {}\n",
                                               name(), kernel.summary, cycle_formula(design_))
                                 : fmt::format("// Process {} of {}.\n", process_, kernel.name);
    for (const Fork::Process& inner : processes_) {
      Module module(design_, inner.name);
      module.outer_ = outer_;
      module.outer_.insert(around_.begin(), around_.end());
      files[module.name() + ".sv"] = module.write(inner.region, files);
    }
    return fmt::format(
        "{}/* verilator lint_off UNUSEDSIGNAL */  // Results have more bits than are kept.\n"
        "/* verilator lint_off PINCONNECTEMPTY */  // How full queues are.\n"
        "{}{}{}{}{}{}endmodule\n",
        head, ports(), declarations_.lines(), tables_.lines, stall.lines, control_.lines,
        memories_.lines);
  }

  [[nodiscard]] std::string name() const {
    return core_name(*design_.kernel) + (process_.empty() ? "" : "_" + process_);
  }

 private:
  // Ports.

  /// Whether this module has the ports of an argument.
  [[nodiscard]] bool has(const Memory& memory) const {
    return memory.kind == Memory::Kind::kGlobal &&
           (process_.empty() || memory.users.contains(process_));
  }

  /// What a process has of a stream: the side that it uses.
  std::vector<CorePort> stream_ports(const Memory& memory) const {
    const std::set<NodeSide> sides = sides_of(memory.array.name);
    const auto units = static_cast<int>(memory.units());
    const auto bits = static_cast<int>(memory.banks.count) * memory.array.element.bits();
    std::vector<CorePort> list;
    if (sides.contains(NodeSide::kPut)) {
      list.insert(list.end(),
                  {{"output", "put", units}, {"input", "room", units}, {"output", "value", bits}});
    }
    if (sides.contains(NodeSide::kGet)) {
      list.insert(list.end(),
                  {{"output", "get", units}, {"input", "some", units}, {"input", "front", bits}});
    }
    return list;
  }

  std::string ports() {
    PortGroups list = {
        {"input logic clk", "input logic rst", "input logic start", "output logic done"}};
    list.reserve(1 + design_.kernel->parameters.size() + outer_.size() + design_.memories.size());
    for (const Parameter& parameter : design_.kernel->parameters) {
      if (const auto* scalar = std::get_if<ScalarParameter>(&parameter)) {
        const std::string type = vector_type(scalar->type.bits(), is_signed(scalar->type));
        list.push_back({fmt::format("input {} arg_{}", type, scalar->name)});
      }
    }
    if (!process_.empty()) {
      for (const auto& [name, type] : outer_) {
        list.push_back({fmt::format("input {} {}", type, name)});
      }
    }
    for (const Memory& memory : design_.memories) {
      std::vector<CorePort> own;
      if (has(memory)) own = core_ports(memory);
      if (memory.kind == Memory::Kind::kStream && !process_.empty()) own = stream_ports(memory);
      if (own.empty()) continue;
      std::vector<std::string>& group = list.emplace_back();
      group.reserve(own.size());
      for (const CorePort& port : own) {
        group.push_back(
            port_text(port.direction, port.width, memory.array.name + "_" + port.signal));
      }
    }
    Text text;
    text.list(list, "");
    return fmt::format("module {} (\n{});\n", name(), text.lines);
  }

  /// The sides of a stream that this module's leaves use.
  [[nodiscard]] std::set<NodeSide> sides_of(const std::string& stream) const {
    std::set<NodeSide> sides;
    for (const Site& site : sites_) {
      if (site.array == stream) sides.insert(site.is_write ? NodeSide::kPut : NodeSide::kGet);
    }
    return sides;
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
    declarations_.add(vector_type(width, is_signed), name + "_count");
    declarations_.add("logic", name + "_check");
    declarations_.add("wire", name + "_again");
    control_.comment(fmt::format("for {} in {}..{}", loop.name, to_string(loop.lower.value),
                                 to_string(loop.upper.value)));
    control_.line(fmt::format("wire {} {} = {};", vector_range(bits, is_signed), name,
                              resized(name + "_count", width, bits)));
    control_.line(fmt::format("wire {}_go = {};", name, go));
    const int wide = std::max(width, loop.upper.register_name.empty() ? 1 : 64) + 1;
    const std::string upper = bound_text(loop.upper, wide);
    control_.line(fmt::format("wire {0}_more = $signed({1}) < $signed({2});", name,
                              resized(name + "_count", width, wide), upper));
    around_[name] = vector_type(bits, is_signed);
    const std::string done = region(repeat.body, fmt::format("({0}_check & {0}_more)", name));
    control_.line(fmt::format("assign {}_again = {};", name, done));
    control_.step(name + "_check", fmt::format("{0}_go | {0}_again", name));
    control_.enabled(
        {fmt::format("if ({0}_go | {0}_again) {0}_count <= {0}_go ? {1} : {0}_count + {2};", name,
                     bound_text(loop.lower, width), literal(1, width))});
    control_.gap();
    return fmt::format("({0}_check & ~{0}_more)", name);
  }

  std::string text(const Choice& choice, const std::string& go) {
    const std::string name = fmt::format("choice{}", choices_++);
    control_.comment(fmt::format("if {}", to_string(choice.condition)));
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
    control_.comment(fmt::format("Writes of {} arrive.", fmt::join(flush.arrays, ", ")));
    control_.shift_register(name, cycles, go);
    control_.gap();
    declarations_.add("wire", name + "_waits");
    for (const std::string& array : flush.arrays) {
      stalls_.push_back(fmt::format("({}_waits & ({}_pending != 32'd0))", name, array));
    }
    control_.line(fmt::format("assign {0}_waits = {0}[{1}];", name, cycles));
    return fmt::format("{}[{}]", name, cycles);
  }

  std::string text(const Fork& fork, const std::string& go) {
    const std::string own = fmt::format("fork{}", forks_++);
    const std::size_t count = fork.processes.size();
    control_.line(fmt::format("wire {0}_go = ce & ({1});", own, go));
    control_.line(fmt::format("wire [{}:0] {}_done;", count - 1, own));
    control_.line(fmt::format("logic [{}:0] {}_ended;", count - 1, own));
    control_.clocked(fmt::format(
        "if (rst | (ce & (&{0}_ended))) {0}_ended <= '0; else {0}_ended <= {0}_ended | {0}_done;",
        own));
    for (std::size_t i = 0; i < count; ++i) {
      const Module module(design_, fork.processes[i].name);
      processes_.push_back(fork.processes[i]);
      control_.line(fmt::format("{0} {1} (.start({2}_go), .done({2}_done[{3}]), .*);",
                                module.name(), "process_" + fork.processes[i].name, own, i));
    }
    control_.gap();
    return fmt::format("(&{}_ended)", own);
  }

  // Memories.

  void memory_text(const Memory& memory) {
    std::vector<const Site*> reads;
    std::vector<const Site*> writes;
    for (const Site& site : sites_) {
      if (site.array == memory.array.name) (site.is_write ? writes : reads).push_back(&site);
    }
    const bool is_here = memory.users.contains(process_);
    switch (memory.kind) {
      case Memory::Kind::kRegisters:
        if (is_here) registers(memory, writes);
        return;
      case Memory::Kind::kRom:
        if (is_here) rom(memory);
        return;
      case Memory::Kind::kRam:
        if (is_here) ram(memory, reads, writes);
        return;
      case Memory::Kind::kGlobal:
        if (is_here && memory.is_read) global_reads(memory, reads);
        if (is_here && memory.is_written) global_writes(memory, writes);
        return;
      case Memory::Kind::kStream:
        if (process_.empty()) return fifos(memory);
        if (!writes.empty()) puts(memory, writes);
        if (!reads.empty()) gets(memory, reads);
    }
  }

  void registers(const Memory& memory, const std::vector<const Site*>& writes) {
    const Type& element = memory.array.element;
    const std::string name = "reg_" + memory.array.name;
    const int width = element.bits();
    const bool is_number = is_signed(element) && memory.banks.count == 1;
    declarations_.add(vector_type(static_cast<int>(memory.banks.count) * width, is_number), name);
    if (writes.empty()) return memories_.line(fmt::format("assign {} = '0;", name));
    const bool is_whole =
        std::ranges::all_of(writes, [](const Site* site) { return site->at.empty(); });
    const std::string bank = is_whole ? "" : fmt::format("[b * {0} +: {0}]", width);
    std::vector<std::string> statements;
    statements.reserve(writes.size());
    for (const Site* site : writes) {
      statements.push_back(fmt::format("if ({0}) {1}{3} <= {2}{3};",
                                       site->at.empty() ? site->wanted : site->at + "[b]", name,
                                       site->data, bank));
    }
    if (is_whole) return memories_.enabled(statements);
    memories_.open("b", memory.banks.count, name + "_bank");
    memories_.enabled(statements);
    memories_.close();
  }

  void rom(const Memory& memory) {
    const int width = memory.array.element.bits();
    std::vector<std::string> elements;
    for (auto element = memory.array.table.rbegin(); element != memory.array.table.rend();
         ++element) {
      elements.push_back(literal(raw_of(*element->as<Constant>(), element->type()), width));
    }
    tables_.line(fmt::format("localparam [{}:0] rom_{} = {{{}}};", memory.banks.depth * width - 1,
                             memory.array.name, fmt::join(elements, ", ")));
  }

  /// Of an access, what concerns one unit: expressions over `unit`, which may be a genvar.
  struct Part {
    std::string enable;
    std::string address;
    std::string data;
  };
  static Part part_of(const Site& site, const std::string& unit, bool is_one, int address_width,
                      std::int64_t bits) {
    Part part;
    part.enable = site.at.empty() ? "(" + site.wanted + ")" : fmt::format("{}[{}]", site.at, unit);
    part.address = site.has_addresses ? fmt::format("{}[{} * {} +: {}]", site.address, unit,
                                                    site.address_width, site.address_width)
                                      : site.address;
    part.address = resized(part.address, site.address_width, address_width);
    part.data = is_one ? site.data : fmt::format("{}[{} * {} +: {}]", site.data, unit, bits, bits);
    return part;
  }
  static std::vector<Part> parts_of(const std::vector<const Site*>& sites, const std::string& unit,
                                    bool is_one, int address_width, std::int64_t bits) {
    std::vector<Part> parts;
    parts.reserve(sites.size());
    for (const Site* site : sites) {
      parts.push_back(part_of(*site, unit, is_one, address_width, bits));
    }
    return parts;
  }

  /// The enabled part's value; with one part, that.
  static std::string chosen(const std::vector<Part>& parts, std::int64_t width,
                            std::string Part::* value) {
    if (parts.size() == 1) return parts.front().*value;
    const std::string zero = literal(0, static_cast<int>(width));
    std::vector<std::string> terms;
    terms.reserve(parts.size());
    for (const Part& part : parts) {
      if (part.*value == zero) continue;  // It is what comes of nothing being enabled.
      terms.push_back(fmt::format("({{{}{{{}}}}} & {})", width, part.enable, part.*value));
    }
    return joined(terms, "|", zero);
  }
  static std::string any(const std::vector<Part>& parts) {
    std::vector<std::string> terms;
    terms.reserve(parts.size());
    for (const Part& part : parts) terms.push_back(part.enable);
    return joined(terms, "|", "1'b0");
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
    const std::int64_t bits = memory.unit * memory.array.element.bits();
    const std::int64_t units = memory.units();
    const int address = bits_for(0, std::max<std::int64_t>(memory.banks.depth - 1, 1));
    declarations_.add("wire " + vector_range(units * bits, false), name + "_rdata");
    const bool is_one = units == 1;
    const std::vector<Part> read = parts_of(reads, "b", is_one, address, bits);
    const std::vector<Part> write = parts_of(writes, "b", is_one, address, bits);
    if (!is_one) memories_.open("b", units, name + "_banks");
    memories_.instance(
        fmt::format("ram_sdp #(.WIDTH({}), .DEPTH({}), .STYLE(\"{}\"), .LATENCY(1)) {}", bits,
                    memory.banks.depth, style_of(memory), name),
        {{".clk", ".ce", fmt::format(".we({})", any(write)),
          fmt::format(".waddr({})", chosen(write, address, &Part::address)),
          fmt::format(".wdata({})", chosen(write, bits, &Part::data))},
         {fmt::format(".re({})", any(read)),
          fmt::format(".raddr({})", chosen(read, address, &Part::address)),
          fmt::format(".rdata({}_rdata{})", name,
                      is_one ? "" : fmt::format("[b * {} +: {}]", bits, bits))}});
    if (!is_one) memories_.close();
  }

  static std::string style_of(const Memory& memory) {
    switch (memory.array.storage) {
      case Storage::kUram:
        return "ultra";
      case Storage::kLutram:
        return "distributed";
      case Storage::kBram:
        return "block";
      default:
        break;
    }
    // A look-up table holds 64 bits as memory.
    constexpr std::int64_t kShallow = 64;
    return memory.banks.depth <= kShallow ? "distributed" : "block";
  }

  /// A stream's queues, between the processes.
  void fifos(const Memory& memory) {
    const std::string& name = memory.array.name;
    const std::int64_t bits = memory.unit * memory.array.element.bits();
    const std::int64_t units = memory.units();
    for (const char* signal : {"put", "room", "get", "some"}) {
      declarations_.add(wire_type(units), fmt::format("{}_{}", name, signal));
    }
    for (const char* signal : {"value", "front"}) {
      declarations_.add(wire_type(units * bits), fmt::format("{}_{}", name, signal));
    }
    const std::string one = units == 1 ? "" : "[b]";
    const std::string part = units == 1 ? "" : fmt::format("[b * {} +: {}]", bits, bits);
    if (units > 1) memories_.open("b", units, name + "_queues");
    memories_.instance(
        fmt::format("fifo #(.WIDTH({}), .DEPTH({})) {}_queue", bits, memory.fifo_depth, name),
        {{".clk", ".rst", fmt::format(".in_valid({}_put{})", name, one),
          fmt::format(".in_ready({}_room{})", name, one),
          fmt::format(".in_data({}_value{})", name, part)},
         {fmt::format(".out_valid({}_some{})", name, one),
          fmt::format(".out_ready({}_get{})", name, one),
          fmt::format(".out_data({}_front{})", name, part), ".count()"}});
    if (units > 1) memories_.close();
  }

  /// What a process puts and gets, and that it waits for room or for something.
  void puts(const Memory& memory, const std::vector<const Site*>& sites) {
    stream_side(memory, sites, "put", "room");
    const std::string& name = memory.array.name;
    const std::int64_t bits = memory.unit * memory.array.element.bits();
    const bool is_one = memory.units() == 1;
    for_units(memory, name + "_values", [&](const std::string& unit) {
      const std::vector<Part> parts = parts_of(sites, unit, is_one, 1, bits);
      return fmt::format("assign {}_value{} = {};", name,
                         is_one ? "" : fmt::format("[{} * {} +: {}]", unit, bits, bits),
                         chosen(parts, bits, &Part::data));
    });
  }
  void gets(const Memory& memory, const std::vector<const Site*>& sites) {
    stream_side(memory, sites, "get", "some");
  }
  void stream_side(const Memory& memory, const std::vector<const Site*>& sites,
                   const std::string& act, const std::string& can) {
    const std::string& name = memory.array.name;
    const std::int64_t units = memory.units();
    const std::string wanted = fmt::format("{}_{}_wanted", name, act);
    declarations_.add(wire_type(units), wanted);
    for_units(memory, fmt::format("{}_{}s", name, act), [&](const std::string& unit) {
      return fmt::format("assign {}{} = {};", wanted, units == 1 ? "" : fmt::format("[{}]", unit),
                         any(parts_of(sites, unit, units == 1, 1, 1)));
    });
    const std::string enable = units == 1 ? "ce" : fmt::format("{{{}{{ce}}}}", units);
    memories_.line(fmt::format("assign {}_{} = {} & {};", name, act, enable, wanted));
    stalls_.push_back(fmt::format("(|({} & ~{}_{}))", wanted, name, can));
  }
  template <typename Line>
  void for_units(const Memory& memory, const std::string& label, const Line& line) {
    if (memory.units() == 1) return memories_.line(line("0"));
    memories_.open("b", memory.units(), label);
    memories_.line(line("b"));
    memories_.close();
  }

  void global_reads(const Memory& memory, const std::vector<const Site*>& sites) {
    const std::string& name = memory.array.name;
    std::vector<const Site*> waiting;
    std::ranges::copy_if(sites, std::back_inserter(waiting), &Site::waits);
    for (const char* signal : {"read_wanted", "data_wanted"}) {
      declarations_.add("wire", fmt::format("{}_{}", name, signal));
    }
    memories_.line(fmt::format("assign {}_read_wanted = {};", name, any(sites)));
    memories_.line(fmt::format("assign {0}_read_valid = ce & {0}_read_wanted;", name));
    memories_.line(fmt::format("assign {}_read_index = {};", name,
                               chosen(parts_of(sites, "0", true, 64, 1), 64, &Part::address)));
    memories_.line(
        fmt::format("assign {}_data_wanted = {};", name, any(sites, &Site::data_wanted)));
    memories_.line(fmt::format("assign {0}_data_ready = ce & {0}_data_wanted;", name));
    stalls_.push_back(fmt::format("({0}_read_wanted & ~{0}_read_ready)", name));
    stalls_.push_back(fmt::format("({0}_data_wanted & ~{0}_data_valid)", name));
    if (!waiting.empty()) {
      declarations_.add("wire", name + "_read_waits");
      memories_.line(fmt::format("assign {}_read_waits = {};", name, any(waiting)));
      stalls_.push_back(fmt::format("({0}_read_waits & ({0}_pending != 32'd0))", name));
    }
  }

  void global_writes(const Memory& memory, const std::vector<const Site*>& sites) {
    const std::string& name = memory.array.name;
    const std::int64_t bits = memory.word_bits();
    declarations_.add("wire", name + "_write_wanted");
    declarations_.add(vector_type(32, false), name + "_pending");
    memories_.line(fmt::format("assign {}_write_wanted = {};", name, any(sites)));
    memories_.line(fmt::format("assign {0}_write_valid = ce & {0}_write_wanted;", name));
    std::vector<Part> words = parts_of(sites, "0", true, 64, bits);
    std::vector<Part> enables = words;
    for (std::size_t i = 0; i < sites.size(); ++i) {
      words[i].enable = enables[i].enable = "(" + sites[i]->wanted + ")";
      enables[i].data =
          sites[i]->at.empty() ? fmt::format("{{{}{{1'b1}}}}", memory.lanes) : sites[i]->at;
    }
    memories_.line(
        fmt::format("assign {}_write_index = {};", name, chosen(words, 64, &Part::address)));
    memories_.line(
        fmt::format("assign {}_write_value = {};", name, chosen(words, bits, &Part::data)));
    if (memory.lanes > 1) {
      memories_.line(fmt::format("assign {}_write_enable = {};", name,
                                 chosen(enables, memory.lanes, &Part::data)));
    }
    memories_.clocked(
        fmt::format("if (rst) {0}_pending <= 32'd0; "
                    "else {0}_pending <= {0}_pending + 32'({0}_write_valid) - 32'({0}_written);",
                    name));
    stalls_.push_back(fmt::format("({0}_write_wanted & ~{0}_write_ready)", name));
  }

  const Design& design_;
  std::string process_;
  /// Counters of the loops around this process and of those in it, with their types.
  std::map<std::string, std::string> outer_;
  std::map<std::string, std::string> around_;
  std::vector<Fork::Process> processes_;
  Declarations declarations_;
  Text tables_;
  Text control_;
  Text memories_;
  std::vector<Site> sites_;
  std::vector<std::string> stalls_;
  int choices_ = 0;
  int flushes_ = 0;
  int forks_ = 0;
};

}  // namespace

std::string core_name(const Kernel& kernel) {
  return kernel.name + "_core";
}

std::map<std::string, std::string> core_files(const Design& design) {
  std::map<std::string, std::string> files;
  const std::string text = Module(design, "").write(design.top, files);
  files[core_name(*design.kernel) + ".sv"] = text;
  return files;
}

}  // namespace heddle::kernel::rtl
