#include "kernel/schedule/dependence.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "kernel/rewrite.h"
#include "kernel/schedule/place.h"

namespace heddle::kernel {
namespace {

using Renaming = Formula::Renaming;
using Vector = std::vector<std::int64_t>;

/// Accesses that the formulas cannot tell apart have the same number.
std::vector<std::size_t> geometries(const std::vector<Access>& list) {
  const auto is_same = [](const Access& a, const Access& b) {
    return a.statement == b.statement && a.position == b.position && a.array == b.array &&
           a.whole == b.whole &&
           std::equal(a.indices.begin(), a.indices.end(), b.indices.begin(), b.indices.end(),
                      [](const Expr& x, const Expr& y) { return equal(x, y); });
  };
  std::vector<std::size_t> numbers;
  for (std::size_t i = 0; i < list.size(); ++i) {
    std::size_t same = 0;
    while (!is_same(list[same], list[i])) ++same;
    numbers.push_back(same);
  }
  return numbers;
}

/// Whether the order of the two matters if they touch the same element.
bool conflict(const Access& a, const Access& b, Reductions reductions) {
  // Streams of limited depth make a process wait: with its puts and gets in another order, on
  // whatever channels, processes might wait for each other for ever.
  const bool same = a.array == b.array || (a.stream && b.stream);
  if (!same || (!a.write && !b.write)) return false;
  const bool commute = a.reduction && a.reduction == b.reduction;
  return !commute || reductions == Reductions::kKeepOrder;
}

std::vector<std::string> common_loops(const Access& a, const Access& b) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < std::min(a.loops.size(), b.loops.size()); ++i) {
    if (a.loops[i]->name != b.loops[i]->name) break;
    names.push_back(a.loops[i]->name);
  }
  return names;
}

/// One pair of accesses under question.
struct Pair {
  const Access& source;
  const Access& sink;
  std::vector<std::string> loops;
  Formula formula;
  Renaming source_names, sink_names;

  [[nodiscard]] std::string later(std::size_t loop, std::int64_t by) const {
    return fmt::format("{} + {}", source_names.at(loops[loop]), by);
  }
  [[nodiscard]] const std::string& sink_counter(std::size_t loop) const {
    return sink_names.at(loops[loop]);
  }
};

Pair ask(const Access& source, const Access& sink, const OrderChange& moved) {
  Pair pair{source, sink, common_loops(source, sink), {}, {}, {}};
  add_surroundings(pair.formula, source);
  pair.source_names = add_domain(pair.formula, source, "src");
  pair.sink_names = add_domain(pair.formula, sink, "snk");
  add_same_element(pair.formula, source, pair.source_names, sink, pair.sink_names);
  moved(pair.formula, source, pair.source_names, sink, pair.sink_names);
  return pair;
}

/// A solution with that distance, if there is one.
std::optional<Answer> at_distance(const Pair& pair, const Vector& distance) {
  Formula formula = pair.formula;
  for (std::size_t i = 0; i < pair.loops.size(); ++i) {
    formula.require(pair.sink_counter(i), "=", pair.later(i, distance[i]));
  }
  Answer answer = formula.solve();
  if (answer.kind != Answer::Kind::kSolution) return std::nullopt;
  return answer;
}

/// An example at distance 1 in one loop (innermost first), or back by 1 in another as well, if
/// there is one, since it reads best.
Answer readable_example(const Pair& pair, Answer any) {
  const std::size_t depth = pair.loops.size();
  for (std::size_t i = depth; i-- > 0;) {
    Vector distance(depth, 0);
    distance[i] = 1;
    if (std::optional<Answer> near = at_distance(pair, distance)) return *std::move(near);
  }
  for (std::size_t i = depth; i-- > 0;) {
    for (std::size_t back = i + 1; back < depth; ++back) {
      Vector distance(depth, 0);
      distance[i] = 1;
      distance[back] = -1;
      if (std::optional<Answer> near = at_distance(pair, distance)) return *std::move(near);
    }
  }
  return any;
}

bool is_only_distance(const Pair& pair, const Vector& distance) {
  Formula formula = pair.formula;
  std::vector<std::vector<Formula::Relation>> others;
  others.reserve(pair.loops.size());
  for (std::size_t i = 0; i < pair.loops.size(); ++i) {
    others.push_back({{pair.sink_counter(i), "!=", pair.later(i, distance[i])}});
  }
  formula.require_any(others);
  return formula.solve().kind == Answer::Kind::kNone;
}

std::map<std::string, std::int64_t> iteration(const Access& access, const Renaming& names,
                                              const Answer& answer) {
  std::map<std::string, std::int64_t> values;
  for (const For* loop : access.loops) {
    const auto value = answer.solution.find(names.at(loop->name));
    values[loop->name] = value == answer.solution.end() ? 0 : value->second;
  }
  return values;
}

Dependence describe(const Pair& pair, Answer answer) {
  Dependence result;
  result.source = pair.source;
  result.sink = pair.sink;
  result.loops = pair.loops;
  const bool is_known = answer.kind == Answer::Kind::kSolution;
  result.certain = is_known && pair.formula.exact() && !pair.source.whole && !pair.sink.whole &&
                   pair.source.spans.empty() && pair.sink.spans.empty();
  if (!is_known) return result;
  answer = readable_example(pair, std::move(answer));
  result.source_iteration = iteration(pair.source, pair.source_names, answer);
  result.sink_iteration = iteration(pair.sink, pair.sink_names, answer);
  for (const std::string& loop : pair.loops) {
    result.distance.push_back(result.sink_iteration[loop] - result.source_iteration[loop]);
  }
  result.constant = is_only_distance(pair, result.distance);
  return result;
}

/// Which pairs are looked at first: what is read after it was written explains best.
enum class Turn : std::uint8_t { kFlow, kRest };

Turn turn_of(const Access& source, const Access& sink) {
  return source.write && !sink.write ? Turn::kFlow : Turn::kRest;
}

std::set<std::string> declared_in(const Stmt& stmt) {
  std::set<std::string> names;
  for_each(stmt, [&](const Stmt& part) {
    if (const auto* array = as<DeclareArray>(part)) names.insert(array->array.name);
    if (const auto* stream = as<DeclareStream>(part)) names.insert(stream->stream.name);
  });
  return names;
}

/// The accesses of what can be shared between iterations of loops around the declarations.
std::vector<Access> shared_accesses(const Kernel& kernel, const Stmt& root) {
  std::vector<Access> all = accesses(kernel, root);
  const std::set<std::string> own = declared_in(root);
  std::erase_if(all, [&](const Access& access) { return own.contains(access.array); });
  return all;
}

/// The renamed counters of loops.
std::vector<std::string> counters(const std::vector<std::string>& loops, const Renaming& names) {
  std::vector<std::string> result;
  result.reserve(loops.size());
  for (const std::string& loop : loops) result.push_back(names.at(loop));
  return result;
}

std::string join(const std::vector<std::string>& parts) {
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string point(const std::map<std::string, std::int64_t>& iteration, const Access& access) {
  std::vector<std::string> parts;
  parts.reserve(access.loops.size());
  for (const For* loop : access.loops) {
    parts.push_back(fmt::format("{} = {}", loop->name, iteration.at(loop->name)));
  }
  return join(parts);
}

std::string kind_of(const Dependence& dependence) {
  const std::string_view later = dependence.sink.write ? "write" : "read";
  const std::string_view earlier = dependence.source.write ? "write" : "read";
  return fmt::format("{} after {} of {}", later, earlier, dependence.source.array);
}

std::string where(const Dependence& dependence) {
  if (dependence.source_iteration.empty() && dependence.sink_iteration.empty()) return "";
  if (dependence.loops.empty()) {
    return fmt::format(" (at {} after {})", point(dependence.sink_iteration, dependence.sink),
                       point(dependence.source_iteration, dependence.source));
  }
  std::vector<std::string> parts;
  parts.reserve(dependence.loops.size());
  for (std::size_t i = 0; i < dependence.loops.size(); ++i) {
    parts.push_back(fmt::format("{}: {}", dependence.loops[i], dependence.distance[i]));
  }
  return fmt::format(" at distance ({}){}", join(parts), dependence.constant ? "" : " and others");
}

}  // namespace

std::string to_string(const Dependence& dependence) {
  const std::string_view reads = dependence.sink.write ? "writes" : "reads";
  const std::string_view wrote = dependence.source.write ? "wrote" : "read";
  const bool is_one = dependence.source.statement == dependence.sink.statement;
  std::string text = fmt::format(
      "{}{}{}: {} {} what {} {}{}", dependence.certain ? "" : "possible ", kind_of(dependence),
      where(dependence), code(dependence.sink.statement), reads,
      is_one ? "it" : code(dependence.source.statement), wrote, is_one ? " before" : "");
  if (!dependence.certain) text += "; that they touch different elements could not be shown";
  return text;
}

std::optional<Dependence> violated(const std::vector<Access>& first,
                                   const std::vector<Access>& second, const OrderChange& moved,
                                   Reductions reductions) {
  const std::vector<std::size_t> first_geometry = geometries(first);
  const std::vector<std::size_t> second_geometry = geometries(second);
  std::set<std::pair<std::size_t, std::size_t>> free;
  for (const Turn turn : {Turn::kFlow, Turn::kRest}) {
    for (std::size_t i = 0; i < first.size(); ++i) {
      for (std::size_t j = 0; j < second.size(); ++j) {
        if (turn_of(first[i], second[j]) != turn) continue;
        if (!conflict(first[i], second[j], reductions)) continue;
        const auto geometry = std::pair(first_geometry[i], second_geometry[j]);
        if (free.contains(geometry)) continue;
        const Pair pair = ask(first[i], second[j], moved);
        Answer answer = pair.formula.solve();
        if (answer.kind != Answer::Kind::kNone) return describe(pair, std::move(answer));
        free.insert(geometry);
      }
    }
  }
  return std::nullopt;
}

std::optional<Dependence> carried_dependence(const Kernel& kernel, const Stmt& loop,
                                             Reductions reductions) {
  const auto* node = as<For>(loop);
  ensure(node != nullptr, "carried_dependence() was asked about something else than a loop");
  const std::vector<Access> all = shared_accesses(kernel, loop);
  const OrderChange next = [&](Formula& formula, const Access&, const Renaming& source,
                               const Access&, const Renaming& sink) {
    formula.require(source.at(node->name), "<", sink.at(node->name));
  };
  return violated(all, all, next, reductions);
}

std::vector<std::vector<Formula::Relation>> earlier(const std::vector<std::string>& x,
                                                    const std::vector<std::string>& y) {
  ensure(x.size() == y.size(), "times of different lengths");
  std::vector<std::vector<Formula::Relation>> alternatives;
  std::vector<Formula::Relation> prefix;
  for (std::size_t i = 0; i < x.size(); ++i) {
    alternatives.push_back(prefix);
    alternatives.back().push_back({x[i], "<", y[i]});
    prefix.push_back({x[i], "=", y[i]});
  }
  return alternatives;
}

std::optional<Dependence> reversed_by(const Kernel& kernel, const std::vector<const For*>& band,
                                      const Time& time, Reductions reductions) {
  std::vector<std::string> loops;
  loops.reserve(band.size());
  for (const For* loop : band) loops.push_back(loop->name);
  const std::vector<Access> all = shared_accesses(kernel, make_stmt(*band.front()));
  const OrderChange reversed = [&](Formula& formula, const Access&, const Renaming& source,
                                   const Access&, const Renaming& sink) {
    formula.require_any(earlier(counters(loops, source), counters(loops, sink)));
    formula.require_any(earlier(time(formula, sink), time(formula, source)));
  };
  return violated(all, all, reversed, reductions);
}

std::optional<Dependence> reversed_by_permutation(const Kernel& kernel,
                                                  const std::vector<const For*>& band,
                                                  const std::vector<std::string>& permuted,
                                                  Reductions reductions) {
  ensure(band.size() == permuted.size(), "a permutation of another band");
  const Time time = [&](Formula&, const Renaming& names) { return counters(permuted, names); };
  return reversed_by(kernel, band, time, reductions);
}

}  // namespace heddle::kernel
