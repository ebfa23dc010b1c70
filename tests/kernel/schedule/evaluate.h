// Index expressions by hand: values at a point, and random ones.
#pragma once

#include <rapidcheck.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "kernel/expr.h"

namespace heddle::kernel {

inline Expr index(const std::string& name) {
  return variable(name, index_type());
}

using Point = std::map<std::string, std::int64_t>;

/// The value of an index expression or condition, by the rules of type.h.
std::int64_t evaluate(const Expr& e, const Point& point);

/// A random index expression over the variables, of sums, products with literals, quotients,
/// remainders, min, max, abs and select, nested so deep.
rc::Gen<Expr> index_expressions(const std::vector<std::string>& variables, int depth);

/// Calls `visit` for every point of the box low..high (both included) of the variables.
template <typename Visit>
void for_each_point(const std::vector<std::string>& variables, std::int64_t low, std::int64_t high,
                    const Visit& visit, Point point = {}) {
  if (point.size() == variables.size()) return visit(point);
  for (std::int64_t value = low; value <= high; ++value) {
    point[variables[point.size()]] = value;
    for_each_point(variables, low, high, visit, point);
    point.erase(variables[point.size() - 1]);
  }
}

}  // namespace heddle::kernel
