// fuse and fission: two loops become one, one becomes two.
#include <algorithm>

#include "base/error.h"
#include "kernel/rewrite.h"
#include "kernel/schedule/loops.h"
#include "kernel/schedule/nest.h"

namespace heddle::kernel {
namespace {

// fuse

/// The number of iterations as an expression that is not negative where it matters: a product of
/// two negative numbers would be positive.
Expr trip_expression(const For& loop, bool other_is_literal) {
  const Expr trip = simplify(loop.upper - loop.lower);
  if (const auto count = trip_count(loop)) return index_literal(*count);
  return other_is_literal ? trip : max(trip, index_literal(0));
}

void check_fusable(const Kernel& kernel, const std::string& step, const Stmt& outer,
                   const Stmt& inner) {
  const For& a = *as<For>(outer);
  const For& b = *as<For>(inner);
  for (const Expr& bound : {b.lower, b.upper}) {
    if (!mentions(bound, a.name)) continue;
    refuse(kernel, {step,
                    fmt::format("the bounds of {} depend on {}: its trip count differs from "
                                "iteration to iteration",
                                b.name, a.name),
                    {{inner, fmt::format("<-- depends on {}", a.name)}},
                    "fuse loops of a rectangular nest"});
  }
  for (const For* loop : {&a, &b}) {
    const auto array = changed_bound(*loop, b.body);
    if (!array) continue;
    refuse(kernel,
           {step,
            fmt::format("the bounds of {} read {}, which the body writes", loop->name, *array),
            {{loop == &a ? outer : inner, "<-- these bounds"}},
            fmt::format("copy what the bounds read of {} into another array first", *array)});
  }
  const bool loses_pipeline = a.marks.pipeline.has_value();
  if (loses_pipeline || a.marks.unroll != b.marks.unroll) {
    refuse(kernel, {step,
                    fmt::format("{} {} is {}, and the fused loop cannot be", "loop",
                                loses_pipeline || a.marks.unroll ? a.name : b.name,
                                loses_pipeline ? "pipelined" : "unrolled"),
                    {{outer, "<-- outer"}, {inner, "<-- inner"}},
                    "fuse before the loops are pipelined or unrolled"});
  }
}

// fission

bool stores_to(const Stmt& stmt, const std::string& array) {
  return written_arrays(stmt).contains(array);
}

const std::string& declared_name(const Stmt& stmt) {
  const auto* array = as<DeclareArray>(stmt);
  return array ? array->array.name : as<DeclareStream>(stmt)->stream.name;
}

/// Where T starts among the loop's statements.
std::size_t cut_position(const Kernel& kernel, const std::string& step, const Place& place,
                         const std::string& at) {
  const For& loop = *as<For>(place.statement);
  const std::vector<Stmt> body = statements_of(loop.body);
  const auto first = static_cast<std::size_t>(
      std::find_if(body.begin(), body.end(), [](const Stmt& s) { return !is_declaration(s); }) -
      body.begin());
  bool names_first = false;
  for (std::size_t i = first; i < body.size(); ++i) {
    const auto* inner = as<For>(body[i]);
    const bool is_it = (inner != nullptr && inner->name == at) || stores_to(body[i], at);
    if (is_it && i > first) return i;
    names_first = names_first || is_it;
  }
  Refusal refusal{step, "", {{place.statement, "<-- this loop"}}, ""};
  refusal.reason =
      names_first ? fmt::format("nothing in loop {} stands before the statement that {} names",
                                loop.name, at)
                  : fmt::format("no statement of loop {} is a loop {} or stores to an array {}",
                                loop.name, at, at);
  std::set<std::string> choices;
  for (std::size_t i = first + 1; i < body.size(); ++i) {
    if (const auto* inner = as<For>(body[i])) choices.insert(inner->name);
    choices.merge(written_arrays(body[i]));
  }
  refusal.remedy = choices.empty() ? "a loop with a single statement cannot be divided"
                                   : "the second loop can start at";
  std::string separator = " ";
  for (const std::string& choice : choices) {
    refusal.remedy += separator + choice;
    separator = ", ";
  }
  refuse(kernel, refusal);
}

/// Names that a statement uses: loads, stores, streams, calls.
std::set<std::string> used_names(const Kernel& kernel, const Stmt& stmt) {
  std::set<std::string> names;
  for (const Access& access : accesses(kernel, stmt)) names.insert(access.array);
  return names;
}

/// The halves of a loop's body; each takes the declarations that it uses.
struct Halves {
  std::vector<Stmt> first, second;
};

Halves halves_of(const Kernel& kernel, const std::string& step, const Stmt& loop,
                 std::size_t position) {
  const std::vector<Stmt> body = statements_of(as<For>(loop)->body);
  Halves halves;
  for (std::size_t i = 0; i < body.size(); ++i) {
    if (!is_declaration(body[i])) (i < position ? halves.first : halves.second).push_back(body[i]);
  }
  const auto first_uses = used_names(kernel, make_stmt(Block{halves.first}));
  const auto second_uses = used_names(kernel, make_stmt(Block{halves.second}));
  std::vector<Stmt> declared_first;
  std::vector<Stmt> declared_second;
  for (const Stmt& stmt : body) {
    if (!is_declaration(stmt)) continue;
    const std::string& name = declared_name(stmt);
    if (first_uses.contains(name) && second_uses.contains(name)) {
      refuse(
          kernel,
          {step,
           fmt::format("{} is declared in the loop's body and used by both parts", name),
           {{stmt, "<-- lives for one iteration"}, {body[position], "<-- second part"}},
           fmt::format("give {} an element for each iteration and declare it before the loop, or "
                       "divide the loop at a place that leaves its uses together",
                       name)});
    }
    (second_uses.contains(name) ? declared_second : declared_first).push_back(stmt);
  }
  halves.first.insert(halves.first.begin(), declared_first.begin(), declared_first.end());
  halves.second.insert(halves.second.begin(), declared_second.begin(), declared_second.end());
  return halves;
}

/// Whether an access stands in the loop's second part; its position starts at the loop.
bool is_in_second(const Access& access, std::size_t position) {
  return access.position.at(1) >= static_cast<int>(position);
}

}  // namespace

Kernel fuse(const Kernel& kernel, const std::string& outer, const std::string& inner) {
  const std::string step = fmt::format("fuse {} {}", outer, inner);
  const Place place = find_loop(kernel, outer);
  const Place inner_place = find_loop(kernel, inner);
  const For& a = *as<For>(place.statement);
  const std::vector<Stmt> body = statements_of(a.body);
  if (body.size() != 1 || body[0] != inner_place.statement) {
    refuse(kernel, {step,
                    fmt::format("loop {} is not all that is inside of {}", inner, outer),
                    {{place.statement, "<-- outer"}, {inner_place.statement, "<-- inner"}},
                    fmt::format("fuse two loops that stand directly inside of one another; fission "
                                "{} {} takes statements before it out",
                                outer, inner)});
  }
  const For& b = *as<For>(body[0]);
  check_fusable(kernel, step, place.statement, body[0]);

  std::set<std::string> taken = names_in(kernel);
  For fused{fresh_name(outer + "_" + inner, taken), index_literal(0), {}, b.marks, {}};
  const Expr inner_trip = trip_expression(b, trip_count(a).has_value());
  fused.upper = simplify(trip_expression(a, trip_count(b).has_value()) * inner_trip);
  fused.marks.parallel = a.marks.parallel || b.marks.parallel;

  const Expr counter = variable(fused.name, index_type());
  Ranges ranges = ranges_around(place);
  if (const auto range = counter_range(fused, ranges)) ranges[fused.name] = *range;
  // A loop without iterations has no body that could divide by its trip count.
  const bool is_empty = trip_count(b) == 0;
  const Expr divisor = is_empty ? index_literal(1) : inner_trip;
  const Stmt half =
      replace_counter(b.body, outer, simplify(a.lower + counter / divisor, ranges), ranges);
  fused.body = replace_counter(half, inner, simplify(b.lower + counter % divisor, ranges), ranges);
  const std::string name = fused.name;
  Kernel result = exchange(kernel, place.statement, {make_stmt(std::move(fused))});
  check_marks(kernel, step, place.statement, result, {name});
  return result;
}

Kernel fission(const Kernel& kernel, const std::string& loop, const std::string& at) {
  const std::string step = fmt::format("fission {} {}", loop, at);
  const Place place = find_loop(kernel, loop);
  const std::size_t position = cut_position(kernel, step, place, at);
  const Halves halves = halves_of(kernel, step, place.statement, position);
  For first = *as<For>(place.statement);
  For second = first;
  first.body = block(halves.first);
  second.body = block(halves.second);

  if (const auto array = changed_bound(first, first.body)) {
    refuse(kernel,
           {step,
            fmt::format("the bounds of {} read {}, which the first part writes", loop, *array),
            {{place.statement, "<-- these bounds would be evaluated again"}},
            fmt::format("copy what the bounds read of {} into another array first", *array)});
  }
  std::vector<Access> of_first;
  std::vector<Access> of_second;
  for (Access& access : accesses(kernel, place.statement)) {
    (is_in_second(access, position) ? of_second : of_first).push_back(std::move(access));
  }
  const OrderChange later = [&](Formula& formula, const Access&, const Formula::Renaming& source,
                                const Access&, const Formula::Renaming& sink) {
    formula.require(source.at(loop), "<", sink.at(loop));
  };
  // What the second part does in an early iteration now follows the first part of later ones.
  if (const auto reversed = violated(of_second, of_first, later)) {
    refuse(kernel,
           dependence_refusal(step, "a later iteration's first part needs an earlier one's second",
                              *reversed, "divide the loop where no value flows back to its start"));
  }
  std::set<std::string> taken = names_in(kernel);
  second.name = fresh_name(loop, taken);
  second.body = rename(second.body, {{loop, second.name}});
  return exchange(kernel, place.statement,
                  {make_stmt(std::move(first)), make_stmt(std::move(second))});
}

}  // namespace heddle::kernel
