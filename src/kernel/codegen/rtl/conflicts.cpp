// Which accesses of a pipeline's iterations may touch the same element.
#include <fmt/core.h>

#include "kernel/codegen/rtl/iteration.h"
#include "kernel/schedule/dependence.h"

namespace heddle::kernel::rtl {
namespace {

using Names = Formula::Renaming;

std::vector<std::string> counters(const std::vector<const For*>& nest, const Names& names) {
  std::vector<std::string> result;
  result.reserve(nest.size());
  for (const For* loop : nest) result.push_back(names.at(loop->name));
  return result;
}

/// Iterations from the nest's first, up to a constant; nothing if an inner trip count is unknown.
std::optional<std::string> position(const std::vector<const For*>& nest, const Names& names) {
  if (nest.empty()) return "0";
  std::string text = names.at(nest.front()->name);
  for (std::size_t i = 1; i < nest.size(); ++i) {
    const std::optional<std::int64_t> trips = literal_trips(*nest[i]);
    if (!trips) return std::nullopt;
    text = fmt::format("({}) * {} + {}", text, *trips, names.at(nest[i]->name));
  }
  return text;
}

/// Whether two accesses can meet between 1 and `within` iterations apart.
bool meet(const Access& source, const Access& sink, const std::vector<const For*>& nest,
          std::int64_t within) {
  const OrderChange later = [&](Formula& formula, const Access&, const Names& from, const Access&,
                                const Names& to) {
    const std::optional<std::string> first = position(nest, from);
    const std::optional<std::string> second = position(nest, to);
    if (!first || !second) {
      return formula.require_any(earlier(counters(nest, from), counters(nest, to)));
    }
    formula.require(*first, "<", *second);
    formula.require(*second, "<=", fmt::format("{} + {}", *first, within));
  };
  return violated({source}, {sink}, later, Reductions::kKeepOrder).has_value();
}

}  // namespace

std::optional<std::int64_t> nearest_conflict(const Access& source, const Access& sink,
                                             const std::vector<const For*>& nest,
                                             std::int64_t limit) {
  if (nest.empty() || !meet(source, sink, nest, limit)) return std::nullopt;
  std::int64_t low = 1;
  std::int64_t high = limit;
  while (low < high) {
    const std::int64_t middle = low + (high - low) / 2;
    if (meet(source, sink, nest, middle)) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

bool conflict_within(const Access& source, const Access& sink,
                     const std::vector<const For*>& nest) {
  const OrderChange same = [&](Formula& formula, const Access&, const Names& from, const Access&,
                               const Names& to) {
    for (const For* loop : nest) {
      formula.require(from.at(loop->name), "=", to.at(loop->name));
    }
  };
  return violated({source}, {sink}, same, Reductions::kKeepOrder).has_value();
}

}  // namespace heddle::kernel::rtl
