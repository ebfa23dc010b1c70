// HLS C++ against the definition of the arithmetic (scalar.h), operator by operator and in trees.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <map>
#include <random>

#include "base/error.h"
#include "kernel/builder.h"
#include "kernel/codegen/hls/simulation.h"
#include "kernel/text.h"
#include "support/scratch.h"

namespace heddle::kernel {
namespace {

constexpr std::int64_t kCases = 64;  // elements of each array: values of one kernel

/// An expression's value by scalar.h; `fault` tells of a mistake anywhere in what was evaluated.
class Evaluator {
 public:
  explicit Evaluator(std::map<std::string, Scalar> loads) : loads_(std::move(loads)) {}

  Fault fault = Fault::kNone;
  bool divides_by_zero = false;

  Scalar operator()(const Expr& e) {
    if (const auto* literal = e.as<Constant>()) return {e.type(), literal->raw, literal->real};
    if (const auto* load = e.as<Load>()) return loads_.at(load->array);
    if (const auto* op = e.as<Unary>())
      return noted([&](Fault& f) { return apply(op->op, (*this)(op->operand), e.type(), f); });
    if (const auto* cast = e.as<Cast>())
      return noted([&](Fault& f) { return convert((*this)(cast->operand), e.type(), f); });
    if (const auto* cast = e.as<Bitcast>()) return reinterpret((*this)(cast->operand), e.type());
    if (const auto* choice = e.as<Select>()) {
      const bool first = (*this)(choice->condition).raw != 0;
      Scalar value = (*this)(first ? choice->a : choice->b);
      value.type = e.type();
      return value;
    }
    const auto& op = std::get<Binary>(e->value);
    const Scalar a = (*this)(op.a);
    if (e.type().is_bool() && op.op == BinaryOp::kAnd && a.raw == 0) return a;
    if (e.type().is_bool() && op.op == BinaryOp::kOr && a.raw != 0) return a;
    return noted([&](Fault& f) { return apply(op.op, a, (*this)(op.b), e.type(), f); });
  }

 private:
  template <typename Compute>
  Scalar noted(const Compute& compute) {
    Fault here = Fault::kNone;
    const Scalar value = compute(here);
    if (fault == Fault::kNone) fault = here;
    divides_by_zero =
        divides_by_zero || here == Fault::kDivideByZero || here == Fault::kNotPositive;
    return value;
  }

  std::map<std::string, Scalar> loads_;
};

/// One kernel that evaluates expressions over the elements of its inputs, each to an output.
struct Trial {
  struct Input {
    std::string name;
    Type type;
  };
  std::vector<Input> inputs;
  std::vector<Expr> values;
  std::vector<Type> outputs;  ///< elements that the values are stored to
};

KernelPtr build(const Trial& trial, const std::string& name) {
  KernelBuilder k(name);
  std::vector<ArrayHandle> outputs;
  for (const Trial::Input& input : trial.inputs) k.input(input.name, input.type, {kCases});
  for (std::size_t v = 0; v < trial.values.size(); ++v) {
    outputs.push_back(k.output("out" + std::to_string(v), trial.outputs[v], {kCases}));
  }
  k.loop("i", 0, kCases, [&](Expr) {
    for (std::size_t v = 0; v < trial.values.size(); ++v) {
      outputs[v](variable("i", index_type())) = trial.values[v];
    }
  });
  return k.build();
}

Expr input_of(const Trial::Input& input) {
  return load(input.name, input.type, {variable("i", index_type())});
}

/// Values near the ends, near zero and anywhere.
Scalar random_scalar(const Type& type, std::mt19937_64& random) {
  if (type.is_float()) {
    constexpr std::array special = {0.0F, -0.0F, 1.0F, -1.5F, 3e38F, -3e38F, 1e-40F, 0.5F, 2.5F};
    float real = 0;
    switch (random() % 4) {
      case 0:
        real = special.at(random() % special.size());
        break;
      case 1:
        real = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
        break;
      case 2:
        real = static_cast<float>(static_cast<std::int64_t>(random() % 4001) - 2000) / 8;
        break;
      default:
        real = static_cast<float>(std::ldexp(static_cast<double>(random() % 1000) - 500,
                                             static_cast<int>(random() % 40) - 30));
    }
    if (std::isnan(real)) real = 7;
    Fault fault = Fault::kNone;
    return convert({float32_type(), 0, real}, type, fault);
  }
  const Int128 low = type.is_index() ? -1000 : lowest(type);
  const Int128 high = type.is_index() ? 1000 : highest(type);
  const auto small = static_cast<Int128>(random() % 9);
  Int128 raw = 0;
  switch (random() % 4) {
    case 0:
      raw = low + small;
      break;
    case 1:
      raw = high - small;
      break;
    case 2:
      raw = small - 4;
      break;
    default:
      raw = low + static_cast<Int128>(random() % (static_cast<std::uint64_t>(high - low) | 1U));
  }
  // A symmetric type never holds its lowest value.
  const bool is_symmetric = type.is_signed && type.overflow == Overflow::kSaturateSymmetric;
  return {type, std::clamp(raw, is_symmetric ? -high : low, high), 0};
}

/// Runs all trials in one simulation and compares every element whose evaluation has no fault.
/// Returns how many were compared.
std::int64_t check(const std::vector<Trial>& trials, std::mt19937_64& random) {
  std::vector<KernelPtr> kernels;
  for (std::size_t t = 0; t < trials.size(); ++t) {
    kernels.push_back(build(trials[t], "k" + std::to_string(t)));
  }
  const Scratch cache;
  const HlsSimulation simulation(kernels, cache.path());
  std::int64_t compared = 0;
  for (std::size_t t = 0; t < trials.size(); ++t) {
    const Trial& trial = trials[t];
    std::vector<Buffer> buffers;
    for (const Trial::Input& input : trial.inputs) {
      Buffer& buffer = buffers.emplace_back(input.type, std::vector<std::int64_t>{kCases});
      for (std::int64_t i = 0; i < kCases; ++i) buffer.set(i, random_scalar(input.type, random));
    }
    bool divides = false;  // by zero, whatever the inputs: that would end the process
    std::vector<std::vector<Scalar>> expected(trial.values.size());
    std::vector<std::vector<bool>> is_valid(trial.values.size(), std::vector<bool>(kCases, false));
    for (std::int64_t i = 0; i < kCases; ++i) {
      const auto evaluate_all = [&] {
        bool divides_by_zero = false;
        for (std::size_t v = 0; v < trial.values.size(); ++v) {
          std::map<std::string, Scalar> loads;
          for (std::size_t n = 0; n < trial.inputs.size(); ++n) {
            loads[trial.inputs[n].name] = buffers[n].get(i);
          }
          Evaluator evaluate(loads);
          const Scalar value = evaluate(trial.values[v]);
          Fault at_store = Fault::kNone;
          expected[v].resize(static_cast<std::size_t>(i));
          expected[v].push_back(convert(value, trial.outputs[v], at_store));
          is_valid[v][static_cast<std::size_t>(i)] =
              evaluate.fault == Fault::kNone && at_store == Fault::kNone;
          divides_by_zero = divides_by_zero || evaluate.divides_by_zero;
        }
        return !divides_by_zero;
      };
      bool can_run = evaluate_all();
      for (int attempt = 0; attempt < 50 && !can_run; ++attempt) {
        for (std::size_t n = 0; n < trial.inputs.size(); ++n) {
          buffers[n].set(i, random_scalar(trial.inputs[n].type, random));
        }
        can_run = evaluate_all();
      }
      divides = divides || !can_run;
    }
    if (divides) continue;
    std::vector<Argument> arguments;
    for (const Type& type : trial.outputs)
      buffers.emplace_back(type, std::vector<std::int64_t>{kCases});
    for (Buffer& buffer : buffers) arguments.emplace_back(&buffer);
    simulation.run(arguments, t);
    for (std::size_t v = 0; v < trial.values.size(); ++v) {
      const Buffer& found = buffers[trial.inputs.size() + v];
      for (std::int64_t i = 0; i < kCases; ++i) {
        if (!is_valid[v][static_cast<std::size_t>(i)]) continue;
        const Scalar& want = expected[v][static_cast<std::size_t>(i)];
        if (std::isnan(want.real)) continue;  // which NaN, no standard says
        Buffer one(trial.outputs[v], {1});
        one.set(0, want);
        Buffer got(trial.outputs[v], {1});
        got.set(0, found.get(i));
        ++compared;
        if (one == got) continue;
        std::string values;
        for (std::size_t n = 0; n < trial.inputs.size(); ++n) {
          values += fmt::format(" {}: {} = {} (raw {})", trial.inputs[n].name,
                                to_string(trial.inputs[n].type), to_string(buffers[n].get(i)),
                                to_string(buffers[n].get(i).raw));
        }
        ADD_FAILURE() << to_string(trial.outputs[v]) << " <- " << to_string(trial.values[v])
                      << " with" << values << "\n  is " << to_string(found.get(i)) << ", expected "
                      << to_string(want);
        return compared;
      }
    }
  }
  return compared;
}

constexpr std::array kRoundings = {Rounding::kTruncate,        Rounding::kTruncateZero,
                                   Rounding::kNearest,         Rounding::kNearestZero,
                                   Rounding::kNearestNegative, Rounding::kNearestInfinity,
                                   Rounding::kNearestEven};
constexpr std::array kOverflows = {Overflow::kWrap, Overflow::kSaturate, Overflow::kSaturateZero,
                                   Overflow::kSaturateSymmetric};

/// A type that a 64-bit array element can hold.
Type element_for(const Type& type) {
  if (!type.is_fixed() || type.width <= kMaxElementWidth) return type;
  return type.is_signed ? fixed_type(64, 64 - type.fraction, Rounding::kTruncate, Overflow::kWrap)
                        : ufixed_type(64, 64 - type.fraction, Rounding::kTruncate, Overflow::kWrap);
}

TEST(HlsArithmetic, EveryModeRoundsAndOverflowsAsDefined) {
  std::mt19937_64 random(1);
  std::vector<Trial> trials;
  for (const Type& from : {fixed_type(12, 4), ufixed_type(12, 5), int_type(10), fixed_type(8, 11),
                           fixed_type(40, 20), fixed_type(9, -2)}) {
    Trial trial;
    trial.inputs = {{"a", from}};
    for (const Rounding rounding : kRoundings) {
      for (const Overflow overflow : kOverflows) {
        trial.outputs.push_back(fixed_type(7, 3, rounding, overflow));
        trial.outputs.push_back(ufixed_type(6, 6, rounding, overflow));
        trial.outputs.push_back(int_type(5, overflow));
      }
    }
    for (std::size_t i = 0; i < trial.outputs.size(); ++i) {
      // Half of them by a cast, half by the store alone.
      const Expr value = input_of(trial.inputs[0]);
      trial.values.push_back(i % 2 == 0 ? value : cast(trial.outputs[i], value));
    }
    trials.push_back(trial);
  }
  EXPECT_GT(check(trials, random), 20000);
}

TEST(HlsArithmetic, FloatsBecomeFixedPointAndBack) {
  std::mt19937_64 random(2);
  std::vector<Trial> trials;
  for (const Type& real : {float32_type(), bfloat16_type()}) {
    Trial to_fixed;
    to_fixed.inputs = {{"x", real}};
    for (const Overflow overflow : kOverflows) {
      for (const Rounding rounding : kRoundings) {
        to_fixed.outputs.push_back(fixed_type(16, 8, rounding, overflow));
      }
      to_fixed.outputs.push_back(int_type(8, overflow));
      to_fixed.outputs.push_back(uint_type(33, overflow));
      to_fixed.outputs.push_back(fixed_type(8, -20, Rounding::kNearestEven, overflow));
      to_fixed.outputs.push_back(ufixed_type(8, 40, Rounding::kTruncateZero, overflow));
      to_fixed.outputs.push_back(fixed_type(64, 20, Rounding::kNearest, overflow));
    }
    for (const Type& type : to_fixed.outputs)
      to_fixed.values.push_back(cast(type, input_of(to_fixed.inputs[0])));
    trials.push_back(to_fixed);
    Trial from_fixed;
    from_fixed.inputs = {{"a", int_type(8)},          {"b", uint_type(32)},
                         {"c", int_type(64)},         {"d", uint_type(64)},
                         {"e", fixed_type(40, -100)}, {"f", fixed_type(20, 100)},
                         {"g", ufixed_type(63, 10)},  {"h", fixed_type(30, -120)}};
    for (const Trial::Input& input : from_fixed.inputs) {
      from_fixed.values.push_back(cast(real, input_of(input)));
      from_fixed.outputs.push_back(real);
    }
    const Expr wide = input_of(from_fixed.inputs[2]) * input_of(from_fixed.inputs[1]);
    from_fixed.values.push_back(cast(real, wide));
    from_fixed.outputs.push_back(real);
    trials.push_back(from_fixed);
  }
  EXPECT_GT(check(trials, random), 5000);
}

TEST(HlsArithmetic, EveryOperatorOnEveryPairOfTypes) {
  std::mt19937_64 random(3);
  const std::vector<Type> types = {int_type(8),
                                   uint_type(8),
                                   int_type(1),
                                   uint_type(1),
                                   int_type(33),
                                   uint_type(64),
                                   fixed_type(12, 5, Rounding::kNearestEven, Overflow::kSaturate),
                                   ufixed_type(9, 2),
                                   int_type(16, Overflow::kSaturate),
                                   float32_type(),
                                   bfloat16_type(),
                                   index_type(),
                                   bool_type()};
  std::vector<Trial> trials;
  for (const Type& a : types) {
    for (const Type& b : types) {
      Trial trial;
      trial.inputs = {{"a", a}, {"b", b}};
      const Expr x = input_of(trial.inputs[0]);
      const Expr y = input_of(trial.inputs[1]);
      for (int number = 0; number <= static_cast<int>(BinaryOp::kGe); ++number) {
        const auto op = static_cast<BinaryOp>(number);
        const bool divides = op == BinaryOp::kDiv || op == BinaryOp::kMod;
        const bool shifts = op == BinaryOp::kShl || op == BinaryOp::kShr;
        try {
          Expr second = y;
          if (divides && !b.is_float()) second = max(y, Expr(1));
          if (shifts) second = abs(y);
          trial.values.push_back(binary(op, x, second));
        } catch (const UserError&) {
          // These types do not go together.
        }
      }
      try {
        trial.values.push_back(select(x > y, x, y));
      } catch (const UserError&) {
        // Likewise.
      }
      if (b == int_type(8)) {
        for (int op = 0; op <= static_cast<int>(UnaryOp::kRound); ++op) {
          try {
            trial.values.push_back(unary(static_cast<UnaryOp>(op), x));
          } catch (const UserError&) {
            // Likewise.
          }
        }
      }
      for (const Expr& value : trial.values) trial.outputs.push_back(element_for(value.type()));
      if (!trial.values.empty()) trials.push_back(trial);
    }
  }
  EXPECT_GT(check(trials, random), 40000);
}

Type random_type(std::mt19937_64& random) {
  const int kind = static_cast<int>(random() % 10);
  if (kind == 0) return float32_type();
  if (kind == 1) return bfloat16_type();
  if (kind == 2) return index_type();
  const int width = 1 + static_cast<int>(random() % (random() % 3 == 0 ? 64 : 16));
  const int integer = random() % 2 == 0 ? width : static_cast<int>(random() % 20) - 4;
  const Rounding rounding = kRoundings.at(random() % kRoundings.size());
  const Overflow overflow = kOverflows.at(random() % kOverflows.size());
  const bool has_modes = random() % 2 == 0;
  if (random() % 2 == 0) {
    return has_modes ? fixed_type(width, integer, rounding, overflow) : fixed_type(width, integer);
  }
  return has_modes ? ufixed_type(width, integer, rounding, overflow) : ufixed_type(width, integer);
}

Expr random_expr(const Trial& trial, int depth, std::mt19937_64& random);

Expr random_node(const Trial& trial, int depth, std::mt19937_64& random) {
  if (depth == 0 || random() % 6 == 0) {
    if (random() % 4 == 0) return Expr(static_cast<std::int64_t>(random() % 41) - 20);
    return input_of(trial.inputs[random() % trial.inputs.size()]);
  }
  const Expr a = random_expr(trial, depth - 1, random);
  switch (random() % 6) {
    case 0:
      return unary(static_cast<UnaryOp>(random() % 6), a);
    case 1:
      return cast(random_type(random), a);
    case 2:
      return select(random_expr(trial, depth - 1, random) < random_expr(trial, depth - 1, random),
                    a, random_expr(trial, depth - 1, random));
    default: {
      const auto op = static_cast<BinaryOp>(random() % 18);
      const Expr b = random_expr(trial, depth - 1, random);
      // A shift by a negative amount has no meaning.
      return binary(op, a, op == BinaryOp::kShl || op == BinaryOp::kShr ? abs(b) : b);
    }
  }
}

/// Draws a few times until the types go together, else a leaf.
Expr random_expr(const Trial& trial, int depth, std::mt19937_64& random) {
  for (int attempt = 0; attempt < 4; ++attempt) {
    try {
      return random_node(trial, depth, random);
    } catch (const UserError&) {
      // Draw again.
    }
  }
  return random_node(trial, 0, random);
}

Trial random_trial(std::mt19937_64& random) {
  Trial trial;
  for (const std::string name : {"a", "b", "c"})
    trial.inputs.push_back({name, random_type(random)});
  while (trial.values.size() < 4) {
    const Expr value = random_expr(trial, 3, random);
    trial.values.push_back(value);
    trial.outputs.push_back(element_for(value.type()));
  }
  return trial;
}

// The processor's own division would end the program.
TEST(HlsArithmetic, TheLowestNumberMayBeDividedByMinusOne) {
  std::vector<KernelPtr> kernels;
  const std::vector<int> widths = {8, 32, 64};
  for (const int width : widths) {
    kernels.push_back(parse_kernel(
        fmt::format("kernel divide_{0}(a: in int<{0}>[2], r: out int<{0}>, q: out int<{0},wrap>) "
                    "{{\n  r = a[0] % a[1]\n  q = a[0] / a[1]\n}}\n",
                    width),
        "test"));
  }
  const Scratch cache;
  const HlsSimulation simulation(kernels, cache.path());
  for (std::size_t i = 0; i < widths.size(); ++i) {
    const Type type = int_type(widths[i]);
    Buffer a(type, {2});
    a.set(0, Scalar{type, lowest(type), 0});
    a.set(1, Scalar{type, -1, 0});
    Buffer r(type, {});
    r.set(0, 7.0);
    Buffer q(int_type(widths[i], Overflow::kWrap), {});
    simulation.run(std::vector<Argument>{&a, &r, &q}, i);
    EXPECT_EQ(r.real(0), 0) << widths[i];
    EXPECT_TRUE(q.get(0).raw == lowest(type)) << widths[i];
  }
}

TEST(HlsArithmetic, RandomExpressionsGiveTheDefinedBits) {
  const char* seed = std::getenv("HEDDLE_HLS_SEED");
  std::mt19937_64 random(seed == nullptr ? 4 : std::strtoull(seed, nullptr, 10));
  std::vector<Trial> trials;
  while (trials.size() < 60) trials.push_back(random_trial(random));
  EXPECT_GT(check(trials, random), 2000);
}

}  // namespace
}  // namespace heddle::kernel
