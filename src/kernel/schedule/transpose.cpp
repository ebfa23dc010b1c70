// transpose: the dimensions of a local array in another order.
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "kernel/rewrite.h"
#include "kernel/schedule/memory.h"
#include "kernel/schedule/place.h"

namespace heddle::kernel {
namespace {

template <typename T>
std::vector<T> permuted(const std::vector<T>& list, const std::vector<int>& order) {
  std::vector<T> result;
  result.reserve(list.size());
  if (list.empty()) return result;  // no partition at all
  for (const int from : order) result.push_back(list[static_cast<std::size_t>(from)]);
  return result;
}

}  // namespace

Kernel transpose(const Kernel& kernel, const std::string& array, const std::vector<int>& order) {
  const std::string step = fmt::format("transpose {} {}", array, fmt::join(order, " "));
  const Array old = require_array(kernel, array);
  std::vector<int> sorted = order;
  std::sort(sorted.begin(), sorted.end());
  std::vector<int> all(old.shape.size());
  std::iota(all.begin(), all.end(), 0);
  if (sorted != all) {
    throw UserError(fmt::format("{}: not an order of {}'s {} dimensions", step, array, all.size()),
                    fmt::format("name each of {} once", fmt::join(all, ", ")));
  }
  const auto is_parameter = [&](const Parameter& p) { return name_of(p) == array; };
  if (std::any_of(kernel.parameters.begin(), kernel.parameters.end(), is_parameter)) {
    refuse(kernel, {step,
                    fmt::format("{} is an argument: its layout is the caller's", array),
                    {},
                    "stage it, and transpose the local copy"});
  }
  if (!old.table.empty() || old.lanes != 1) {
    refuse(kernel,
           {step,
            fmt::format("{} is {}", array, old.lanes != 1 ? "packed" : "a constant table"),
            {},
            old.lanes != 1 ? "transpose before packing" : "write the table in the order wanted"});
  }
  for_each(kernel.body, [&](const Stmt& stmt) {
    const auto* call = as<Call>(stmt);
    if (call == nullptr) return;
    for (const auto& argument : call->arguments) {
      const auto* window = std::get_if<Window>(&argument);
      if (window == nullptr || window->array != array) continue;
      refuse(kernel, {step,
                      fmt::format("{} is an argument of a call of {}", array, call->callee->name),
                      {{stmt, "<-- here"}},
                      "transpose first, then replace; or inline the call"});
    }
  });
  Array changed = old;
  changed.shape = permuted(old.shape, order);
  changed.partition = permuted(old.partition, order);
  Kernel result = with_array(kernel, array, changed);
  result.body = transform(
      result.body,
      [&](const Stmt& stmt) {
        if (const auto* store = as<Store>(stmt); store != nullptr && store->array == array) {
          return make_stmt(
              Store{array, permuted(store->indices, order), store->value, store->reduce});
        }
        if (const auto* get = as<Get>(stmt); get != nullptr && get->array == array) {
          return make_stmt(Get{get->stream, get->channel, array, permuted(get->indices, order)});
        }
        return stmt;
      },
      [&](const Expr& e) {
        return transform(e, [&](const Expr& part) {
          const auto* access = part.as<Load>();
          return access != nullptr && access->array == array
                     ? load(array, part.type(), permuted(access->indices, order))
                     : part;
        });
      });
  return result;
}

}  // namespace heddle::kernel
