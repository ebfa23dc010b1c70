#include "kernel/codegen/rtl/expand.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/error.h"
#include "kernel/rewrite.h"
#include "kernel/schedule/affine.h"
#include "kernel/schedule/calls.h"
#include "kernel/schedule/dependence.h"

namespace heddle::kernel::rtl {
namespace {

/// What an instruction's Intrinsic::primitive says for the module that makes sums of products.
constexpr const char* kDotPrimitive = "packed_dot";

const Call* first_call(const Kernel& kernel) {
  const Call* found = nullptr;
  for_each(kernel.body, [&](const Stmt& stmt) {
    if (found == nullptr) found = as<Call>(stmt);
  });
  return found;
}

std::set<std::string> loop_names(const Stmt& body) {
  std::set<std::string> names;
  for_each(body, [&](const Stmt& stmt) {
    if (const auto* loop = as<For>(stmt)) names.insert(loop->name);
  });
  return names;
}

Stmt with_unrolled(const Stmt& body, const std::set<std::string>& names) {
  return transform(body, [&](const Stmt& stmt) {
    const auto* loop = as<For>(stmt);
    if (loop == nullptr || !names.contains(loop->name)) return stmt;
    For unrolled = *loop;
    unrolled.marks.unroll = true;
    return make_stmt(std::move(unrolled));
  });
}

/// Puts the body of a callee in the place of its calls. A hardware instruction does everything at
/// once, so its loops are unrolled.
void inline_calls(Expanded& result) {
  while (const Call* call = first_call(result.kernel)) {
    const KernelPtr callee = call->callee;
    const std::set<std::string> before = loop_names(result.kernel.body);
    result.kernel = inline_call(result.kernel, callee->name);
    const std::string primitive = callee->intrinsic.value_or(Intrinsic{}).primitive;
    if (primitive.empty()) continue;
    if (primitive != kDotPrimitive) {
      throw UserError(fmt::format("instruction {} names the primitive {}, which RTL does not have",
                                  callee->name, primitive),
                      fmt::format("the only one is {}", kDotPrimitive));
    }
    std::set<std::string> made = loop_names(result.kernel.body);
    std::erase_if(made, [&](const std::string& name) { return before.contains(name); });
    result.kernel.body = with_unrolled(result.kernel.body, made);
    result.dots.merge(made);
  }
}

/// Marks the loops inside of pipelined ones.
Stmt unroll_in_pipelines(const Stmt& body) {
  std::set<std::string> names;
  for_each(body, [&](const Stmt& stmt) {
    const auto* loop = as<For>(stmt);
    if (loop == nullptr || !loop->marks.pipeline) return;
    for_each(loop->body, [&](const Stmt& inner) {
      const auto* node = as<For>(inner);
      if (node != nullptr && literal_trips(*node)) names.insert(node->name);
    });
  });
  return with_unrolled(body, names);
}

/// A process that is an unrolled loop, as one process for each iteration.
Stmt with_single_processes(const Stmt& body, std::set<std::string>& taken,
                           std::set<std::string>& dots) {
  return transform(body, [&](const Stmt& stmt) {
    const auto* dataflow = as<Dataflow>(stmt);
    if (dataflow == nullptr) return stmt;
    Dataflow result;
    for (const Dataflow::Process& process : dataflow->processes) {
      const std::vector<Stmt> list = statements_of(process.body);
      const auto* loop = list.size() == 1 ? as<For>(list.front()) : nullptr;
      if (loop == nullptr || !loop->marks.unroll) {
        result.processes.push_back(process);
        continue;
      }
      for (std::int64_t i = 0; i < literal_trips(*loop).value_or(0); ++i) {
        const Stmt one = replace_counter(loop->body, loop->name, loop->lower + i, {});
        std::map<std::string, std::string> names;
        for_each(one, [&](const Stmt& inner) {
          std::string old;
          if (const auto* node = as<For>(inner)) old = node->name;
          if (const auto* node = as<DeclareArray>(inner)) old = node->array.name;
          if (old.empty() || i == 0) return;
          names[old] = fresh_name(old, taken);
          if (dots.contains(old)) dots.insert(names[old]);
        });
        const std::string name = fmt::format("{}_{}", process.name, i);
        result.processes.push_back({fresh_name(name, taken), rename(one, names)});
      }
    }
    return make_stmt(std::move(result));
  });
}

/// Whether the iterations can run side by side, each statement in all of them before the next.
bool runs_side_by_side(const Kernel& kernel, const Stmt& stmt) {
  const auto* loop = as<For>(stmt);
  const Int128* first = as_integer(loop->lower);
  if (first == nullptr || literal_trips(*loop).value_or(0) < 2 || !is_straight(loop->body)) {
    return false;
  }
  std::set<std::string> own;
  bool has_own_memory = false;
  for_each(loop->body, [&](const Stmt& inner) {
    const auto* declaration = as<DeclareArray>(inner);
    if (declaration == nullptr) return;
    own.insert(declaration->array.name);
    has_own_memory |= !declaration->array.shape.empty() && declaration->array.table.empty();
  });
  if (has_own_memory) return false;
  std::vector<Access> all = accesses(kernel, stmt);
  std::erase_if(all, [&](const Access& access) { return own.contains(access.array); });
  // Lanes put and get in the same cycle: only channels that they share keep them apart.
  for (Access& access : all) {
    if (!access.stream) continue;
    const auto* put = as<Put>(access.statement);
    access.indices = put != nullptr ? put->channel : as<Get>(access.statement)->channel;
    access.stream = access.whole = false;
  }
  const OrderChange later = [&](Formula& formula, const Access&, const Formula::Renaming& source,
                                const Access&, const Formula::Renaming& sink) {
    formula.require(source.at(loop->name), "<", sink.at(loop->name));
  };
  return !violated(all, all, later, Reductions::kMayReorder);
}

/// An unrolled loop that is not among `lanes` while all inside of it are; null if there is none.
Stmt next_undecided(const Stmt& body, const std::set<std::string>& lanes) {
  Stmt found;
  for_each(body, [&](const Stmt& stmt) {
    const auto* loop = as<For>(stmt);
    if (loop == nullptr || !loop->marks.unroll || lanes.contains(loop->name)) return;
    found = stmt;  // The last that is met has none inside.
  });
  return found;
}

}  // namespace

bool is_straight(const Stmt& stmt) {
  bool result = true;
  for_each(stmt, [&](const Stmt& inner) {
    if (const auto* loop = as<For>(inner)) result = result && loop->marks.unroll;
    result = result && !as<Dataflow>(inner) && !as<Call>(inner);
  });
  return result;
}

Stmt copies_of(const For& loop, std::set<std::string>& taken, std::set<std::string>& dots) {
  std::vector<Stmt> copies;
  const std::int64_t trips = literal_trips(loop).value_or(0);
  for (std::int64_t i = 0; i < trips; ++i) {
    Stmt copy = replace_counter(loop.body, loop.name, loop.lower + i, {});
    if (i > 0) {
      std::map<std::string, std::string> names;
      for (const std::string& name : loop_names(copy)) {
        names[name] = fresh_name(name, taken);
        if (dots.contains(name)) dots.insert(names[name]);
      }
      copy = rename(copy, names);
    }
    copies.push_back(std::move(copy));
  }
  return block(std::move(copies));
}

Expanded expand(const Kernel& kernel) {
  Expanded result{kernel, {}};
  inline_calls(result);
  Kernel& flat = result.kernel;
  flat.body = unroll_in_pipelines(flat.body);
  std::set<std::string> taken = names_in(flat);
  flat.body = with_single_processes(flat.body, taken, result.dots);
  std::set<std::string> lanes;
  while (const Stmt stmt = next_undecided(flat.body, lanes)) {
    const auto* loop = as<For>(stmt);
    if (runs_side_by_side(flat, stmt)) {
      lanes.insert(loop->name);
      continue;
    }
    const std::set<std::string> before = loop_names(loop->body);
    const Stmt copies = copies_of(*loop, taken, result.dots);
    for (const std::string& name : loop_names(copies)) {
      if (!before.contains(name)) lanes.insert(name);
    }
    flat.body = transform(flat.body, [&](const Stmt& inner) {
      const auto* node = as<For>(inner);
      return node != nullptr && node->name == loop->name ? copies : inner;
    });
    int statements = 0;
    for_each(flat.body, [&](const Stmt&) { ++statements; });
    constexpr int kMostStatements = 20'000;
    if (statements > kMostStatements) {
      throw UserError(
          "unrolled loops make more statements than RTL can be made of",
          fmt::format("loop {} does not run side by side, so it is copied out: unroll it less, or "
                      "make its iterations independent; at most {} statements are made",
                      loop->name, kMostStatements));
    }
  }
  return result;
}

}  // namespace heddle::kernel::rtl
