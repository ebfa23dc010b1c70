// From a kernel to a design: arrays get memories, statements become regions.
#include "kernel/codegen/rtl/design.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/error.h"
#include "kernel/codegen/rtl/arithmetic.h"
#include "kernel/codegen/rtl/expand.h"
#include "kernel/codegen/rtl/iteration.h"
#include "kernel/codegen/rtl/modulo.h"
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
    for_each(kernel.body, [&](const Stmt& stmt) { collect(stmt); });
  }

  RegionPtr run(const Kernel& kernel) {
    Sequence all;
    all.parts.push_back(statements(statements_of(kernel.body)));
    Flush end;
    for (const Memory& memory : design_.memories) {
      const bool is_global = memory.kind == Memory::Kind::kGlobal;
      if (is_global && memory.is_written && !memory.is_read)
        end.arrays.push_back(memory.array.name);
    }
    if (!end.arrays.empty()) all.parts.push_back(make_region(std::move(end)));
    return make_region(std::move(all));
  }

 private:
  // Memories.

  Memory& add_memory(const Array& array, Memory::Kind kind) {
    Memory memory;
    memory.kind = kind;
    memory.array = array;
    if (kind != Memory::Kind::kGlobal) {
      const std::optional<std::int64_t> elements = element_count(array.shape);
      if (!elements) {
        throw UserError(
            fmt::format("the local array {} has an extent that is no literal", array.name),
            "give it the largest extent that is needed");
      }
      memory.elements = *elements;
    }
    design_.memories.push_back(std::move(memory));
    return design_.memories.back();
  }

  void collect(const Stmt& stmt) {
    if (as<Dataflow>(stmt) || as<DeclareStream>(stmt) || as<Put>(stmt) || as<Get>(stmt)) {
      throw UserError("RTL has no dataflow processes and streams yet",
                      "leave the dataflow step out of the schedule, or use the hls back end");
    }
    if (const auto* declaration = as<DeclareArray>(stmt)) declare(declaration->array);
    for (const Expr& root : own_expressions(stmt)) {
      for_each(root, [&](const Expr& e) {
        if (const auto* load = e.as<Load>()) memory_named(load->array).is_read = true;
      });
    }
    if (const auto* store = as<Store>(stmt)) {
      Memory& memory = memory_named(store->array);
      memory.is_written = true;
      memory.is_read = memory.is_read || store->reduce.has_value();
    }
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
    const bool is_small =
        array.storage == Storage::kAuto && elements * array.element.bits() <= kFewBits;
    add_memory(array,
               has_ports(array) && !is_small ? Memory::Kind::kRam : Memory::Kind::kRegisters);
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
    const auto end_straight = [&] {
      if (!straight.empty()) add_leaf(sequence, {}, std::nullopt, straight);
      straight.clear();
    };
    for (const Stmt& stmt : list) {
      if (is_straight(stmt)) {
        straight.push_back(stmt);
      } else if (const auto* loop = as<For>(stmt)) {
        // Bounds are found by the statements before.
        const std::vector<Stmt> nest = flat_nest(stmt);
        std::vector<Loop> loops = loops_of(nest, *loop, straight);
        end_straight();
        add_loop(sequence, stmt, nest, std::move(loops));
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

  /// The nest's loops, or the loop alone if there is no nest; their bounds are kept by `before`.
  std::vector<Loop> loops_of(const std::vector<Stmt>& nest, const For& alone,
                             std::vector<Stmt>& before) {
    std::vector<Loop> loops;
    if (nest.empty()) loops.push_back(loop_of(alone, before));
    for (const Stmt& stmt : nest) loops.push_back(loop_of(*as<For>(stmt), before));
    return loops;
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
    before.push_back(make_stmt(Store{array.name, {}, value, {}}));
    return array.name;
  }

  void add_loop(Sequence& sequence, const Stmt& stmt, const std::vector<Stmt>& nest,
                std::vector<Loop> loops) {
    if (!nest.empty()) {
      const auto* innermost = as<For>(nest.back());
      return add_leaf(sequence, nest, innermost->marks.pipeline, statements_of(innermost->body),
                      std::move(loops));
    }
    const auto* node = as<For>(stmt);
    around_.loops.push_back(node);
    const RegionPtr body = statements(statements_of(node->body));
    around_.loops.pop_back();
    sequence.parts.push_back(make_region(Repeat{loops.front(), body}));
  }

  void add_leaf(Sequence& sequence, const std::vector<Stmt>& nest, std::optional<int> asked,
                const std::vector<Stmt>& body, std::vector<Loop> loops = {}) {
    Leaf leaf;
    leaf.number = leaves_;
    leaf.loops = std::move(loops);
    leaf.asked = asked;
    Context context;
    context.design = &design_;
    for (const Stmt& stmt : nest) context.nest.push_back(as<For>(stmt));
    context.surroundings = std::make_shared<Access::Surroundings>(around_);
    context.ranges = ranges_;
    build_iteration(leaf, body, context);
    if (leaf.graph.nodes().empty()) return;
    ++leaves_;
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

  Design& design_;
  std::set<std::string> taken_;
  Access::Surroundings around_;  ///< loops and conditions around the present place
  std::map<std::string, Range> ranges_;
  int leaves_ = 0;
};

}  // namespace

int Memory::read_cycles(const Target& target) const {
  switch (kind) {
    case Kind::kRegisters:
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

Design make_design(const KernelPtr& kernel, const Target& target) {
  const Kernel flat = expand(*kernel);
  Design design;
  design.kernel = kernel;
  design.target = target;
  Lowering lowering(design, flat);
  design.top = lowering.run(flat);
  return design;
}

}  // namespace heddle::kernel::rtl
