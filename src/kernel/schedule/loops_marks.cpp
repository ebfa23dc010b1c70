// pipeline and parallel: how a loop is carried out.
#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.h"
#include "kernel/rewrite.h"
#include "kernel/schedule/loops.h"
#include "kernel/schedule/nest.h"

namespace heddle::kernel {
namespace {

/// Whether all statements that touch the array are inside of the loop, and it is declared outside.
bool is_used_only_in(const Kernel& kernel, const Stmt& loop, const std::string& array) {
  bool is_local = false;
  for_each(kernel.body, [&](const Stmt& stmt) {
    const auto* declaration = as<DeclareArray>(stmt);
    is_local = is_local || (declaration != nullptr && declaration->array.name == array);
  });
  const auto uses = [&](const Stmt& root) {
    const std::vector<Access> all = accesses(kernel, root);
    return std::count_if(all.begin(), all.end(),
                         [&](const Access& access) { return access.array == array; });
  };
  return is_local && uses(loop) == uses(kernel.body);
}

/// The loops around and inside of a loop that could be parallel.
std::vector<std::string> parallel_choices(const Kernel& kernel, const Place& place) {
  std::vector<Stmt> loops = place.around;
  for_each(place.statement, [&](const Stmt& stmt) { loops.push_back(stmt); });
  std::vector<std::string> names;
  for (const Stmt& stmt : loops) {
    const auto* loop = as<For>(stmt);
    if (loop == nullptr || carried_dependence(kernel, stmt, Reductions::kKeepOrder)) continue;
    names.push_back(fmt::format("parallel {}", loop->name));
  }
  return names;
}

std::string parallel_remedy(const Kernel& kernel, const Place& place,
                            const Dependence& dependence) {
  const std::string& loop = as<For>(place.statement)->name;
  const std::string& array = dependence.source.array;
  std::string remedy;
  if (is_used_only_in(kernel, place.statement, array)) {
    remedy =
        fmt::format("declare {} inside of loop {}: nothing outside of it uses it; ", array, loop);
  }
  const std::vector<std::string> choices = parallel_choices(kernel, place);
  return remedy + (choices.empty() ? "no loop of this nest is parallel as it stands"
                                   : fmt::format("legal here: {}", fmt::join(choices, ", or ")));
}

}  // namespace

Kernel pipeline(const Kernel& kernel, const std::string& loop, int initiation_interval) {
  const Place place = find_loop(kernel, loop);
  For node = *as<For>(place.statement);
  const std::string step = fmt::format("pipeline {} {}", loop, initiation_interval);
  const auto reject = [&](const std::string& reason, const Stmt& where, const std::string& note,
                          const std::string& remedy) {
    refuse(kernel, {step, reason, {{where, note}}, remedy});
  };
  if (initiation_interval < 1) {
    reject(fmt::format("an iteration cannot start every {} cycles", initiation_interval),
           place.statement, "<-- this loop", "give an initiation interval of 1 or more");
  }
  if (node.marks.unroll) {
    reject(fmt::format("loop {} is unrolled: its iterations run side by side", loop),
           place.statement, "<-- unrolled", "pipeline a loop around it");
  }
  if (const auto obstacle = pipeline_obstacle(node)) {
    reject(*obstacle + ", and the loops inside of a pipelined one are unrolled", place.statement,
           "<-- this loop", "pipeline the innermost loop that is around no such loop");
  }
  for (const Stmt& around : place.around) {
    const auto* outer = as<For>(around);
    if (outer == nullptr || !outer->marks.pipeline) continue;
    reject(
        fmt::format("loop {} around it is pipelined already, which unrolls {}", outer->name, loop),
        around, "<-- pipelined", "pipeline one loop of a nest");
  }
  node.marks.pipeline = initiation_interval;
  return exchange(kernel, place.statement, {make_stmt(std::move(node))});
}

Kernel parallel(const Kernel& kernel, const std::string& loop) {
  const Place place = find_loop(kernel, loop);
  For node = *as<For>(place.statement);
  if (const auto carried = carried_dependence(kernel, place.statement, Reductions::kKeepOrder)) {
    refuse(kernel, dependence_refusal(fmt::format("parallel {}", loop),
                                      "its iterations are not independent", *carried,
                                      parallel_remedy(kernel, place, *carried)));
  }
  node.marks.parallel = true;
  return exchange(kernel, place.statement, {make_stmt(std::move(node))});
}

}  // namespace heddle::kernel
