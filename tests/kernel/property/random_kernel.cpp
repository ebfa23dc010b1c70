#include "kernel/property/random_kernel.h"

#include <fmt/core.h>

#include "base/error.h"
#include "kernel/builder.h"
#include "kernel/rewrite.h"

namespace heddle::kernel {
namespace {

constexpr int kExtent = 8;  ///< of every dimension of every array

Type random_type(Dice& dice) {
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
      ufixed_type(9, 6, Rounding::kNearestInfinity, Overflow::kSaturateZero),
      float32_type(),
      float32_type(),
      bfloat16_type()};
  return dice.pick(types);
}

class Writer {
 public:
  explicit Writer(Dice& dice) : dice_(dice), k_("random") {}

  KernelPtr write() {
    const int arrays = 2 + dice_.roll(3);
    for (int i = 0; i < arrays; ++i) {
      const Type type = i > 0 && dice_.one_in(2) ? arrays_.back().element() : random_type(dice_);
      const std::vector<Expr> shape(static_cast<std::size_t>(1 + dice_.roll(2)), Expr(kExtent));
      const std::string name = fmt::format("{}", static_cast<char>('a' + i));
      arrays_.push_back(i == 0 ? k_.input(name, type, shape) : k_.inout(name, type, shape));
    }
    choices_ = k_.input("choices", uint_type(3), {kExtent});
    const int nests = 1 + dice_.roll(3);
    for (int i = 0; i < nests; ++i) {
      switch (dice_.roll(8)) {
        case 0:
        case 1:
          pipe();
          break;
        case 2:
          helper_call();
          break;
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

  /// Two nests that meet in a local array, written and read in the same order.
  void pipe() {
    const Type type = random_type(dice_);
    const int count = 2 + dice_.roll(kExtent - 1);
    const ArrayHandle between = k_.local("between", type, {kExtent});
    k_.loop("p", 0, count, [&](const Expr& p) {
      counters_.push_back(p);
      Element target = between(p);
      target = converted(value(2), type);
      counters_.pop_back();
    });
    k_.loop("q", 0, count, [&](const Expr& q) {
      counters_.push_back(q);
      const ArrayHandle& to = writable();
      Element target = to.at(subscripts(to));
      target = converted(Expr(between(q)), to.element());
      counters_.pop_back();
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
    const ArrayHandle& from = dice_.pick(arrays_);
    switch (dice_.roll(5)) {
      case 0:
        return constant(float32_type(), (dice_.roll(17) - 8) * 0.375);
      case 1:
        return Expr(dice_.roll(41) - 20);
      default:
        return from.at(subscripts(from));
    }
  }

  Expr condition() {
    const Expr a = leaf();
    const Expr b = leaf();
    const Expr left = converted(a, float32_type());
    const Expr right = converted(b, float32_type());
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
      a = converted(a, float32_type());
      b = converted(b, float32_type());
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

  static Expr converted(const Expr& e, const Type& type) {
    if (e.type() == type) return e;
    // A literal outside of the type is a mistake in the text; a value is wrapped or saturated.
    if (e.as<Constant>() != nullptr && !type.is_float())
      return converted(e * constant(float32_type(), 1.0), type);
    return cast(type, e);
  }

  Dice& dice_;
  KernelBuilder k_;
  std::vector<ArrayHandle> arrays_;
  std::optional<ArrayHandle> choices_;
  std::vector<Expr> counters_;
};

/// What steps can speak of.
struct Subjects {
  std::vector<std::string> loops;
  std::vector<std::string> arrays;
  std::vector<std::string> locals;
  std::vector<std::string> callees;
  bool has_processes = false;
  std::vector<std::pair<std::string, std::string>> nested;    ///< a loop directly inside another
  std::vector<std::pair<std::string, std::string>> siblings;  ///< a loop behind another
  std::vector<std::pair<std::string, std::string>>
      bodies;  ///< a loop, and a loop that is not first in it
};

Subjects subjects_of(const Kernel& kernel) {
  Subjects subjects;
  for (const Parameter& parameter : kernel.parameters)
    subjects.arrays.push_back(name_of(parameter));
  for_each(kernel.body, [&](const Stmt& stmt) {
    if (const auto* loop = as<For>(stmt)) {
      subjects.loops.push_back(loop->name);
      if (const auto* inner = as<For>(loop->body))
        subjects.nested.emplace_back(loop->name, inner->name);
      const std::vector<Stmt> body = statements_of(loop->body);
      for (std::size_t i = 1; i < body.size(); ++i) {
        if (const auto* later = as<For>(body[i]))
          subjects.bodies.emplace_back(loop->name, later->name);
        if (const auto* store = as<Store>(body[i]))
          subjects.bodies.emplace_back(loop->name, store->array);
      }
    }
    if (const auto* array = as<DeclareArray>(stmt)) {
      subjects.arrays.push_back(array->array.name);
      if (!array->array.shape.empty()) subjects.locals.push_back(array->array.name);
    }
    if (const auto* call = as<Call>(stmt)) subjects.callees.push_back(call->callee->name);
    subjects.has_processes = subjects.has_processes || as<Dataflow>(stmt) != nullptr;
    const std::vector<Stmt> parts = children(stmt);
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
      const auto* first = as<For>(parts[i]);
      const auto* second = as<For>(parts[i + 1]);
      if (first != nullptr && second != nullptr)
        subjects.siblings.emplace_back(first->name, second->name);
    }
  });
  return subjects;
}

/// Mostly subjects that fit the primitive, sometimes any.
class StepWriter {
 public:
  StepWriter(const Kernel& kernel, Dice& dice) : subjects_(subjects_of(kernel)), dice_(dice) {}

  Step write() {
    if (subjects_.has_processes && dice_.one_in(4)) return {"stream", {local(), factor()}, {}};
    switch (dice_.roll(25)) {
      case 0:
      case 1:
        return {"split", {loop(), factor()}, {}};
      case 2:
        return with_pair("tile", subjects_.nested, {factor(), factor()});
      case 3:
      case 4:
        return swapped(with_pair("reorder", subjects_.nested, {}));
      case 5:
        return {"reorder", {loop(), loop(), loop()}, {}};
      case 6:
        return with_pair("fuse", subjects_.nested, {});
      case 7:
        return with_pair("fission", subjects_.bodies, {});
      case 8:
        return {"unroll", {loop()}, {}};
      case 9:
        return {"unroll", {loop(), factor()}, {}};
      case 10:
        return {"pipeline", {loop(), factor()}, {}};
      case 11:
        return {"parallel", {loop()}, {}};
      case 12:
        return with_pair("compute_at", subjects_.siblings, {});
      case 13:
        return {"partition", {local(), std::to_string(dice_.roll(2)), "cyclic", factor()}, {}};
      case 14:
        return {"reshape", {array(), dice_.one_in(2) ? "4" : "2", dice_.one_in(2) ? "2" : "4"}, {}};
      case 15:
        return {"pack", {array(), "2"}, {}};
      case 16:
      case 17:
      case 18:
        return {"stage", {array(), loop()}, {}};
      case 19:
        return {"reuse_at", {array(), loop()}, {}};
      case 20:
        return {"dataflow", some_or_none(), {}};
      case 21:
        return {"stream", {local(), factor()}, {}};
      case 22:
        return {"transpose", {local(), "1", "0"}, {}};
      case 23:
        return {"peel", {loop(), factor()}, {}};
      default:
        return {"inline", {pick(subjects_.callees, "helper")}, {}};
    }
  }

 private:
  std::string pick(const std::vector<std::string>& list, const std::string& otherwise) {
    return list.empty() ? otherwise : dice_.pick(list);
  }
  std::string loop() { return pick(subjects_.loops, "i"); }
  std::string array() { return pick(subjects_.arrays, "a"); }
  std::string local() { return dice_.one_in(8) ? array() : pick(subjects_.locals, "a"); }
  std::string factor() { return std::to_string(1 + dice_.roll(5)); }
  std::vector<std::string> some_or_none() {
    return dice_.one_in(3) ? std::vector<std::string>{loop()} : std::vector<std::string>{};
  }

  Step with_pair(const std::string& primitive,
                 const std::vector<std::pair<std::string, std::string>>& pairs,
                 const std::vector<std::string>& more) {
    std::pair<std::string, std::string> pair = {loop(), loop()};
    if (!pairs.empty() && !dice_.one_in(6)) pair = dice_.pick(pairs);
    std::vector<std::string> words = {pair.first, pair.second};
    words.insert(words.end(), more.begin(), more.end());
    return {primitive, words, {}};
  }

  static Step swapped(Step step) {
    std::swap(step.arguments[0], step.arguments[1]);
    return step;
  }

  Subjects subjects_;
  Dice& dice_;
};

}  // namespace

KernelPtr random_kernel(Dice& dice) {
  for (;;) {
    try {
      return Writer(dice).write();
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
