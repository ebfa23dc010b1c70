// split and unroll: one loop becomes two.
#include <algorithm>

#include "base/error.h"
#include "kernel/rewrite.h"
#include "kernel/schedule/loops.h"
#include "kernel/schedule/nest.h"
#include "kernel/schedule/split.h"

namespace heddle::kernel {
namespace {

constexpr std::int64_t kLargestFactor = std::int64_t{1} << 31;
/// As in verify(): more copies of a body than this are a mistake.
constexpr std::int64_t kMostUnrolled = 65536;

bool divides(std::int64_t factor, const Expr& trip) {
  const LinearForm form = linear_form(trip);
  return form.constant % factor == 0 &&
         std::all_of(form.terms.begin(), form.terms.end(),
                     [&](const LinearForm::Term& term) { return term.factor % factor == 0; });
}

std::string step_text(std::string_view primitive, const std::string& loop, std::int64_t number) {
  return fmt::format("{} {} {}", primitive, loop, number);
}

}  // namespace

SplitLoop split_loop(const Kernel& kernel, const std::string& loop, std::int64_t factor,
                     PipelineGoes pipeline, const std::string& step, const Kernel& shown) {
  const Place place = find_loop(kernel, loop);
  const auto& old = *as<For>(place.statement);
  const Stmt here = find_loop(shown, loop).statement;
  if (factor < 1 || factor > kLargestFactor) {
    refuse(shown, {step,
                   fmt::format("{} is not a number of iterations", factor),
                   {{here, "<-- this loop"}},
                   "give a factor from 1 to 2^31"});
  }
  if (const auto array = changed_bound(old, old.body)) {
    refuse(shown,
           {step,
            fmt::format("the bounds of loop {} read {}, which its body writes", loop, *array),
            {{here, "<-- its bounds are evaluated once, before the loop"}},
            fmt::format("copy what the bounds read of {} into another array first", *array)});
  }
  std::set<std::string> taken = names_in(kernel);
  SplitLoop result;
  result.outer = fresh_name(loop + "_o", taken);
  result.inner = fresh_name(loop + "_i", taken);
  const Expr trip = simplify(old.upper - old.lower);
  const Expr position = variable(result.outer, index_type()) * index_literal(factor) +
                        variable(result.inner, index_type());

  For outer{result.outer, index_literal(0), {}, {}, {}};
  For inner{result.inner, index_literal(0), index_literal(factor), old.marks, {}};
  outer.upper = simplify((trip + index_literal(factor - 1)) / index_literal(factor));
  std::swap(outer.marks.parallel, inner.marks.parallel);
  if (pipeline == PipelineGoes::kOutward) std::swap(outer.marks.pipeline, inner.marks.pipeline);

  Ranges ranges = ranges_around(place);
  for (const For* part : {&outer, &inner}) {
    if (const auto range = counter_range(*part, ranges)) ranges[part->name] = *range;
  }
  inner.body = replace_counter(old.body, loop, simplify(old.lower + position), ranges);
  if (!divides(factor, trip)) inner.body = make_stmt(If{position < trip, inner.body, nullptr});
  outer.body = make_stmt(std::move(inner));
  result.kernel = exchange(kernel, place.statement, {make_stmt(std::move(outer))});
  return result;
}

Kernel split(const Kernel& kernel, const std::string& loop, std::int64_t factor) {
  return split_loop(kernel, loop, factor, PipelineGoes::kInward, step_text("split", loop, factor),
                    kernel)
      .kernel;
}

Kernel unroll(const Kernel& kernel, const std::string& loop, std::int64_t factor) {
  const Place place = find_loop(kernel, loop);
  For node = *as<For>(place.statement);
  if (factor != 0) {
    const std::string step = step_text("unroll", loop, factor);
    if (factor > kMostUnrolled || factor < 0) {
      refuse(kernel, {step,
                      fmt::format("{} copies of the body are not possible", factor),
                      {{place.statement, "<-- this loop"}},
                      fmt::format("give a factor from 1 to {}", kMostUnrolled)});
    }
    SplitLoop halves = split_loop(kernel, loop, factor, PipelineGoes::kOutward, step, kernel);
    return unroll(halves.kernel, halves.inner, 0);
  }
  const std::string step = fmt::format("unroll {}", loop);
  const std::optional<std::int64_t> trip = trip_count(node);
  if (!trip) {
    refuse(kernel,
           {step,
            fmt::format("loop {} has no literal trip count", loop),
            {{place.statement, "<-- runs from one value to another that is only known later"}},
            fmt::format("unroll {} FACTOR unrolls so many iterations at a time", loop)});
  }
  if (*trip > kMostUnrolled) {
    refuse(kernel, {step,
                    fmt::format("loop {} has {} iterations; more than {} are not unrolled", loop,
                                *trip, kMostUnrolled),
                    {{place.statement, "<-- this loop"}},
                    fmt::format("unroll {} FACTOR unrolls so many iterations at a time", loop)});
  }
  if (node.marks.pipeline) {
    refuse(kernel,
           {step,
            fmt::format("loop {} is pipelined: its iterations start one after the other", loop),
            {{place.statement, "<-- pipelined"}},
            fmt::format("unroll {} FACTOR unrolls inside of the pipeline", loop)});
  }
  node.marks.unroll = true;
  return exchange(kernel, place.statement, {make_stmt(std::move(node))});
}

}  // namespace heddle::kernel
