// peel: the iterations that do not fill a factor become a loop of their own.
#include "base/error.h"
#include "kernel/rewrite.h"
#include "kernel/schedule/loops.h"
#include "kernel/schedule/nest.h"

namespace heddle::kernel {
namespace {

/// A copy of the loop with names of its own for all that it declares.
Stmt renamed_copy(const Stmt& stmt, const std::string& loop, const std::string& copy,
                  std::set<std::string>& taken) {
  std::map<std::string, std::string> names = {{loop, copy}};
  for (const std::string& name : names_in(stmt)) {
    if (name != loop) names.emplace(name, fresh_name(name, taken));
  }
  return rename(stmt, names);
}

}  // namespace

Kernel peel(const Kernel& kernel, const std::string& loop, std::int64_t factor) {
  const std::string step = fmt::format("peel {} {}", loop, factor);
  const Place place = find_loop(kernel, loop);
  const For& old = *as<For>(place.statement);
  if (factor < 2 || factor > (std::int64_t{1} << 31)) {
    refuse(kernel, {step,
                    fmt::format("{} iterations at a time leave nothing over", factor),
                    {{place.statement, "<-- this loop"}},
                    "give a factor from 2 to 2^31"});
  }
  if (old.marks.parallel || old.marks.unroll || old.marks.pipeline) {
    refuse(kernel, {step,
                    fmt::format("loop {} is marked already", loop),
                    {{place.statement, "<-- this loop"}},
                    "peel first, then mark both loops as each needs it"});
  }
  if (const auto array = changed_bound(old, old.body)) {
    refuse(kernel,
           {step,
            fmt::format("the bounds of loop {} read {}, which its body writes", loop, *array),
            {{place.statement, "<-- its bounds are evaluated once, before the loop"}},
            fmt::format("copy what the bounds read of {} into another array first", *array)});
  }
  const Expr lot = constant(index_type(), Int128{factor});
  // max: a loop may have no iteration at all, and then its bounds may stand in any order.
  const Expr trip = max(old.upper - old.lower, to_index(0));
  const Expr middle = simplify(old.lower + trip / lot * lot);
  std::set<std::string> taken = names_in(kernel);
  const std::string rest_name = fresh_name(loop + "_rest", taken);
  For whole = old;
  whole.upper = middle;
  For rest = *as<For>(renamed_copy(place.statement, loop, rest_name, taken));
  rest.lower = middle;
  return exchange(kernel, place.statement,
                  {make_stmt(std::move(whole)), make_stmt(std::move(rest))});
}

}  // namespace heddle::kernel
