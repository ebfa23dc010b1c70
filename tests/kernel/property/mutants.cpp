#include "kernel/property/mutants.h"

#include "base/error.h"
#include "kernel/rewrite.h"
#include "kernel/schedule/memory.h"
#include "kernel/schedule/place.h"

namespace heddle::kernel {
namespace {

std::vector<Stmt> loops_where(const Kernel& kernel, const std::function<bool(const For&)>& wanted) {
  std::vector<Stmt> list;
  for_each(kernel.body, [&](const Stmt& stmt) {
    const auto* loop = as<For>(stmt);
    if (loop != nullptr && wanted(*loop)) list.push_back(stmt);
  });
  return list;
}

/// Two loops directly inside one another change places, whatever depends on what.
std::optional<Kernel> permute(const Kernel& kernel, Dice& dice) {
  const std::vector<Stmt> outer = loops_where(kernel, [](const For& loop) {
    const auto* inner = as<For>(loop.body);
    return inner != nullptr && !mentions(inner->lower, loop.name) &&
           !mentions(inner->upper, loop.name);
  });
  if (outer.empty()) return std::nullopt;
  const Stmt at = dice.pick(outer);
  For first = *as<For>(at);
  For second = *as<For>(first.body);
  first.body = second.body;
  second.body = make_stmt(std::move(first));
  return exchange(kernel, at, {make_stmt(std::move(second))});
}

/// A loop around two statements becomes two loops, whatever depends on what.
std::optional<Kernel> distribute(const Kernel& kernel, Dice& dice) {
  const std::vector<Stmt> loops = loops_where(kernel, [](const For& loop) {
    const std::vector<Stmt> body = statements_of(loop.body);
    return body.size() == 2 && as<DeclareArray>(body[0]) == nullptr;
  });
  if (loops.empty()) return std::nullopt;
  const Stmt at = dice.pick(loops);
  std::set<std::string> taken = names_in(kernel);
  For first = *as<For>(at);
  const std::vector<Stmt> body = statements_of(first.body);
  first.body = body[0];
  For second = *as<For>(at);
  second.name = fresh_name(first.name, taken);
  second.body = substitute(body[1], {{first.name, variable(second.name, index_type())}});
  return exchange(kernel, at, {make_stmt(std::move(first)), make_stmt(std::move(second))});
}

/// split by 3 whose guard leaves out the last iteration.
std::optional<Kernel> split_short(const Kernel& kernel, Dice& dice) {
  const std::vector<Stmt> loops = loops_where(kernel, [](const For& loop) {
    const auto trips = trip_count(loop);
    return trips && *trips % 3 != 0;
  });
  if (loops.empty()) return std::nullopt;
  const Stmt at = dice.pick(loops);
  const For& old = *as<For>(at);
  std::set<std::string> taken = names_in(kernel);
  const std::string outer = fresh_name(old.name + "_o", taken);
  const std::string inner = fresh_name(old.name + "_i", taken);
  const std::int64_t trips = *trip_count(old);
  const Expr position = variable(outer, index_type()) * 3 + variable(inner, index_type());
  Stmt body = make_stmt(If{position < to_index(trips - 1),
                           substitute(old.body, {{old.name, old.lower + position}}), nullptr});
  Stmt inside = make_stmt(For{inner, to_index(0), to_index(3), {}, std::move(body)});
  return exchange(
      kernel, at,
      {make_stmt(For{outer, to_index(0), to_index((trips + 2) / 3), {}, std::move(inside)})});
}

/// The last element of an array's first dimension lies where the first one does.
std::optional<Kernel> alias_banks(const Kernel& kernel, Dice& dice) {
  std::vector<std::string> arrays;
  for (const Parameter& parameter : kernel.parameters) {
    const auto* array = std::get_if<ArrayParameter>(&parameter);
    if (array != nullptr && array->direction == Direction::kInOut)
      arrays.push_back(array->array.name);
  }
  if (arrays.empty()) return std::nullopt;
  const std::string name = dice.pick(arrays);
  const Int128 extent = *as_integer(find_array(kernel, name)->shape[0]);
  const Expr banks = constant(index_type(), extent - 1);
  const auto aliased = [&](std::vector<Expr> indices) {
    indices[0] = indices[0] % banks;
    return indices;
  };
  Kernel result = kernel;
  result.body = transform(
      kernel.body,
      [&](const Stmt& stmt) {
        const auto* store = as<Store>(stmt);
        if (store == nullptr || store->array != name) return stmt;
        return make_stmt(Store{name, aliased(store->indices), store->value, store->reduce});
      },
      [&](const Expr& e) {
        return transform(e, [&](const Expr& part) {
          const auto* access = part.as<Load>();
          return access != nullptr && access->array == name
                     ? load(name, part.type(), aliased(access->indices))
                     : part;
        });
      });
  return result;
}

/// stage, but what was written to the tile is not copied back.
std::optional<Kernel> stage_without_storing(const Kernel& kernel, Dice& dice) {
  const std::vector<Stmt> loops = loops_where(kernel, [](const For&) { return true; });
  std::vector<std::string> arrays;
  for (const Parameter& parameter : kernel.parameters) arrays.push_back(name_of(parameter));
  if (loops.empty()) return std::nullopt;
  const std::string array = dice.pick(arrays);
  Kernel staged;
  try {
    staged = stage(kernel, array, as<For>(dice.pick(loops))->name, Storage::kBram);
  } catch (const UserError&) {
    return std::nullopt;
  }
  bool dropped = false;
  staged.body = transform(staged.body, [&](const Stmt& stmt) -> Stmt {
    const auto* store = as<Store>(stmt);
    const auto* value = store == nullptr ? nullptr : store->value.as<Load>();
    if (value == nullptr || store->array != array || value->array != array + "_tile") return stmt;
    dropped = true;
    return nullptr;
  });
  if (!dropped || !staged.body) return std::nullopt;
  return staged;
}

}  // namespace

const std::vector<Mutant>& mutants() {
  static const std::vector<Mutant> list = {
      {"reorder without its dependence check", permute},
      {"fission without its dependence check", distribute},
      {"split one iteration short", split_short},
      {"partition whose banks alias", alias_banks},
      {"stage that does not write back", stage_without_storing}};
  return list;
}

}  // namespace heddle::kernel
