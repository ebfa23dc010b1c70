#include "kernel/property/random_kernel.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "kernel/builder.h"
#include "kernel/rewrite.h"
#include "kernel/schedule/nest.h"

namespace heddle::kernel {
namespace {

constexpr int kExtent = 8;  ///< of every dimension of every array

Type random_type(Dice& dice, Numbers numbers) {
  static const std::vector<Type> types = {
      int_type(8, Overflow::kWrap),
      int_type(16, Overflow::kWrap),
      int_type(32, Overflow::kWrap),
      uint_type(8, Overflow::kWrap),
      uint_type(5, Overflow::kSaturate),
      int_type(11, Overflow::kSaturateSymmetric),
      int_type(40, Overflow::kWrap),
      fixed_type(16, 8, Rounding::kNearestEven, Overflow::kSaturate),
      fixed_type(12, 3, Rounding::kNearestZero, Overflow::kWrap),
      ufixed_type(9, 6, Rounding::kNearestInfinity, Overflow::kSaturateZero)};
  static const std::vector<Type> floats = {float32_type(), float32_type(), bfloat16_type()};
  const int count = static_cast<int>(types.size() + (numbers == Numbers::kAny ? floats.size() : 0));
  const auto number = static_cast<std::size_t>(dice.roll(count));
  return number < types.size() ? types[number] : floats[number - types.size()];
}

class Writer {
 public:
  Writer(Dice& dice, Numbers numbers)
      : dice_(dice),
        numbers_(numbers),
        real_(numbers == Numbers::kAny ? float32_type()
                                       : fixed_type(28, 14, Rounding::kTruncate, Overflow::kWrap)),
        k_("random") {}

  KernelPtr write() {
    const int arrays = 2 + dice_.roll(3);
    for (int i = 0; i < arrays; ++i) {
      const Type type =
          i > 0 && dice_.one_in(2) ? arrays_.back().element() : random_type(dice_, numbers_);
      const std::vector<Expr> shape(static_cast<std::size_t>(1 + dice_.roll(2)), Expr(kExtent));
      const std::string name = fmt::format("{}", static_cast<char>('a' + i));
      arrays_.push_back(i == 0 ? k_.input(name, type, shape) : k_.inout(name, type, shape));
    }
    choices_ = k_.input("choices", uint_type(3), {kExtent});
    readable_ = arrays_;
    if (dice_.one_in(3)) {
      chain();
      return k_.build();
    }
    const int nests = 1 + dice_.roll(3);
    for (int i = 0; i < nests; ++i) {
      switch (dice_.roll(8)) {
        case 0:
          product();
          break;
        case 1:
          helper_call();
          break;
        case 2:
        case 3:
          stencil();
          break;
        default:
          nest(1 + dice_.roll(3));
          break;
      }
    }
    return k_.build();
  }

 private:
  static std::string loop_name(std::size_t depth) {
    return std::string(1, static_cast<char>('i' + static_cast<int>(depth)));
  }

  /// A loop of 1 ... kExtent iterations whose counter stays below kExtent.
  void loop(const std::function<void()>& body) {
    const int lower = dice_.one_in(4) ? dice_.roll(3) : 0;
    Expr upper = lower + 1 + dice_.roll(kExtent - lower);
    if (!counters_.empty() && dice_.one_in(6)) upper = dice_.pick(counters_) + 1;
    k_.loop(loop_name(counters_.size()), lower, upper, [&](const Expr& counter) {
      counters_.push_back(counter);
      body();
      counters_.pop_back();
    });
  }

  void nest(int depth) {
    loop([&] {
      if (dice_.one_in(4)) {
        scalar_sum();
      } else if (depth > 1 && !dice_.one_in(5)) {
        if (dice_.one_in(5)) statement();
        nest(depth - 1);
        if (dice_.one_in(6)) statement();
      } else {
        statement();
        if (dice_.one_in(3)) statement();
      }
    });
  }

  /// Loops directly inside one another, around the body.
  void loops(std::size_t depth, int count, const std::function<void()>& body) {
    if (depth == 0) return body();
    k_.loop(loop_name(counters_.size()), 0, count, [&](const Expr& counter) {
      counters_.push_back(counter);
      loops(depth - 1, count, body);
      counters_.pop_back();
    });
  }

  /// Nests that each fill a local array for the next one, mostly in the order in which that reads:
  /// what processes and streams are made of.
  void chain() {
    readable_ = {arrays_.front()};
    const auto rank = static_cast<std::size_t>(1 + dice_.roll(2));
    const int count = 2 + dice_.roll(kExtent - 1);
    std::optional<ArrayHandle> last;
    for (int links = 1 + dice_.roll(2); links > 0; --links) {
      const std::vector<Expr> shape(rank, Expr(kExtent));
      const ArrayHandle link = k_.local("link", random_type(dice_, numbers_), shape);
      loops(rank, count, [&] { assign(link.at(counters_), received(last)); });
      last = link;
    }
    const ArrayHandle& to = writable();
    loops(rank, count, [&] { assign(to.at(subscripts(to)), received(last)); });
  }

  /// Something made of this iteration's element of the link before, if there is one.
  Expr received(const std::optional<ArrayHandle>& link) {
    if (!link) return value(2);
    const std::vector<Expr> in_order = counters_;
    const std::vector<Expr> reversed(counters_.rbegin(), counters_.rend());
    const Expr element = link->at(dice_.one_in(4) ? reversed : in_order);
    return dice_.one_in(2) ? element : max(converted(element, real_), eighths(4));
  }

  /// to[row, column] += f(a[row, step], a[step, column]): what a grid of processes is made of.
  void product() {
    const auto is_matrix = [](const ArrayHandle& array) { return array.shape().size() == 2; };
    const auto to = std::find_if(arrays_.begin() + 1, arrays_.end(), is_matrix);
    if (to == arrays_.end()) return nest(3);
    const ArrayHandle& from = arrays_.front();
    loops(3, 1 + dice_.roll(4), [&] {
      const Expr &row = counters_[0], &column = counters_[1], &step = counters_[2];
      const Expr left = narrowed(is_matrix(from) ? from(row, step) : from(row));
      const Expr right = narrowed(is_matrix(from) ? from(step, column) : from(step));
      Element sum = (*to)(row, column);
      sum += converted(dice_.one_in(2) ? left * right : max(left, right), sum.type());
    });
  }

  /// Three neighbours along the first dimension of the input.
  void stencil() {
    const ArrayHandle& from = arrays_.front();
    const ArrayHandle& to = writable();
    k_.loop("w", 0, kExtent - 2, [&](const Expr& w) {
      const bool is_flat = from.shape().size() == 1;
      const auto row = [&](const Expr& column) {
        const auto at = [&](int offset) {
          return is_flat ? Expr(from(w + offset)) : Expr(from(w + offset, column));
        };
        std::vector<Expr> target(to.shape().size(), column);
        target.front() = w;
        Element element = to.at(target);
        element = converted(at(0) + at(1) + at(2), to.element());
      };
      if (is_flat && to.shape().size() == 1) return row(to_index(0));
      k_.loop("x", 0, kExtent, row);
    });
  }

  void helper_call() {
    const ArrayHandle& to = writable();
    KernelBuilder helper("helper");
    const ArrayHandle row = helper.inout("row", to.element(), {kExtent});
    const Expr by = helper.scalar_argument("by", to.element());
    helper.loop("t", 0, kExtent, [&](const Expr& t) { row(t) += by; });
    const KernelPtr callee = helper.build();
    loop([&] {
      std::vector<Expr> leading;
      if (to.shape().size() == 2) leading.push_back(subscript());
      k_.call(callee, {to.slice(leading), converted(leaf(), to.element())});
    });
  }

  void scalar_sum() {
    const ArrayHandle& to = writable();
    Element sum = k_.scalar("sum", to.element());
    sum = converted(leaf(), to.element());
    loop([&] { sum += converted(value(2), to.element()); });
    Element target = to.at(subscripts(to));
    target = Expr(sum);
  }

  void statement() {
    if (dice_.one_in(6)) {
      k_.when(
          condition(), [&] { store(); },
          dice_.one_in(2) ? std::function<void()>([&] { store(); }) : std::function<void()>());
    } else {
      store();
    }
  }

  void store() {
    const ArrayHandle& to = writable();
    Element target = to.at(subscripts(to));
    const Expr what = converted(value(3), to.element());
    switch (dice_.roll(6)) {
      case 0:
      case 1:
        target += what;
        break;
      case 2:
        target.reduce_max(what);
        break;
      default:
        target = what;
        break;
    }
  }

  const ArrayHandle& writable() {
    return arrays_[1 + static_cast<std::size_t>(dice_.roll(static_cast<int>(arrays_.size()) - 1))];
  }

  std::vector<Expr> subscripts(const ArrayHandle& array) {
    std::vector<Expr> list;
    for (std::size_t d = 0; d < array.shape().size(); ++d) list.push_back(subscript());
    return list;
  }

  /// Within 0 ... kExtent - 1.
  Expr subscript() {
    if (counters_.empty() || dice_.one_in(10)) return to_index(dice_.roll(kExtent));
    const Expr& counter = dice_.pick(counters_);
    switch (dice_.roll(9)) {
      case 0:
        return (counter + dice_.pick(counters_)) % kExtent;
      case 1:
        return (counter * 2 + dice_.roll(kExtent)) % kExtent;
      case 2:
        return to_index(kExtent - 1) - counter;
      case 3:
        return max(counter - 1, to_index(0));
      case 4:
        return min(counter + 1, to_index(kExtent - 1));
      case 5:
        return dice_.one_in(3) ? to_index(choices_->at({counter})) : counter / 2;
      default:
        return counter;
    }
  }

  Expr leaf() {
    const ArrayHandle& from = dice_.pick(readable_);
    switch (dice_.roll(5)) {
      case 0:
        return eighths((dice_.roll(17) - 8) * 3);
      case 1:
        return Expr(dice_.roll(41) - 20);
      default:
        return from.at(subscripts(from));
    }
  }

  Expr condition() {
    const Expr a = leaf();
    const Expr b = leaf();
    const Expr left = converted(a, real_);
    const Expr right = converted(b, real_);
    return dice_.one_in(2) ? left < right : (left >= right && !(left == right));
  }

  /// Narrow enough that the next operator fits: arithmetic widens.
  static Expr narrowed(const Expr& e) {
    if (!e.type().is_fixed() || e.type().width <= 40) return e;
    return cast(int_type(32, Overflow::kWrap), e);
  }

  Expr value(int depth) {
    if (depth == 0 || dice_.one_in(4)) return leaf();
    Expr a = narrowed(value(depth - 1));
    Expr b = narrowed(value(depth - 1));
    if (a.type().is_float() != b.type().is_float()) {
      a = converted(a, real_);
      b = converted(b, real_);
    }
    switch (dice_.roll(8)) {
      case 0:
        return a - b;
      case 1:
        return a * b;
      case 2:
        return min(a, b);
      case 3:
        return max(a, b);
      case 4:
        return -a;
      case 5:
        return select(condition(), a, b);
      default:
        return a + b;
    }
  }

  /// count / 8, as a real number.
  [[nodiscard]] Expr eighths(int count) const {
    if (real_.is_float()) return constant(real_, count / 8.0);
    return constant(real_, Int128{count} << (real_.fraction - 3));
  }

  void assign(Element target, const Expr& what) { target = converted(what, target.type()); }

  [[nodiscard]] Expr converted(const Expr& e, const Type& type) const {
    if (e.type() == type) return e;
    // A literal outside of the type is a mistake in the text; a value is wrapped or saturated.
    if (e.as<Constant>() != nullptr && !type.is_float()) return converted(e * eighths(8), type);
    return cast(type, e);
  }

  Dice& dice_;
  Numbers numbers_;
  Type real_;  ///< of what has a fraction
  KernelBuilder k_;
  std::vector<ArrayHandle> arrays_;  ///< the first is only read
  std::vector<ArrayHandle> readable_;
  std::optional<ArrayHandle> choices_;
  std::vector<Expr> counters_;
};

using Words = std::vector<std::string>;

/// What steps can speak of: each entry is the first arguments of a step that may be legal.
struct Subjects {
  std::vector<Words> loops;
  std::vector<Words> arrays;
  std::vector<Words> locals;
  std::vector<Words> matrices;  ///< local arrays of two dimensions
  std::vector<Words> callees;
  std::vector<Words> nested;    ///< a loop directly inside another
  std::vector<Words> triples;   ///< three such loops
  std::vector<Words> grids;     ///< such loops around one +=
  std::vector<Words> siblings;  ///< a loop behind another
  std::vector<Words> bodies;    ///< a loop, and a loop or array of a statement not first in it
  std::vector<Words> windows;   ///< an array, and a loop that reads it at several places
  std::vector<Words> regions;   ///< bodies of several statements: a loop's, or the kernel's
  std::vector<Words> links;     ///< arrays in which processes meet
};

std::vector<Stmt> without_declarations(const Stmt& body) {
  std::vector<Stmt> statements = statements_of(body);
  std::erase_if(statements, [](const Stmt& stmt) { return as<DeclareArray>(stmt) != nullptr; });
  return statements;
}

void add_loop(Subjects& subjects, const For& loop) {
  subjects.loops.push_back({loop.name});
  if (const auto* inner = as<For>(loop.body)) {
    subjects.nested.push_back({loop.name, inner->name});
    if (const auto* innermost = as<For>(inner->body)) {
      const Words three = {loop.name, inner->name, innermost->name};
      subjects.triples.push_back(three);
      const auto* update = as<Store>(innermost->body);
      if (update != nullptr && update->reduce == ReduceOp::kAdd) subjects.grids.push_back(three);
    }
  }
  const std::vector<Stmt> body = without_declarations(loop.body);
  if (body.size() > 1) subjects.regions.push_back({loop.name});
  for (std::size_t i = 1; i < body.size(); ++i) {
    if (const auto* later = as<For>(body[i])) subjects.bodies.push_back({loop.name, later->name});
    if (const auto* store = as<Store>(body[i])) {
      subjects.bodies.push_back({loop.name, store->array});
    }
  }
  std::map<std::string, std::set<std::string>> places;  // that are read and move with the loop
  for_each_expression(loop.body, [&](const Expr& whole) {
    for_each(whole, [&](const Expr& e) {
      const auto* access = e.as<Load>();
      if (access != nullptr && mentions(e, loop.name)) places[access->array].insert(to_string(e));
    });
  });
  for (const std::string& written : written_arrays(loop.body)) places.erase(written);
  for (const auto& [array, read] : places) {
    if (read.size() > 1) subjects.windows.push_back({array, loop.name});
  }
}

void add_links(Subjects& subjects, const Dataflow& region) {
  for (const Dataflow::Process& process : region.processes) {
    const std::set<std::string> own = names_in(process.body);
    for (const std::string& array : written_arrays(process.body)) {
      const bool is_local = std::find(subjects.locals.begin(), subjects.locals.end(),
                                      Words{array}) != subjects.locals.end();
      if (is_local && !own.contains(array)) subjects.links.push_back({array});
    }
  }
}

Subjects subjects_of(const Kernel& kernel) {
  Subjects subjects;
  for (const Parameter& parameter : kernel.parameters) {
    if (std::holds_alternative<ArrayParameter>(parameter)) {
      subjects.arrays.push_back({name_of(parameter)});
    }
  }
  if (without_declarations(kernel.body).size() > 1) subjects.regions.push_back({});
  for_each(kernel.body, [&](const Stmt& stmt) {
    if (const auto* loop = as<For>(stmt)) add_loop(subjects, *loop);
    if (const auto* local = as<DeclareArray>(stmt)) {
      const Array& array = local->array;
      subjects.arrays.push_back({array.name});
      if (!array.shape.empty()) subjects.locals.push_back({array.name});
      if (array.shape.size() == 2) subjects.matrices.push_back({array.name});
    }
    if (const auto* call = as<Call>(stmt)) subjects.callees.push_back({call->callee->name});
    if (const auto* region = as<Dataflow>(stmt)) add_links(subjects, *region);
    const std::vector<Stmt> parts = children(stmt);
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
      const auto* first = as<For>(parts[i]);
      const auto* second = as<For>(parts[i + 1]);
      if (first != nullptr && second != nullptr) {
        subjects.siblings.push_back({first->name, second->name});
      }
    }
  });
  return subjects;
}

/// Mostly subjects that fit the primitive, sometimes any.
class StepWriter {
 public:
  StepWriter(const Kernel& kernel, Dice& dice)
      : kernel_(kernel), subjects_(subjects_of(kernel)), dice_(dice) {}

  Step write() {
    for (;;) {
      fits_ = true;
      Step step = any_step();
      if (fits_ || dice_.one_in(20)) return step;
    }
  }

 private:
  Step any_step() {
    const Words loop = one_of(subjects_.loops, {"i"});
    const Words array = one_of(subjects_.arrays, {"a"});
    const Words two_loops = joined(loop, one_of(subjects_.loops, {"i"}));
    switch (dice_.roll(28)) {
      case 0:
      case 1:
        return step("split", loop, {factor()});
      case 2:
        return step("tile", fitting(subjects_.nested, two_loops), {factor(), factor()});
      case 3:
      case 4:
        return reversed(step("reorder", fitting(subjects_.nested, two_loops)));
      case 5:
        return reversed(step("reorder", fitting(subjects_.triples, joined(two_loops, loop))));
      case 6:
        return step("fuse", fitting(subjects_.nested, two_loops));
      case 7:
        return step("fission", fitting(subjects_.bodies, two_loops));
      case 8:
        return step("unroll", loop);
      case 9:
        return step("unroll", loop, {factor()});
      case 10:
        return step("pipeline", loop, {factor()});
      case 11:
        return step("parallel", loop);
      case 12:
        return step("compute_at", fitting(subjects_.siblings, two_loops));
      case 13:
        return step("partition", fitting(subjects_.locals, array),
                    {dice_.one_in(4) ? "1" : "0", "cyclic", factor()});
      case 14:
        return step("reshape", array, dice_.one_in(2) ? Words{"4", "2"} : Words{"2", "2", "2"});
      case 15:
        return step("pack", array, {"2"});
      case 16:
      case 17:
        return step("stage", joined(array, loop));
      case 18:
        return step("reuse_at", fitting(subjects_.windows, joined(array, loop)));
      case 19:
      case 20:
        return step("dataflow", fitting(subjects_.regions, loop));
      case 21:
      case 22:
        return step("stream", fitting(subjects_.links, array), {factor()});
      case 23:
        return step("transpose", fitting(subjects_.matrices, array), {"1", "0"});
      case 24:
        return step("peel", loop, {factor()});
      case 25:
        return step("systolic", fitting(subjects_.grids, joined(two_loops, loop)));
      case 26:
        return compose(fitting(subjects_.callees, {"helper"}));
      default:
        return step("inline", fitting(subjects_.callees, {"helper"}));
    }
  }

  /// With one step of the callee's own.
  Step compose(const Words& callee) {
    Step step{"compose", callee, {}};
    if (fits_) step.inner = {StepWriter(*find_callee(kernel_, callee[0]), dice_).write()};
    return step;
  }

  std::string factor() { return std::to_string(1 + dice_.roll(5)); }

  Words one_of(const std::vector<Words>& list, const Words& otherwise) {
    return list.empty() ? otherwise : dice_.pick(list);
  }

  Words fitting(const std::vector<Words>& list, const Words& any) {
    fits_ = fits_ && !list.empty();
    return dice_.one_in(8) ? any : one_of(list, any);
  }

  static Words joined(Words words, const Words& more) {
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }

  static Step step(const std::string& primitive, const Words& subjects, const Words& more = {}) {
    return {primitive, joined(subjects, more), {}};
  }

  static Step reversed(Step step) {
    std::reverse(step.arguments.begin(), step.arguments.end());
    return step;
  }

  const Kernel& kernel_;
  Subjects subjects_;
  Dice& dice_;
  bool fits_ = true;  ///< there are subjects for the step being written
};

}  // namespace

KernelPtr random_kernel(Dice& dice, Numbers numbers) {
  for (;;) {
    try {
      return Writer(dice, numbers).write();
    } catch (const UserError&) {
      // A type too wide, a literal that does not fit: take the next one.
    }
  }
}

Schedule random_schedule(const KernelPtr& kernel, Dice& dice, int attempts, StepCounts& counts) {
  Schedule schedule(kernel);
  std::string text;
  for (int i = 0; i < attempts; ++i) {
    const Step step = StepWriter(*schedule.kernel(), dice).write();
    auto& [tried, legal] = counts.tried_and_legal[step.primitive];
    ++tried;
    const std::string next = text + to_text({step});
    try {
      schedule = replay(kernel, next, "random schedule");
      text = next;
      ++legal;
    } catch (const UserError&) {
      // Refused, as it should be.
    }
  }
  return schedule;
}

}  // namespace heddle::kernel
