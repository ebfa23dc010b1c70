#include "kernel/schedule/nest.h"

#include <algorithm>

#include "base/error.h"
#include "kernel/rewrite.h"

namespace heddle::kernel {

std::vector<const For*> Band::nodes() const {
  std::vector<const For*> result;
  result.reserve(loops.size());
  for (const Stmt& stmt : loops) result.push_back(as<For>(stmt));
  return result;
}

std::vector<std::string> Band::names() const {
  std::vector<std::string> result;
  result.reserve(loops.size());
  for (const Stmt& stmt : loops) result.push_back(as<For>(stmt)->name);
  return result;
}

bool Band::holds(const std::string& name) const {
  return std::any_of(loops.begin(), loops.end(),
                     [&](const Stmt& stmt) { return as<For>(stmt)->name == name; });
}

std::size_t Band::depth_of(const std::string& name) const {
  ensure(holds(name), "loop {} is not in this band", name);
  std::size_t depth = 0;
  while (loop(depth).name != name) ++depth;
  return depth;
}

Band band_from(const Stmt& outermost) {
  Band band;
  Stmt next = outermost;
  std::vector<Band::Guard> pending;  // ifs that count only if a loop follows
  Stmt behind = outermost;
  for (;;) {
    const std::vector<Stmt> alone = statements_of(next);
    if (alone.size() != 1) break;
    if (const auto* loop = as<For>(alone[0])) {
      band.guards.insert(band.guards.end(), pending.begin(), pending.end());
      pending.clear();
      band.loops.push_back(alone[0]);
      next = loop->body;
      behind = next;
    } else if (const auto* branch = as<If>(alone[0]); branch && !branch->otherwise) {
      pending.push_back({branch->condition, band.loops.size()});
      next = branch->then;
    } else {
      break;
    }
  }
  band.body = behind;
  return band;
}

Ranges ranges_around(const Place& place) {
  Ranges ranges;
  for (const For* loop : place.loops()) {
    if (const auto range = counter_range(*loop, ranges)) ranges[loop->name] = *range;
  }
  return ranges;
}

std::set<std::string> written_arrays(const Stmt& stmt) {
  std::set<std::string> names;
  for_each(stmt, [&](const Stmt& part) {
    if (const auto* store = as<Store>(part)) names.insert(store->array);
    if (const auto* get = as<Get>(part)) names.insert(get->array);
    const auto* call = as<Call>(part);
    if (call == nullptr) return;
    for (std::size_t i = 0; i < call->arguments.size(); ++i) {
      const auto* window = std::get_if<Window>(&call->arguments[i]);
      if (window == nullptr) continue;
      const auto& parameter = std::get<ArrayParameter>(call->callee->parameters[i]);
      if (parameter.direction != Direction::kIn) names.insert(window->array);
    }
  });
  return names;
}

std::optional<std::string> changed_bound(const For& loop, const Stmt& body) {
  std::set<std::string> loaded = loaded_arrays(loop.lower);
  loaded.merge(loaded_arrays(loop.upper));
  if (loaded.empty()) return std::nullopt;
  const std::set<std::string> written = written_arrays(body);
  const auto both = std::find_if(loaded.begin(), loaded.end(),
                                 [&](const std::string& name) { return written.contains(name); });
  if (both == loaded.end()) return std::nullopt;
  return *both;
}

std::optional<std::string> pipeline_obstacle(const For& loop) {
  std::optional<std::string> obstacle;
  for_each(loop.body, [&](const Stmt& part) {
    const auto* inner = as<For>(part);
    if (inner == nullptr || obstacle) return;
    if (!trip_count(*inner)) {
      obstacle =
          fmt::format("loop {} inside of {} has no literal trip count", inner->name, loop.name);
    } else if (inner->marks.pipeline) {
      obstacle = fmt::format("loop {} inside of {} is pipelined", inner->name, loop.name);
    }
  });
  return obstacle;
}

void check_marks(const Kernel& before, const std::string& step, const Stmt& shown,
                 const Kernel& after, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const Place place = find_loop(after, name);
    const auto& loop = *as<For>(place.statement);
    if (loop.marks.pipeline) {
      std::optional<std::string> obstacle = pipeline_obstacle(loop);
      for (const For* around : place.loops()) {
        if (!obstacle && around->marks.pipeline) {
          obstacle = fmt::format("{} would stand inside of {}, which is pipelined too", loop.name,
                                 around->name);
        }
      }
      if (obstacle) {
        refuse(before, {step,
                        fmt::format("the pipeline of loop {} could not stay: {}", name, *obstacle),
                        {{shown, "<-- here"}},
                        "take this step before the loop is pipelined"});
      }
    }
    if (!loop.marks.parallel) continue;
    if (const auto carried = carried_dependence(after, place.statement, Reductions::kKeepOrder)) {
      refuse(before,
             {step,
              fmt::format("loop {} would no longer be parallel: {}", name, to_string(*carried)),
              {{shown, "<-- here"}},
              "take this step before the loop is made parallel"});
    }
  }
}

Refusal dependence_refusal(const std::string& step, const std::string& reason,
                           const Dependence& dependence, std::string remedy) {
  Refusal refusal{step, fmt::format("{}: {}", reason, to_string(dependence)), {}, {}};
  const auto mark = [&](const Access& access, std::string_view role) {
    refusal.marks.push_back(
        {access.statement,
         fmt::format("<-- {} {} {}", role, access.write ? "writes" : "reads", access.array)});
  };
  if (dependence.source.statement == dependence.sink.statement) {
    refusal.marks.push_back({dependence.source.statement, "<-- before and after"});
  } else {
    mark(dependence.source, "first");
    mark(dependence.sink, "then");
  }
  refusal.remedy = std::move(remedy);
  return refusal;
}

}  // namespace heddle::kernel
