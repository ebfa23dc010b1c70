// From a kernel to a design: arrays get memories, statements become regions.
#include "kernel/codegen/rtl/design.h"

#include <fmt/core.h>
#include <bit>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "kernel/codegen/rtl/arithmetic.h"
#include "kernel/codegen/rtl/expand.h"
#include "kernel/codegen/rtl/iteration.h"
#include "kernel/codegen/rtl/joined.h"
#include "kernel/codegen/rtl/modulo.h"
#include "kernel/codegen/rtl/rings.h"
#include "kernel/ports.h"
#include "kernel/rewrite.h"
#include "kernel/scalar.h"
#include "kernel/schedule/affine.h"

namespace heddle::kernel::rtl {
namespace {

/// The memory of that name, or the end.
auto find_memory(auto& memories, const std::string& name) {
  return std::ranges::find_if(memories,
                              [&](const Memory& memory) { return memory.array.name == name; });
}

RegionPtr make_region(auto value) {
  return std::make_shared<const Region>(Region{std::move(value)});
}

class Lowering {
 public:
  Lowering(Design& design, const Kernel& kernel) : design_(design), taken_(names_in(kernel)) {
    around_.kernel_body = kernel.body;
    for (const Parameter& parameter : kernel.parameters) {
      if (const auto* array = std::get_if<ArrayParameter>(&parameter)) {
        add_memory(array->array, Memory::Kind::kGlobal);
      } else if (std::holds_alternative<StreamParameter>(parameter)) {
        throw UserError(
            fmt::format("kernel {} has the stream parameter {}", kernel.name, name_of(parameter)),
            "emit a kernel that calls it and owns the stream");
      }
    }
    collect(kernel.body, "");
    for (const Memory& memory : design_.memories) check_users(memory);
  }

  RegionPtr run(const Kernel& kernel) { return process("", kernel.body); }

 private:
  /// A process with all that it has to do: at its end its writes have arrived.
  RegionPtr process(const std::string& name, const Stmt& body) {
    const std::string outer = std::exchange(process_, name);
    Sequence all;
    all.parts.push_back(statements(statements_of(body)));
    process_ = outer;
    Flush end;
    for (const Memory& memory : design_.memories) {
      const bool is_global = memory.kind == Memory::Kind::kGlobal;
      if (is_global && memory.is_written && !memory.is_read && memory.users.contains(name)) {
        end.arrays.push_back(memory.array.name);
      }
    }
    if (!end.arrays.empty()) all.parts.push_back(make_region(std::move(end)));
    return make_region(std::move(all));
  }

  // Memories.

  Memory& add_memory(const Array& array, Memory::Kind kind) {
    Memory memory;
    memory.kind = kind;
    memory.array = array;
    if (kind == Memory::Kind::kGlobal) {
      check_word(array);
      memory.banks.count = array.lanes;
      memory.lanes = static_cast<int>(array.lanes);
    } else {
      if (!element_count(array.shape)) {
        throw UserError(
            fmt::format("the local array {} has an extent that is no literal", array.name),
            "give it the largest extent that is needed");
      }
      memory.banks =
          banks_of(array, kind == Memory::Kind::kRegisters || kind == Memory::Kind::kStream);
    }
    design_.memories.push_back(std::move(memory));
    return design_.memories.back();
  }

  /// A word of memory is no wider than an AXI bus can be.
  static void check_word(const Array& array) {
    constexpr std::int64_t kMostBits = 1024;
    const std::int64_t element = std::int64_t{8} * array.element.bytes();
    if (std::has_single_bit(static_cast<std::uint64_t>(array.lanes)) &&
        array.lanes * element <= kMostBits) {
      return;
    }
    throw UserError(fmt::format("{} is packed in words of {} elements of {} bits", array.name,
                                array.lanes, element),
                    fmt::format("pack 1, 2, 4, ... {} of them", kMostBits / element));
  }

  void collect(const Stmt& stmt, const std::string& process) {
    const auto use = [&](const std::string& name) -> Memory& {
      Memory& memory = memory_named(name);
      memory.users.insert(process);
      return memory;
    };
    if (const auto* declaration = as<DeclareArray>(stmt)) declare(declaration->array);
    if (const auto* declaration = as<DeclareStream>(stmt)) declare(declaration->stream);
    for (const Expr& root : own_expressions(stmt)) {
      for_each(root, [&](const Expr& e) {
        if (const auto* load = e.as<Load>()) use(load->array).is_read = true;
      });
    }
    if (const auto* store = as<Store>(stmt)) {
      Memory& memory = use(store->array);
      memory.is_written = true;
      memory.is_read = memory.is_read || store->reduce.has_value();
    } else if (const auto* put = as<Put>(stmt)) {
      use(put->stream).is_written = true;
    } else if (const auto* get = as<Get>(stmt)) {
      use(get->stream).is_read = true;
      use(get->array).is_written = true;
    }
    if (const auto* dataflow = as<Dataflow>(stmt)) {
      if (!process.empty()) {
        throw UserError(fmt::format("process {} has processes of its own", process),
                        "make them processes of the kernel");
      }
      for (const Dataflow::Process& inner : dataflow->processes) collect(inner.body, inner.name);
      return;
    }
    for (const Stmt& inner : children(stmt)) collect(inner, process);
  }

  void declare(const Array& array) {
    // A copy of an unrolled body declares it again.
    if (find_memory(design_.memories, array.name) != design_.memories.end()) return;
    if (!array.table.empty()) {
      add_memory(array, Memory::Kind::kRom);
      return;
    }
    constexpr std::int64_t kFewBits = 512;
    const std::int64_t elements = element_count(array.shape).value_or(kFewBits);
    const bool is_small = array.storage == Storage::kAuto && array.partition.empty() &&
                          array.lanes == 1 && elements * array.element.bits() <= kFewBits;
    add_memory(array,
               has_ports(array) && !is_small ? Memory::Kind::kRam : Memory::Kind::kRegisters);
  }

  void declare(const Stream& stream) {
    if (find_memory(design_.memories, stream.name) != design_.memories.end()) return;
    Array channels;
    channels.name = stream.name;
    channels.element = stream.element;
    channels.shape = stream.shape;
    add_memory(channels, Memory::Kind::kStream).fifo_depth =
        std::max<std::int64_t>(stream.depth, 2);
  }

  static void check_users(const Memory& memory) {
    const bool is_own = memory.kind == Memory::Kind::kRom || memory.kind == Memory::Kind::kStream;
    if (is_own || memory.users.size() < 2) return;
    const auto name = [](const std::string& process) {
      return process.empty() ? "what stands outside of them" : process;
    };
    throw UserError(
        fmt::format("array {} is used by more than one process: {} and {}", memory.array.name,
                    name(*memory.users.begin()), name(*memory.users.rbegin())),
        "let one process own it and send the others what they need in a stream");
  }

  Memory& memory_named(const std::string& name) {
    const auto found = find_memory(design_.memories, name);
    ensure(found != design_.memories.end(), "no memory for {}", name);
    return *found;
  }

  // Regions.

  RegionPtr statements(const std::vector<Stmt>& list) {
    Sequence sequence;
    std::vector<Stmt> straight;
    const auto end_straight = [&] { add_straight(sequence, straight); };
    for (const Stmt& stmt : list) {
      if (is_straight(stmt)) {
        straight.push_back(stmt);
      } else if (as<For>(stmt)) {
        add_loop(sequence, stmt, straight);
      } else if (const auto* dataflow = as<Dataflow>(stmt)) {
        end_straight();
        Fork fork;
        for (const Dataflow::Process& part : dataflow->processes) {
          fork.processes.push_back({part.name, process(part.name, part.body)});
        }
        design_.has_processes = true;
        sequence.parts.push_back(make_region(std::move(fork)));
      } else if (const auto* branch = as<If>(stmt)) {
        const std::string name = keep(branch->condition, "condition", straight);
        end_straight();
        around_.guards.push_back({branch->condition, true});
        const RegionPtr then = statements(statements_of(branch->then));
        around_.guards.back().holds = false;
        const RegionPtr otherwise =
            branch->otherwise ? statements(statements_of(branch->otherwise)) : nullptr;
        around_.guards.pop_back();
        sequence.parts.push_back(make_region(Choice{branch->condition, name, then, otherwise}));
      } else {
        end_straight();
        sequence.parts.push_back(statements(statements_of(stmt)));
      }
    }
    end_straight();
    if (sequence.parts.size() == 1) return sequence.parts.front();
    return make_region(std::move(sequence));
  }

  /// The loops from this one inward that can run as one pipeline; empty if there are none.
  [[nodiscard]] static std::vector<Stmt> flat_nest(const Stmt& outermost) {
    std::vector<Stmt> nest;
    for (Stmt stmt = outermost;;) {
      const auto* loop = as<For>(stmt);
      if (loop == nullptr) return {};
      for (const Stmt& outer : nest) {
        const std::string& name = as<For>(outer)->name;
        if (mentions(loop->lower, name) || mentions(loop->upper, name)) return {};
      }
      nest.push_back(stmt);
      if (is_straight(loop->body)) break;
      const std::vector<Stmt> inner = statements_of(loop->body);
      if (inner.size() != 1) return {};
      stmt = inner.front();
    }
    // Bounds are evaluated before the nest.
    std::set<std::string> written;
    for_each(outermost, [&](const Stmt& stmt) {
      if (const auto* store = as<Store>(stmt)) written.insert(store->array);
    });
    for (std::size_t i = 1; i < nest.size(); ++i) {
      for (const Expr& bound : {as<For>(nest[i])->lower, as<For>(nest[i])->upper}) {
        for (const std::string& array : loaded_arrays(bound)) {
          if (written.contains(array)) return {};
        }
      }
    }
    return nest;
  }

  Loop loop_of(const For& node, std::vector<Stmt>& before) {
    Loop loop;
    loop.name = node.name;
    loop.lower = {node.lower, keep(node.lower, node.name + "_first", before)};
    loop.upper = {node.upper, keep(node.upper, node.name + "_end", before)};
    const std::optional<Range> lower = range_of(node.lower, ranges_);
    const std::optional<Range> upper = range_of(node.upper, ranges_);
    loop.lowest = lower ? Int128{lower->low} : lowest(index_type());
    loop.highest = std::max(upper ? Int128{upper->high} - 1 : highest(index_type()), loop.lowest);
    ranges_[node.name] = {static_cast<std::int64_t>(loop.lowest),
                          static_cast<std::int64_t>(loop.highest)};
    return loop;
  }

  /// The name of a register that `before` fills with the value; empty for a literal.
  std::string keep(const Expr& value, const std::string& wanted, std::vector<Stmt>& before) {
    if (value.as<Constant>() != nullptr) return "";
    Array array;
    array.name = fresh_name(wanted, taken_);
    array.element = value.type();
    Memory& memory = add_memory(array, Memory::Kind::kRegisters);
    memory.is_read = true;
    memory.is_written = true;
    memory.users = {process_};
    before.push_back(make_stmt(Store{array.name, {}, value, {}}));
    return array.name;
  }

  /// Adds a loop: as one pipeline with the loops inside of it, where that does not lengthen the
  /// interval; else as a pipeline inside of repeats. `before` is straight and has not run yet.
  void add_loop(Sequence& sequence, const Stmt& stmt, std::vector<Stmt>& before) {
    const std::vector<Stmt> plain = flat_nest(stmt);
    if (!plain.empty()) return add_nest(sequence, plain, before);
    const std::vector<Stmt> whole = made_perfect(stmt);
    const std::vector<Stmt> nest = whole.empty() ? whole : flat_nest(whole.back());
    if (nest.empty()) return add_repeat(sequence, stmt, before);
    const Mark mark = here();
    std::vector<Stmt> before_flat = before;
    before_flat.insert(before_flat.end(), whole.begin(), whole.end() - 1);
    Sequence flat;
    add_nest(flat, nest, before_flat);
    const int interval = longest_interval(flat);
    const std::optional<int> asked = as<For>(nest.back())->marks.pipeline;
    if (interval > asked.value_or(1)) {
      const Mark flat_end = here();
      const Design flat_design = design_;
      go_back(mark);
      Sequence nested;
      std::vector<Stmt> before_nested = before;
      add_repeat(nested, stmt, before_nested);
      // What misses an interval is easier to understand as it was written.
      if (longest_interval(nested) < interval + (asked ? 1 : 0)) {
        sequence.parts.insert(sequence.parts.end(), nested.parts.begin(), nested.parts.end());
        before.clear();
        return;
      }
      design_ = flat_design;
      leaves_ = flat_end.leaves;
    }
    sequence.parts.insert(sequence.parts.end(), flat.parts.begin(), flat.parts.end());
    before.clear();
  }

  /// What adding regions leaves behind besides them.
  struct Mark {
    std::size_t memories = 0;
    std::size_t misses = 0;
    int leaves = 0;
  };
  [[nodiscard]] Mark here() const {
    return {design_.memories.size(), design_.misses.size(), leaves_};
  }
  void go_back(const Mark& mark) {
    design_.memories.resize(mark.memories);
    design_.misses.resize(mark.misses);
    leaves_ = mark.leaves;
  }

  static int longest_interval(const Sequence& sequence) {
    int longest = 0;
    for_each_leaf(make_region(sequence), [&](const Leaf& leaf) {
      if (!leaf.loops.empty()) longest = std::max(longest, leaf.times.interval);
    });
    return longest;
  }

  /// A loop whose body is one loop between straight statements, as a perfect nest: they run in the
  /// inner loop's first and last iteration. Declarations come first, the nest
  /// last; empty if it cannot be.
  static std::vector<Stmt> made_perfect(const Stmt& stmt) {
    const auto* loop = as<For>(stmt);
    if (is_straight(loop->body)) return {stmt};
    std::vector<Stmt> declarations;
    std::vector<Stmt> first;
    std::vector<Stmt> last;
    const For* inner = nullptr;
    for (const Stmt& part : statements_of(loop->body)) {
      if (as<DeclareArray>(part)) {
        declarations.push_back(part);
      } else if (is_straight(part)) {
        (inner == nullptr ? first : last).push_back(part);
      } else if (inner == nullptr && as<For>(part)) {
        inner = as<For>(part);
      } else {
        return {};
      }
    }
    if (inner == nullptr || literal_trips(*inner).value_or(0) < 1 ||
        inner->lower.as<Constant>() == nullptr) {
      return {};
    }
    const Expr counter = variable(inner->name, index_type());
    const auto only_at = [&](const Expr& value, std::vector<Stmt> list) {
      return make_stmt(If{binary(BinaryOp::kEq, counter, value), block(std::move(list)), nullptr});
    };
    std::vector<Stmt> body;
    if (!first.empty()) body.push_back(only_at(inner->lower, first));
    body.push_back(inner->body);
    if (!last.empty()) body.push_back(only_at(inner->upper - 1, last));
    For whole = *inner;
    whole.body = block(std::move(body));
    std::vector<Stmt> nest = made_perfect(make_stmt(std::move(whole)));
    if (nest.empty()) return {};
    For outer = *loop;
    outer.body = nest.back();
    nest.back() = make_stmt(std::move(outer));
    declarations.insert(declarations.end(), nest.begin(), nest.end());
    return declarations;
  }

  void add_nest(Sequence& sequence, const std::vector<Stmt>& nest, std::vector<Stmt>& before) {
    // Bounds are found by the statements before.
    std::vector<Loop> loops;
    loops.reserve(nest.size());
    for (const Stmt& stmt : nest) loops.push_back(loop_of(*as<For>(stmt), before));
    add_straight(sequence, before);
    const auto* innermost = as<For>(nest.back());
    add_leaf(sequence, nest, innermost->marks.pipeline, statements_of(innermost->body),
             std::move(loops));
  }

  void add_repeat(Sequence& sequence, const Stmt& stmt, std::vector<Stmt>& before) {
    const auto* node = as<For>(stmt);
    const Loop loop = loop_of(*node, before);
    add_straight(sequence, before);
    around_.loops.push_back(node);
    const RegionPtr body = statements(statements_of(node->body));
    around_.loops.pop_back();
    sequence.parts.push_back(make_region(Repeat{loop, body}));
  }

  void add_straight(Sequence& sequence, std::vector<Stmt>& statements) {
    if (!statements.empty()) add_leaf(sequence, {}, std::nullopt, statements);
    statements.clear();
  }

  void add_leaf(Sequence& sequence, const std::vector<Stmt>& nest, std::optional<int> asked,
                std::vector<Stmt> body, std::vector<Loop> loops = {}) {
    Leaf leaf;
    Context context;
    context.design = &design_;
    context.dots = &design_.dots;
    context.in_ring = design_.in_rings.contains(process_);
    for (const Stmt& stmt : nest) context.nest.push_back(as<For>(stmt));
    context.surroundings = std::make_shared<Access::Surroundings>(around_);
    context.ranges = ranges_;
    while (true) {
      leaf = {};
      const std::optional<NotSideBySide> refusal = build_iteration(leaf, body, context);
      if (!refusal) break;
      for (Stmt& stmt : body) stmt = with_copies(stmt, refusal->loop);
    }
    if (leaf.graph.nodes().empty()) return;
    leaf.number = leaves_++;
    leaf.loops = std::move(loops);
    leaf.asked = asked;
    if (std::optional<Miss> miss = schedule(leaf, design_)) design_.misses.push_back(*miss);
    Flush flush;
    for (const Node& node : leaf.graph.nodes()) {
      if (node.op != Op::kWrite) continue;
      const Memory& memory = memory_named(node.name);
      const bool waits = memory.kind == Memory::Kind::kGlobal && memory.is_read;
      if (waits && std::ranges::find(flush.arrays, node.name) == flush.arrays.end()) {
        flush.arrays.push_back(node.name);
      }
    }
    sequence.parts.push_back(make_region(std::move(leaf)));
    if (!flush.arrays.empty()) sequence.parts.push_back(make_region(std::move(flush)));
  }

  Stmt with_copies(const Stmt& body, const std::string& name) {
    return transform(body, [&](const Stmt& stmt) {
      const auto* loop = as<For>(stmt);
      const bool is_it = loop != nullptr && loop->name == name;
      return is_it ? copies_of(*loop, taken_, design_.dots) : stmt;
    });
  }

  Design& design_;
  std::set<std::string> taken_;
  Access::Surroundings around_;  ///< loops and conditions around the present place
  std::map<std::string, Range> ranges_;
  std::string process_;  ///< that statements belong to; "" outside of all
  int leaves_ = 0;
};

}  // namespace

int Memory::read_cycles(const Target& target) const {
  switch (kind) {
    case Kind::kRegisters:
    case Kind::kStream:
      return 0;
    case Kind::kRam:
    case Kind::kRom:
      return 1;
    case Kind::kGlobal:
      break;
  }
  return target.memory_read;
}

const Memory& Design::memory(const std::string& name) const {
  const auto found = find_memory(memories, name);
  ensure(found != memories.end(), "no memory for {}", name);
  return *found;
}

void for_each_leaf(const RegionPtr& region, const std::function<void(const Leaf&)>& visit) {
  if (region == nullptr) return;
  if (const auto* leaf = std::get_if<Leaf>(&region->value)) {
    visit(*leaf);
  } else if (const auto* sequence = std::get_if<Sequence>(&region->value)) {
    for (const RegionPtr& part : sequence->parts) for_each_leaf(part, visit);
  } else if (const auto* repeat = std::get_if<Repeat>(&region->value)) {
    for_each_leaf(repeat->body, visit);
  } else if (const auto* choice = std::get_if<Choice>(&region->value)) {
    for_each_leaf(choice->then, visit);
    for_each_leaf(choice->otherwise, visit);
  } else if (const auto* fork = std::get_if<Fork>(&region->value)) {
    for (const Fork::Process& process : fork->processes) for_each_leaf(process.region, visit);
  }
}

Design make_design(const KernelPtr& kernel, const Target& target) {
  const Expanded flat = expand(*kernel);
  const auto made = [&](const std::set<std::string>& in_rings) {
    Design design;
    design.kernel = kernel;
    design.target = target;
    design.dots = flat.dots;
    design.in_rings = in_rings;
    Lowering lowering(design, flat.kernel);
    design.top = lowering.run(flat.kernel);
    join_banks(design);
    return design;
  };
  const Design free = made({});
  const std::set<std::string> in_rings = processes_in_rings(free);
  return in_rings.empty() ? free : made(in_rings);
}

}  // namespace heddle::kernel::rtl
