// dataflow and stream: statements that run side by side.
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/error.h"
#include "kernel/rewrite.h"
#include "kernel/schedule/accesses.h"
#include "kernel/schedule/affine.h"
#include "kernel/schedule/place.h"
#include "kernel/schedule/processes.h"

namespace heddle::kernel {
namespace {

std::string process_name(const Stmt& stmt, std::set<std::string>& taken) {
  if (const auto* loop = as<For>(stmt)) return fresh_name(loop->name + "_process", taken);
  if (const auto* call = as<Call>(stmt)) return fresh_name(call->callee->name + "_process", taken);
  return fresh_name("process", taken);
}

struct Uses {
  std::set<std::string> reads;
  std::set<std::string> writes;
};

Uses uses_of(const Kernel& kernel, const Stmt& stmt) {
  Uses uses;
  for (const Access& access : accesses(kernel, stmt)) {
    (access.write ? uses.writes : uses.reads).insert(access.array);
  }
  return uses;
}

std::string label(const Stmt& stmt) {
  if (const auto* loop = as<For>(stmt)) return "loop " + loop->name;
  if (const auto* call = as<Call>(stmt)) return "the call of " + call->callee->name;
  return "a statement";
}

/// Processes meet in arrays in one direction only: one writes, it and later ones read.
void check_directions(const Kernel& kernel, const std::string& step,
                      const std::vector<Stmt>& processes) {
  std::vector<Uses> uses;
  uses.reserve(processes.size());
  for (const Stmt& process : processes) uses.push_back(uses_of(kernel, process));
  for (std::size_t writer = 0; writer < processes.size(); ++writer) {
    for (const std::string& array : uses[writer].writes) {
      if (find_array(kernel, array) == nullptr) continue;  // a stream: verify() checks its ends
      for (std::size_t other = 0; other < processes.size(); ++other) {
        const bool also_writes = other > writer && uses[other].writes.contains(array);
        const bool reads_before = other < writer && uses[other].reads.contains(array);
        if (!also_writes && !reads_before) continue;
        refuse(
            kernel,
            {step,
             fmt::format("{} writes {}, which {} {}", label(processes[writer]), array,
                         label(processes[other]), also_writes ? "writes too" : "reads before it"),
             {{processes[writer], fmt::format("<-- writes {}", array)},
              {processes[other],
               fmt::format("<-- {} {}", also_writes ? "writes" : "reads", array)}},
             "let one process alone write an array and only later ones read it: fission, "
             "compute_at or stage bring statements together"});
      }
    }
  }
}

/// The statements as processes, their declarations in front.
std::vector<Stmt> as_processes(const Kernel& kernel, const std::string& step,
                               const std::vector<Stmt>& statements) {
  std::vector<Stmt> result;
  std::vector<Stmt> processes;
  for (const Stmt& stmt : statements) (is_declaration(stmt) ? result : processes).push_back(stmt);
  if (processes.size() < 2) {
    refuse(kernel, {step,
                    fmt::format("there {} only {} statement{} to run side by side",
                                processes.size() == 1 ? "is" : "are", processes.size(),
                                processes.size() == 1 ? "" : "s"),
                    {},
                    "fission the loop, or stage an array into it, to have several"});
  }
  check_directions(kernel, step, processes);
  std::set<std::string> taken = names_in(kernel);
  Dataflow region;
  for (const Stmt& stmt : processes) region.processes.push_back({process_name(stmt, taken), stmt});
  result.push_back(make_stmt(std::move(region)));
  return result;
}

/// A write or read of the streamed array: its loops inside the process, and where.
struct End {
  std::vector<const For*> loops;
  std::vector<Expr> indices;
  Stmt statement;
};

[[noreturn]] void refuse_stream(const Kernel& kernel, const std::string& array, std::string reason,
                                const Stmt& place, std::string remedy) {
  Refusal refusal{"stream " + array, std::move(reason), {}, std::move(remedy)};
  if (place) refusal.marks.push_back({place, "<-- here"});
  refuse(kernel, refusal);
}

/// All accesses of one kind agree on place and loops; else it is refused.
End single_end(const Kernel& kernel, const std::string& array, const Stmt& process, bool write) {
  End end;
  const char* verb = write ? "written" : "read";
  for (const Access& access : accesses(kernel, process)) {
    if (access.array != array) continue;
    if (access.write != write || access.reduction) {
      refuse_stream(kernel, array, fmt::format("{} is read and written in one process", array),
                    access.statement, "accumulate in a scalar and store it once");
    }
    const bool is_call = access.whole || !access.spans.empty();
    if (is_call || !access.guards.empty()) {
      refuse_stream(
          kernel, array,
          fmt::format("{} is {} {}", array, verb, is_call ? "by a call" : "under a condition"),
          access.statement,
          is_call ? "inline the call first" : "move the condition into the value");
    }
    const bool is_first = end.statement == nullptr;
    if (!is_first && write) {
      refuse_stream(kernel, array, fmt::format("{} is written in two places", array),
                    access.statement, "store each element in one place, in the order of its use");
    }
    if (!is_first &&
        (access.loops != end.loops || access.indices.size() != end.indices.size() ||
         !std::equal(access.indices.begin(), access.indices.end(), end.indices.begin(),
                     [](const Expr& a, const Expr& b) { return difference(a, b) == 0; }))) {
      refuse_stream(kernel, array, fmt::format("{} is read at two different places", array),
                    access.statement,
                    "read each element once: stage or reuse_at keep it for later uses");
    }
    end = {access.loops, access.indices, access.statement};
  }
  return end;
}

std::vector<const For*> without_single_trips(const std::vector<const For*>& loops) {
  std::vector<const For*> result;
  for (const For* loop : loops) {
    if (trip_count(*loop) != 1) result.push_back(loop);
  }
  return result;
}

/// Whether two different iterations write the same element.
bool writes_twice(const Access& write) {
  Formula formula;
  const Formula::Renaming first = add_domain(formula, write, "_a");
  const Formula::Renaming second = add_domain(formula, write, "_b");
  add_same_element(formula, write, first, write, second);
  std::vector<std::vector<Formula::Relation>> differ;
  differ.reserve(write.loops.size());
  for (const For* loop : write.loops) {
    differ.push_back({{first.at(loop->name), "!=", second.at(loop->name)}});
  }
  if (differ.empty()) return false;
  formula.require_any(differ);
  return formula.solve().kind != Answer::Kind::kNone;
}

/// The elements are written and read in the same order: the loops run alike, and what the reader
/// reads in an iteration is what the writer wrote in the iteration of the same number.
void check_same_order(const Kernel& kernel, const std::string& array, const End& write,
                      const End& read) {
  const std::vector<const For*> writing = without_single_trips(write.loops);
  const std::vector<const For*> reading = without_single_trips(read.loops);
  const std::string remedy =
      "reorder the loops of one side until both go through the elements in the same order, each "
      "once";
  if (writing.size() != reading.size()) {
    refuse_stream(kernel, array,
                  fmt::format("{} is written by {} nested loops and read by {}", array,
                              writing.size(), reading.size()),
                  read.statement, remedy);
  }
  std::map<std::string, Expr> as_writer;
  for (std::size_t i = 0; i < writing.size(); ++i) {
    const bool same_trips =
        difference(writing[i]->upper - writing[i]->lower,
                   substitute(reading[i]->upper - reading[i]->lower, as_writer)) == 0;
    if (!same_trips) {
      refuse_stream(
          kernel, array,
          fmt::format("loops {} and {} run differently often", writing[i]->name, reading[i]->name),
          read.statement, remedy);
    }
    as_writer[reading[i]->name] =
        variable(writing[i]->name, index_type()) - writing[i]->lower + reading[i]->lower;
  }
  for (std::size_t d = 0; d < write.indices.size(); ++d) {
    const Expr& mine = write.indices[d];
    const Expr other = substitute(read.indices[d], as_writer);
    if (difference(mine, other) != 0) {
      refuse_stream(
          kernel, array,
          fmt::format("the same step of both nests writes `{}` and reads `{}` in dimension {}",
                      to_string(mine), to_string(other), d),
          read.statement, remedy);
    }
  }
}

/// The process with its stores to the array as puts.
Stmt streamed_write(const Stmt& process, const std::string& array) {
  return transform(process, [&](const Stmt& stmt) {
    const auto* store = as<Store>(stmt);
    if (store == nullptr || store->array != array) return stmt;
    return make_stmt(Put{array, {}, store->value});
  });
}

/// The process with one get at the start of its innermost loop in place of its loads.
Stmt streamed_read(const Stmt& process, const std::string& array, const Type& element,
                   const std::string& value, const For* innermost) {
  const Expr taken = load(value, element, {});
  const auto exchange_loads = [&](const Expr& e) {
    return transform(e, [&](const Expr& part) {
      const auto* access = part.as<Load>();
      return access != nullptr && access->array == array ? taken : part;
    });
  };
  Array local;
  local.name = value;
  local.element = element;
  const std::vector<Stmt> arrival = {make_stmt(DeclareArray{local}),
                                     make_stmt(Get{array, {}, value, {}})};
  const auto with_arrival = [&](const Stmt& body) {
    std::vector<Stmt> statements = arrival;
    statements.push_back(body);
    return block(std::move(statements));
  };
  Stmt body = transform(
      process,
      [&](const Stmt& stmt) {
        const auto* loop = as<For>(stmt);
        if (loop == nullptr || innermost == nullptr || loop->name != innermost->name) return stmt;
        For changed = *loop;
        changed.body = with_arrival(loop->body);
        return make_stmt(std::move(changed));
      },
      exchange_loads);
  return innermost == nullptr ? with_arrival(body) : body;
}

}  // namespace

Kernel dataflow(const Kernel& kernel, const std::string& loop) {
  const std::string step = loop.empty() ? "dataflow" : "dataflow " + loop;
  Kernel result = kernel;
  if (loop.empty()) {
    result.body = block(as_processes(kernel, step, statements_of(kernel.body)));
    return result;
  }
  const Place place = find_loop(kernel, loop);
  For changed = *as<For>(place.statement);
  if (changed.marks.pipeline || changed.marks.unroll) {
    refuse(kernel,
           {step,
            fmt::format("loop {} is {}", loop, changed.marks.unroll ? "unrolled" : "pipelined"),
            {{place.statement, "<-- here"}},
            "make processes of a loop that is neither; pipeline the loops inside"});
  }
  changed.body = block(as_processes(kernel, step, statements_of(changed.body)));
  return exchange(kernel, place.statement, {make_stmt(std::move(changed))});
}

Kernel stream(const Kernel& kernel, const std::string& array, std::int64_t depth) {
  const Array old = require_array(kernel, array);
  if (depth < 1) {
    throw UserError(fmt::format("stream {} {}: a depth of {}", array, depth, depth),
                    "give a depth of at least 1");
  }
  // The region whose processes touch the array.
  Stmt region;
  Stmt declaration;
  for_each(kernel.body, [&](const Stmt& stmt) {
    const auto* local = as<DeclareArray>(stmt);
    if (local != nullptr && local->array.name == array) declaration = stmt;
    const auto* candidate = as<Dataflow>(stmt);
    if (candidate == nullptr || region) return;
    int users = 0;
    for (const Dataflow::Process& process : candidate->processes) {
      const Uses uses = uses_of(kernel, process.body);
      users += uses.reads.contains(array) || uses.writes.contains(array) ? 1 : 0;
    }
    if (users > 1) region = stmt;
  });
  if (!declaration) {
    refuse_stream(kernel, array, fmt::format("{} is an argument, not a local array", array),
                  nullptr, "stream an array that stays inside of the kernel");
  }
  if (!region) {
    refuse_stream(kernel, array, fmt::format("no two processes meet in {}", array), declaration,
                  "apply dataflow first, so that its writer and its reader are processes");
  }
  std::vector<std::size_t> users;
  const Dataflow& processes = *as<Dataflow>(region);
  for (std::size_t i = 0; i < processes.processes.size(); ++i) {
    const Uses uses = uses_of(kernel, processes.processes[i].body);
    if (uses.reads.contains(array) || uses.writes.contains(array)) users.push_back(i);
  }
  if (users.size() != 2) {
    refuse_stream(kernel, array, fmt::format("{} processes use {}", users.size(), array), region,
                  "a stream has one writer and one reader: copy the array for the others");
  }
  const Stmt& writer = processes.processes[users[0]].body;
  const Stmt& reader = processes.processes[users[1]].body;
  const End write = single_end(kernel, array, writer, true);
  const End read = single_end(kernel, array, reader, false);
  for (const Access& access : accesses(kernel, writer)) {
    if (access.array == array && access.write && writes_twice(access)) {
      refuse_stream(kernel, array, fmt::format("an element of {} may be written twice", array),
                    access.statement, "store each element once");
    }
  }
  check_same_order(kernel, array, write, read);

  std::set<std::string> taken = names_in(kernel);
  Dataflow changed = processes;
  changed.processes[users[0]].body = streamed_write(writer, array);
  changed.processes[users[1]].body =
      streamed_read(reader, array, old.element, fresh_name(array + "_value", taken),
                    read.loops.empty() ? nullptr : read.loops.back());
  Kernel result = exchange(kernel, region, {make_stmt(std::move(changed))});
  result.body = transform(result.body, [&](const Stmt& stmt) {
    const auto* local = as<DeclareArray>(stmt);
    if (local == nullptr || local->array.name != array) return stmt;
    return make_stmt(DeclareStream{{array, old.element, {}, depth}});
  });
  return result;
}

}  // namespace heddle::kernel
