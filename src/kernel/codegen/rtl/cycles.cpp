#include "kernel/codegen/rtl/cycles.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.h"
#include "kernel/codegen/rtl/fork_cycles.h"
#include "kernel/rewrite.h"
#include "kernel/scalar.h"

namespace heddle::kernel::rtl {
namespace {

using Values = std::map<std::string, Scalar>;

/// The value of an expression without loads; nothing for those that have one.
std::optional<Scalar> evaluate(const Expr& e, const Values& values) {
  Fault fault = Fault::kNone;
  if (const auto* node = e.as<Constant>()) return Scalar{e.type(), node->raw, node->real};
  if (const auto* node = e.as<Variable>()) {
    const auto found = values.find(node->name);
    return found == values.end() ? std::nullopt : std::optional(found->second);
  }
  if (const auto* node = e.as<Cast>()) {
    const std::optional<Scalar> value = evaluate(node->operand, values);
    return value ? std::optional(convert(*value, e.type(), fault)) : std::nullopt;
  }
  if (const auto* node = e.as<Unary>()) {
    const std::optional<Scalar> value = evaluate(node->operand, values);
    return value ? std::optional(kernel::apply(node->op, *value, e.type(), fault)) : std::nullopt;
  }
  if (const auto* node = e.as<Binary>()) {
    const std::optional<Scalar> a = evaluate(node->a, values);
    const std::optional<Scalar> b = evaluate(node->b, values);
    if (!a || !b) return std::nullopt;
    return kernel::apply(node->op, *a, *b, e.type(), fault);
  }
  if (const auto* node = e.as<Select>()) {
    const std::optional<Scalar> condition = evaluate(node->condition, values);
    if (!condition) return std::nullopt;
    return evaluate(condition->raw != 0 ? node->a : node->b, values);
  }
  return std::nullopt;
}

class Counter {
 public:
  explicit Counter(const Design& design) : design_(design), target_(design.target) {}

  std::optional<std::int64_t> count(const RegionPtr& region, Values& values) const {
    return std::visit([&](const auto& node) { return count(node, values); }, region->value);
  }

 private:
  using Count = std::optional<std::int64_t>;

  static std::optional<std::pair<std::int64_t, std::int64_t>> bounds(const Loop& loop,
                                                                     const Values& values) {
    const std::optional<Scalar> lower = evaluate(loop.lower.value, values);
    const std::optional<Scalar> upper = evaluate(loop.upper.value, values);
    if (!lower || !upper) return std::nullopt;
    return std::pair(static_cast<std::int64_t>(lower->raw), static_cast<std::int64_t>(upper->raw));
  }

  static Count count(const Leaf& leaf, Values& values) {
    if (leaf.loops.empty()) return leaf.times.depth;
    std::int64_t iterations = 1;
    for (const Loop& loop : leaf.loops) {
      const auto ends = bounds(loop, values);
      if (!ends) return std::nullopt;
      iterations *= std::max<std::int64_t>(ends->second - ends->first, 0);
    }
    if (iterations == 0) return 1;
    return (iterations - 1) * leaf.times.interval + leaf.times.depth + 1;
  }
  Count count(const Sequence& sequence, Values& values) const {
    std::int64_t sum = 0;
    for (const RegionPtr& part : sequence.parts) {
      const Count one = count(part, values);
      if (!one) return one;
      sum += *one;
    }
    return sum;
  }
  Count count(const Repeat& repeat, Values& values) const {
    const auto ends = bounds(repeat.loop, values);
    if (!ends) return std::nullopt;
    std::int64_t sum = 1;
    for (std::int64_t i = ends->first; i < ends->second; ++i) {
      values[repeat.loop.name] = {index_type(), i, 0};
      const Count one = count(repeat.body, values);
      if (!one) return one;
      sum += *one + 1;
    }
    return sum;
  }
  Count count(const Choice& choice, Values& values) const {
    const std::optional<Scalar> condition = evaluate(choice.condition, values);
    if (!condition) return std::nullopt;
    const RegionPtr& taken = condition->raw != 0 ? choice.then : choice.otherwise;
    return taken ? count(taken, values) : 0;
  }
  Count count(const Flush&, Values&) const { return target_.memory_write; }
  Count count(const Fork& fork, Values& values) const {
    std::vector<ProcessRun> runs;
    runs.reserve(fork.processes.size());
    for (const Fork::Process& process : fork.processes) {
      ProcessRun run;
      if (!list(process.region, values, run)) return std::nullopt;
      runs.push_back(std::move(run));
    }
    return cycles_together(design_, runs);
  }

  /// The pipelines that a region runs through, appended in the process's own time; whether they are
  /// known.
  bool list(const RegionPtr& region, Values& values, ProcessRun& run) const {
    if (const auto* sequence = std::get_if<Sequence>(&region->value)) {
      return std::ranges::all_of(sequence->parts,
                                 [&](const RegionPtr& part) { return list(part, values, run); });
    }
    if (const auto* repeat = std::get_if<Repeat>(&region->value)) {
      const auto ends = bounds(repeat->loop, values);
      if (!ends) return false;
      run.cycles += 1;
      for (std::int64_t i = ends->first; i < ends->second; ++i) {
        values[repeat->loop.name] = {index_type(), i, 0};
        if (!list(repeat->body, values, run)) return false;
        run.cycles += 1;
      }
      return true;
    }
    if (const auto* choice = std::get_if<Choice>(&region->value)) {
      const std::optional<Scalar> condition = evaluate(choice->condition, values);
      if (!condition) return false;
      const RegionPtr& taken = condition->raw != 0 ? choice->then : choice->otherwise;
      return !taken || list(taken, values, run);
    }
    if (const auto* leaf = std::get_if<Leaf>(&region->value)) {
      LeafRun one{leaf, run.cycles, {}, {}, {}};
      for (const Loop& loop : leaf->loops) {
        const auto ends = bounds(loop, values);
        if (!ends) return false;
        one.first.push_back(ends->first);
        one.trips.push_back(ends->second - ends->first);
      }
      for (const auto& [name, value] : values) {
        one.inputs["loop_" + name] = static_cast<std::int64_t>(value.raw);
        one.inputs["arg_" + name] = static_cast<std::int64_t>(value.raw);
      }
      const bool has_meeting = std::ranges::any_of(leaf->graph.nodes(), [&](const Node& node) {
        return node.is_access() && design_.memory(node.name).kind == Memory::Kind::kStream;
      });
      if (has_meeting) run.runs.push_back(std::move(one));
    }
    const Count cycles = count(region, values);
    run.cycles += cycles.value_or(0);
    return cycles.has_value();
  }

  const Design& design_;
  const Target& target_;
};

/// A part of the formula: text, and a number that is added to it.
struct Term {
  std::string text;  ///< empty for a number alone
  std::int64_t number = 0;

  [[nodiscard]] std::string to_string() const {
    if (text.empty()) return std::to_string(number);
    return number == 0 ? text : fmt::format("{} + {}", text, number);
  }
};

class Writer {
 public:
  explicit Writer(const Target& target) : target_(target) {}

  Term write(const RegionPtr& region) const {
    return std::visit([&](const auto& node) { return write(node); }, region->value);
  }

 private:
  static std::string text(const Expr& e) {
    bool has_data = false;
    for_each(e, [&](const Expr& inner) { has_data |= inner.as<Load>() != nullptr; });
    return has_data ? "data" : kernel::to_string(e);
  }
  static std::string trips(const Loop& loop) {
    const Int128* lower = as_integer(loop.lower.value);
    if (lower != nullptr && *lower == 0) return text(loop.upper.value);
    return fmt::format("({} - {})", text(loop.upper.value), text(loop.lower.value));
  }
  static std::optional<std::int64_t> literal(const Loop& loop) {
    return literal_trips({loop.name, loop.lower.value, loop.upper.value, {}, nullptr});
  }

  static Term write(const Leaf& leaf) {
    if (leaf.loops.empty()) return {"", leaf.times.depth};
    std::int64_t number = 1;
    std::vector<std::string> factors;
    for (const Loop& loop : leaf.loops) {
      if (const std::optional<std::int64_t> known = literal(loop)) {
        number *= std::max<std::int64_t>(*known, 0);
      } else {
        factors.push_back(trips(loop));
      }
    }
    const Times& times = leaf.times;
    if (number == 0) return {"", 1};
    if (factors.empty()) return {"", (number - 1) * times.interval + times.depth + 1};
    if (number != 1) factors.insert(factors.begin(), std::to_string(number));
    return {
        fmt::format("pipeline({}, {}, {})", fmt::join(factors, " * "), times.interval, times.depth),
        0};
  }
  Term write(const Sequence& sequence) const {
    Term sum;
    for (const RegionPtr& part : sequence.parts) {
      const Term one = write(part);
      sum.number += one.number;
      if (one.text.empty()) continue;
      sum.text += sum.text.empty() ? one.text : " + " + one.text;
    }
    return sum;
  }
  Term write(const Repeat& repeat) const {
    Term body = write(repeat.body);
    body.number += 1;
    const std::optional<std::int64_t> known = literal(repeat.loop);
    if (body.text.empty() && known) {
      return {"", std::max<std::int64_t>(*known, 0) * body.number + 1};
    }
    return {fmt::format("sum({} in {}..{}: {})", repeat.loop.name, text(repeat.loop.lower.value),
                        text(repeat.loop.upper.value), body.to_string()),
            1};
  }
  Term write(const Choice& choice) const {
    const Term otherwise = choice.otherwise ? write(choice.otherwise) : Term{};
    return {fmt::format("({} ? {} : {})", text(choice.condition), write(choice.then).to_string(),
                        otherwise.to_string()),
            0};
  }
  Term write(const Flush&) const { return {"", target_.memory_write}; }
  Term write(const Fork& fork) const {
    std::vector<std::string> parts;
    parts.reserve(fork.processes.size());
    for (const Fork::Process& process : fork.processes) {
      parts.push_back(write(process.region).to_string());
    }
    return {fmt::format("max({})", fmt::join(parts, ", ")), 1};
  }

  const Target& target_;
};

}  // namespace

std::optional<std::int64_t> count_cycles(const Design& design, const Values& scalars) {
  Values values = scalars;
  return Counter(design).count(design.top, values);
}

std::string cycle_formula(const Design& design) {
  return Writer(design.target).write(design.top).to_string();
}

}  // namespace heddle::kernel::rtl
