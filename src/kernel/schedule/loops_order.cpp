// reorder and tile: the loops of a perfect nest in another order.
#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.h"
#include "kernel/rewrite.h"
#include "kernel/schedule/loops.h"
#include "kernel/schedule/nest.h"
#include "kernel/schedule/split.h"

namespace heddle::kernel {
namespace {

using Names = std::vector<std::string>;

/// More orders than these are not tried when a message lists the legal ones.
constexpr std::size_t kMostLoopsPermuted = 4;
constexpr std::size_t kMostOrdersListed = 6;

std::string joined(const Names& names) {
  return fmt::format("{}", fmt::join(names, " "));
}

/// The outermost of loops that all lie around one another.
Place outermost_of(const Kernel& kernel, const std::string& step, const Names& loops) {
  std::vector<Place> places;
  places.reserve(loops.size());
  for (const std::string& loop : loops) places.push_back(find_loop(kernel, loop));
  const auto depth = [](const Place& place) { return place.around.size(); };
  std::sort(places.begin(), places.end(),
            [&](const Place& a, const Place& b) { return depth(a) < depth(b); });
  for (std::size_t i = 1; i < places.size(); ++i) {
    const auto& around = places[i].around;
    if (std::find(around.begin(), around.end(), places[i - 1].statement) != around.end()) continue;
    const std::string& first = as<For>(places[i - 1].statement)->name;
    const std::string& second = as<For>(places[i].statement)->name;
    refuse(kernel,
           {step,
            fmt::format("loops {} and {} are not inside of one another", first, second),
            {{places[i - 1].statement, "<-- one"}, {places[i].statement, "<-- the other"}},
            "name loops of one nest; fission and compute_at take statements from nest to nest"});
  }
  return places.front();
}

/// Refuses unless the band reaches all loops named.
void check_perfect(const Kernel& kernel, const std::string& step, const Band& band,
                   const Names& loops) {
  for (const std::string& loop : loops) {
    if (band.holds(loop)) continue;
    Refusal refusal{step, "", {}, ""};
    const Place place = find_loop(kernel, loop);
    const For& last = band.loop(band.loops.size() - 1);
    Stmt between;
    for (const Stmt& stmt : statements_of(last.body)) {
      const bool holds_loop =
          stmt == place.statement ||
          std::find(place.around.begin(), place.around.end(), stmt) != place.around.end();
      if (holds_loop && as<For>(stmt)) continue;
      if (!between) between = stmt;
      refusal.marks.push_back({stmt, fmt::format("<-- between {} and {}", last.name, loop)});
    }
    ensure(between != nullptr, "a band ends without reason");
    refusal.reason = fmt::format("the nest of {} and {} is not perfect: {} stands between them",
                                 last.name, loop, code(between));
    refusal.remedy = fmt::format(
        "make {} the only statement in loop {}: fission {} {} takes the statements before it into "
        "a loop of their own (what they leave in a local must then be an array with an element for "
        "each iteration); or reorder only loops that stand directly inside of one another",
        loop, last.name, last.name, loop);
    refuse(kernel, refusal);
  }
}

/// Whether the guards and bounds of the band may be evaluated elsewhere in it.
void check_guards(const Kernel& kernel, const std::string& step, const Band& band) {
  const std::set<std::string> written = written_arrays(band.loops.front());
  for (const Band::Guard& guard : band.guards) {
    for (const std::string& array : loaded_arrays(guard.condition)) {
      if (!written.contains(array)) continue;
      refuse(kernel, {step,
                      fmt::format("the condition {} between the loops reads {}, which the nest "
                                  "writes",
                                  to_string(guard.condition), array),
                      {{band.loops[guard.depth - 1], "<-- around the condition"}},
                      "reorder only loops on one side of the condition"});
    }
    for (std::size_t i = guard.depth; i < band.loops.size(); ++i) {
      const For& loop = band.loop(i);
      std::set<std::string> loaded = loaded_arrays(loop.lower);
      loaded.merge(loaded_arrays(loop.upper));
      if (loaded.empty()) continue;
      refuse(kernel, {step,
                      fmt::format("the bounds of {} read {} and may be read only where {} holds",
                                  loop.name, *loaded.begin(), to_string(guard.condition)),
                      {{band.loops[i], "<-- these bounds"}},
                      "reorder only loops on one side of the condition"});
    }
  }
}

/// A loop whose bounds mention one that would no longer stand around it.
struct Escape {
  std::size_t loop = 0;
  std::string mentioned;
};

std::optional<Escape> escape(const Band& band, const Names& order) {
  Names outer;
  for (const std::string& name : order) {
    const std::size_t depth = band.depth_of(name);
    std::set<std::string> used = variables(band.loop(depth).lower);
    used.merge(variables(band.loop(depth).upper));
    for (const std::string& variable : used) {
      const bool is_inside =
          band.holds(variable) && std::find(outer.begin(), outer.end(), variable) == outer.end();
      if (is_inside) return Escape{depth, variable};
    }
    outer.push_back(name);
  }
  return std::nullopt;
}

/// The names of the band with those of `order` exchanged among their places.
Names placed(const Band& band, const Names& order) {
  Names result = band.names();
  std::size_t next = 0;
  for (std::string& name : result) {
    if (std::find(order.begin(), order.end(), name) != order.end()) name = order[next++];
  }
  return result;
}

/// The band's loops in another order. A guard stands as far out as its condition allows; one that
/// loads stays innermost, behind all others.
Stmt rebuilt(const Band& band, const Names& order) {
  const auto place_of = [&](const Band::Guard& guard) {
    if (!loaded_arrays(guard.condition).empty()) return order.size();
    std::size_t depth = 0;
    const std::set<std::string> used = variables(guard.condition);
    for (std::size_t i = 0; i < order.size(); ++i) {
      if (used.contains(order[i])) depth = i + 1;
    }
    return depth;
  };
  Stmt nest = band.body;
  for (std::size_t depth = order.size() + 1; depth-- > 0;) {
    for (std::size_t i = band.guards.size(); i-- > 0;) {
      if (place_of(band.guards[i]) == depth) {
        nest = make_stmt(If{band.guards[i].condition, nest, nullptr});
      }
    }
    if (depth == 0) break;
    For loop = band.loop(band.depth_of(order[depth - 1]));
    loop.body = nest;
    nest = make_stmt(std::move(loop));
  }
  return nest;
}

/// What reorder would accept among the loops named.
std::string legal_orders(const Kernel& kernel, const Band& band, Names loops) {
  if (loops.size() > kMostLoopsPermuted) return "keep these loops in the order in which they stand";
  const Names stands = loops;
  std::sort(loops.begin(), loops.end());
  std::vector<std::string> legal;
  do {
    const Names order = placed(band, loops);
    if (order == band.names() || escape(band, order)) continue;
    if (reversed_by_permutation(kernel, band.nodes(), order)) continue;
    legal.push_back("reorder " + joined(loops));
  } while (std::next_permutation(loops.begin(), loops.end()) && legal.size() < kMostOrdersListed);
  if (legal.empty()) return "these loops must stay in the order in which they stand";
  return fmt::format("legal here: {}", fmt::join(legal, ", or "));
}

void check_names(const Kernel& kernel, const std::string& step, const Names& loops) {
  std::set<std::string> seen;
  for (const std::string& loop : loops) {
    const Place place = find_loop(kernel, loop);
    if (seen.insert(loop).second) continue;
    refuse(kernel, {step,
                    fmt::format("loop {} is named twice", loop),
                    {{place.statement, "<-- this loop"}},
                    "name each loop once"});
  }
  if (loops.size() < 2) {
    throw UserError(fmt::format("cannot {}: there is nothing to reorder", step),
                    "name two loops or more, in the order in which they shall stand");
  }
}

/// The part of a nest between the outermost and the innermost loop named.
struct Section {
  Place place;
  Band band;
};

Section section_of(const Kernel& kernel, const std::string& step, const Names& loops) {
  check_names(kernel, step, loops);
  Section section;
  section.place = outermost_of(kernel, step, loops);
  section.band = band_from(section.place.statement);
  Band& band = section.band;
  check_perfect(kernel, step, band, loops);
  std::size_t last = 0;
  for (const std::string& loop : loops) last = std::max(last, band.depth_of(loop));
  band.loops.resize(last + 1);
  std::erase_if(band.guards, [&](const Band::Guard& guard) { return guard.depth > last; });
  band.body = band.loop(last).body;
  check_guards(kernel, step, band);
  return section;
}

void refuse_escape(const Kernel& kernel, const std::string& step, const Band& band,
                   const Escape& escape, const std::string& remedy) {
  const For& loop = band.loop(escape.loop);
  refuse(kernel,
         {step,
          fmt::format("the bounds of {}, {}..{}, depend on {}, which would no longer be around it",
                      loop.name, to_string(loop.lower), to_string(loop.upper), escape.mentioned),
          {{band.loops[escape.loop], fmt::format("<-- depends on {}", escape.mentioned)}},
          remedy});
}

// tile

/// The number of the block in which a split loop is.
std::string block_of(Formula& formula, const For& loop, std::int64_t factor,
                     const Formula::Renaming& names) {
  std::string number = formula.fresh("block");
  const std::string start =
      fmt::format("{} * {} + {}", factor, number, formula.term(loop.lower, names));
  formula.require(start, "<=", names.at(loop.name));
  formula.require(names.at(loop.name), "<", fmt::format("{} + {}", start, factor));
  return number;
}

}  // namespace

Kernel reorder(const Kernel& kernel, const Names& loops) {
  const std::string step = "reorder " + joined(loops);
  const auto [place, band] = section_of(kernel, step, loops);
  const Names order = placed(band, loops);
  if (const auto out = escape(band, order)) {
    refuse_escape(kernel, step, band, *out, legal_orders(kernel, band, loops));
  }
  if (const auto reversed = reversed_by_permutation(kernel, band.nodes(), order)) {
    refuse(kernel, dependence_refusal(step, "a dependence would be reversed", *reversed,
                                      legal_orders(kernel, band, loops)));
  }
  Kernel result = exchange(kernel, place.statement, {rebuilt(band, order)});
  check_marks(kernel, step, place.statement, result, order);
  return result;
}

Kernel tile(const Kernel& kernel, const std::string& outer, const std::string& inner,
            std::int64_t outer_factor, std::int64_t inner_factor) {
  const std::string step =
      fmt::format("tile {} {} {} {}", outer, inner, outer_factor, inner_factor);
  const auto [place, band] = section_of(kernel, step, {outer, inner});
  if (band.loop(0).name != outer) {
    refuse(kernel, {step,
                    fmt::format("loop {} stands inside of {}", outer, inner),
                    {{place.statement, "<-- the outer one"}},
                    fmt::format("tile {} {} {} {}", inner, outer, inner_factor, outer_factor)});
  }
  const std::string remedy = fmt::format(
      "split {} and {} alone is always legal; reorder tells which orders are", outer, inner);
  if (const auto out = escape(band, placed(band, {inner, outer}))) {
    refuse_escape(kernel, step, band, *out, remedy);
  }
  // The splits check the factors.
  const SplitLoop first =
      split_loop(kernel, outer, outer_factor, PipelineGoes::kInward, step, kernel);
  const SplitLoop second =
      split_loop(first.kernel, inner, inner_factor, PipelineGoes::kInward, step, kernel);
  const Time time = [&, &nest = band](Formula& formula, const Formula::Renaming& names) {
    const For& last = nest.loop(nest.loops.size() - 1);
    Names terms = {block_of(formula, nest.loop(0), outer_factor, names),
                   block_of(formula, last, inner_factor, names)};
    for (std::size_t i = 1; i + 1 < nest.loops.size(); ++i) {
      terms.push_back(names.at(nest.loop(i).name));
    }
    terms.push_back(names.at(outer));
    terms.push_back(names.at(inner));
    return terms;
  };
  if (const auto reversed = reversed_by(kernel, band.nodes(), time)) {
    refuse(kernel, dependence_refusal(step, "a dependence would be reversed", *reversed, remedy));
  }
  const Names halves = {first.outer, second.outer, first.inner, second.inner};
  const auto [split_place, split_band] = section_of(second.kernel, step, halves);
  Kernel result = exchange(second.kernel, split_place.statement,
                           {rebuilt(split_band, placed(split_band, halves))});
  check_marks(kernel, step, place.statement, result, split_band.names());
  return result;
}

}  // namespace heddle::kernel
