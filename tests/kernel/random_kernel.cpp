#include "kernel/random_kernel.h"

#include <algorithm>
#include <bit>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "base/error.h"
#include "kernel/builder.h"
#include "kernel/rewrite.h"
#include "kernel/scalar.h"
#include "kernel/verify.h"

namespace heddle::kernel {
namespace {

Type random_type(Tape& tape) {
  constexpr int kModes = 7;
  const auto rounding = static_cast<Rounding>(tape.below(kModes));
  const auto overflow = static_cast<Overflow>(tape.below(5));
  const int width = 1 + tape.below(kMaxElementWidth);
  switch (tape.below(9)) {
    case 0:
      return int_type(8);
    case 1:
      return bool_type();
    case 2:
      return index_type();
    case 3:
      return float32_type();
    case 4:
      return bfloat16_type();
    case 5:
      return int_type(width, overflow);
    case 6:
      return uint_type(width, overflow);
    case 7:
      return fixed_type(width, tape.below(40) - 10, rounding, overflow);
    default:
      return ufixed_type(width, tape.below(40) - 10, rounding, overflow);
  }
}

Expr random_literal(Tape& tape, const Type& type) {
  if (type.is_float()) {
    std::uint32_t bits = tape.flip() ? tape.next() : std::bit_cast<std::uint32_t>(0.5F);
    if (type.kind == TypeKind::kBFloat16) bits &= 0xFFFF0000U;
    return Expr(
        std::make_shared<const ExprNode>(ExprNode{type, Constant{0, std::bit_cast<float>(bits)}}));
  }
  const Int128 low = lowest(type);
  const Int128 span = highest(type) - low + 1;
  const Int128 far = (Int128{tape.next()} << 32) | tape.next();
  return constant(type,
                  tape.flip() ? low + far % span : std::min(Int128{tape.below(4)}, highest(type)));
}

/// Any value as one of that type.
Expr as_type(Tape& tape, const Type& type, const Expr& value) {
  if (value.type() == type) return value;
  if (type.is_bool() || value.type().is_bool()) return random_literal(tape, type);
  try {
    return cast(type, value);
  } catch (const UserError&) {
    return random_literal(tape, type);
  }
}

class Generator {
 public:
  explicit Generator(Tape& tape) : tape_(tape), builder_("random", "a random kernel") {}

  Kernel run() {
    for (int i = tape_.below(3); i > 0; --i) functions_.push_back(random_function(i));
    callee_ = random_callee();
    for (int i = 0; i < 4; ++i) {
      const Type type = i == 0 ? index_type() : random_type(tape_);
      values_.push_back(builder_.scalar_argument("s" + std::to_string(i), type));
    }
    for (int i = 0; i < 2; ++i) arrays_.push_back(random_array(true));
    sent_ = random_type(tape_);
    out_stream_ = builder_.stream_output("so", sent_, {2});
    in_stream_ = builder_.stream_input("si", int_type(8), {});
    const ArrayHandle result = builder_.output("result", random_type(tape_), {4, values_[0]});
    statements(3);
    result(1, 2) = stored(result.element());
    out_stream_->put({1}, stored(sent_));
    Kernel kernel = *builder_.build();
    mark(kernel);
    replace_scalars(kernel);
    return kernel;
  }

 private:
  std::shared_ptr<const Function> random_function(int number) {
    Function function;
    function.name = "f" + std::to_string(number);
    std::vector<Expr> outer = std::exchange(values_, {});
    for (int i = 0; i < 2; ++i) {
      function.parameters.push_back({"p" + std::to_string(i), random_type(tape_)});
      values_.push_back(variable(function.parameters.back().name, function.parameters.back().type));
    }
    is_pure_ = true;
    for (int i = tape_.below(3); i > 0; --i) {
      function.bindings.push_back({"b" + std::to_string(i), expression(2)});
      values_.push_back(
          variable(function.bindings.back().name, function.bindings.back().value.type()));
    }
    function.result = expression(2);
    is_pure_ = false;
    values_ = std::move(outer);
    return std::make_shared<const Function>(std::move(function));
  }

  KernelPtr random_callee() {
    KernelBuilder k("callee");
    const Expr n = k.scalar_argument("n", random_type(tape_));
    const ArrayHandle x = k.input("x", int_type(8), {4});
    const ArrayHandle y = k.output("y", int_type(8), {4});
    const StreamHandle s = k.stream_output("s", int_type(8), {});
    k.loop("i", 0, 4, [&](const Expr& i) {
      y(i) = as_type(tape_, int_type(8), n);
      s.put(x(i));
    });
    Kernel kernel = *k.build();
    if (tape_.flip()) kernel.summary = "what is called";
    return std::make_shared<const Kernel>(std::move(kernel));
  }

  std::vector<Expr> random_shape() {
    std::vector<Expr> shape;
    for (int i = tape_.below(3); i > 0; --i) {
      shape.push_back(tape_.flip() ? to_index(1 + tape_.below(8)) : to_index(values_[0]));
    }
    return shape;
  }

  ArrayHandle random_array(bool is_parameter) {
    const Type element = random_type(tape_);
    if (is_parameter) return builder_.inout("a", element, random_shape());
    if (tape_.below(4) > 0) return builder_.local("v", element, random_shape());
    std::vector<double> values;
    for (int i = tape_.below(40); i >= 0; --i) values.push_back(tape_.below(2));
    Type type = element;
    if (type.is_fixed()) type.overflow = Overflow::kSaturate;
    if (type.is_bool()) type = int_type(8);
    return builder_.table("t", type, {static_cast<std::int64_t>(values.size())}, values);
  }

  Expr expression(int depth) {
    for (int attempt = 0; attempt < 4; ++attempt) {
      try {
        Expr e = expression_or_mistake(depth);
        if (e.type().is_fixed() && e.type().width > 100) e = cast(int_type(16), e);
        return e;
      } catch (const UserError&) {
        // These operands do not go together: try others.
      }
    }
    return random_literal(tape_, random_type(tape_));
  }

  Expr leaf() {
    switch (tape_.below(5)) {
      case 0:
        return Expr(tape_.below(200) - 100);
      case 1:
        return random_literal(tape_, random_type(tape_));
      case 2:
        if (!is_pure_ && !arrays_.empty()) {
          const ArrayHandle& array = pick(arrays_);
          return array.at(indices(array.shape().size(), 0));
        }
        return Expr(0.5);
      default:
        return pick(values_);
    }
  }

  Expr expression_or_mistake(int depth) {
    if (depth == 0 || tape_.is_over()) return leaf();
    const auto part = [&] { return expression(depth - 1); };
    switch (tape_.below(8)) {
      case 0:
        return leaf();
      case 1:
        return unary(static_cast<UnaryOp>(tape_.below(6)), part());
      case 2:
        return select(condition(depth - 1), part(), part());
      case 3:
        return cast(random_type(tape_), part());
      case 4:
        return random_bits(part());
      case 5:
        if (!functions_.empty() && !is_pure_) {
          const auto& function = pick(functions_);
          std::vector<Expr> arguments;
          for (const Function::Parameter& parameter : function->parameters) {
            arguments.push_back(as_type(tape_, parameter.type, part()));
          }
          return apply(function, std::move(arguments));
        }
        return leaf();
      default: {
        const auto op = static_cast<BinaryOp>(tape_.below(18));
        const Expr a = part();
        const Expr b =
            tape_.flip() && !a.type().is_bool() ? as_type(tape_, a.type(), part()) : part();
        return binary(op, a, b);
      }
    }
  }

  Expr random_bits(const Expr& e) {
    if (e.type().kind == TypeKind::kFloat32) return bitcast(uint_type(32), e);
    if (e.type().is_fixed()) return bitcast(int_type(e.type().width), e);
    return bitcast(int_type(64), e);
  }

  Expr condition(int depth) {
    const Expr a = expression(depth);
    if (a.type().is_bool()) return a;
    const auto op = static_cast<BinaryOp>(static_cast<int>(BinaryOp::kEq) + tape_.below(6));
    const Expr compared = binary(op, a, as_type(tape_, a.type(), expression(depth)));
    return tape_.flip() ? compared && !compared : compared;
  }

  Expr index(int depth) {
    try {
      return to_index(expression(depth));
    } catch (const UserError&) {
      return to_index(tape_.below(8));  // That type does not count, or the literal is too large.
    }
  }
  std::vector<Expr> indices(std::size_t rank, int depth) {
    std::vector<Expr> list;
    for (std::size_t i = 0; i < rank; ++i) list.push_back(index(depth));
    return list;
  }

  /// A value that may be stored into such an element.
  Expr stored(const Type& element) {
    const Expr e = element.is_bool() ? condition(2) : expression(3);
    const bool converts = element.is_fixed() && e.type().is_fixed() && !e.as<Constant>();
    if (converts && tape_.flip()) return e;
    return as_type(tape_, element, e);
  }

  template <typename T>
  const T& pick(const std::vector<T>& list) {
    return list[static_cast<std::size_t>(tape_.below(static_cast<int>(list.size())))];
  }

  void statements(int depth) {
    const std::size_t arrays = arrays_.size();
    const std::size_t values = values_.size();
    for (int i = tape_.below(4); i >= 0 && !tape_.is_over(); --i) statement(depth);
    arrays_.erase(arrays_.begin() + static_cast<std::ptrdiff_t>(arrays), arrays_.end());
    values_.erase(values_.begin() + static_cast<std::ptrdiff_t>(values), values_.end());
  }

  void statement(int depth) {
    switch (tape_.below(depth > 0 ? 9 : 5)) {
      case 0:
        return store();
      case 1:
        arrays_.push_back(random_array(false));
        return;
      case 2:
        return out_stream_->put({index(1)}, stored(sent_));
      case 3:
        return call();
      case 4: {
        const Element target = builder_.scalar("got", int_type(8, Overflow::kWrap));
        return in_stream_->get(target);
      }
      case 5:
        return builder_.when(
            condition(2), [&] { statements(depth - 1); },
            tape_.flip() ? std::function<void()>([&] { statements(depth - 1); })
                         : std::function<void()>());
      case 6:
        return dataflow();
      default:
        return builder_.loop(tape_.flip() ? "i" : "j", index(1), index(1),
                             [&](const Expr& counter) {
                               values_.push_back(counter);
                               statements(depth - 1);
                               values_.pop_back();
                             });
    }
  }

  void store() {
    if (arrays_.empty()) return;
    const ArrayHandle& array = pick(arrays_);
    if (array.name().starts_with("t")) return;
    Element element = array.at(indices(array.shape().size(), 2));
    const bool is_number = !element.type().is_bool() && element.type().width < 60;
    switch (is_number ? tape_.below(5) : 0) {
      case 1:
        element += as_type(tape_, element.type(), expression(1));
        break;
      case 2:
        element *= as_type(tape_, element.type(), expression(1));
        break;
      case 3:
        element.reduce_min(as_type(tape_, element.type(), expression(1)));
        break;
      case 4:
        element.reduce_max(as_type(tape_, element.type(), expression(1)));
        break;
      default:
        element = stored(element.type());
    }
  }

  void call() {
    const ArrayHandle x = builder_.local("x", int_type(8), {2, 4});
    const ArrayHandle y = builder_.local("y", int_type(8), {4});
    const StreamHandle s = builder_.stream("s", int_type(8), 1 + tape_.below(9), {3});
    const Type scalar = std::get<ScalarParameter>(callee_->parameters[0]).type;
    builder_.call(callee_, {as_type(tape_, scalar, expression(1)), x.slice({index(1)}), y.all(),
                            s.channel({index(1)})});
    const Element target = builder_.scalar("w", int_type(8));
    s.get({0}, target);
  }

  void dataflow() {
    const StreamHandle s = builder_.stream("link", int_type(8), 1 + tape_.below(9), {});
    builder_.dataflow({{"give", [&] { s.put(as_type(tape_, int_type(8), expression(2))); }},
                       {"take", [&] { s.get(builder_.scalar("taken", int_type(8))); }}});
  }

  /// Puts marks on loops and arrays, as many as the rules allow.
  void mark(Kernel& kernel) {
    const auto keep = [&](Kernel changed) {
      if (!find_violation(changed)) kernel = std::move(changed);
    };
    for (const std::string& name : names_in(kernel)) {
      if (const Array* array = find_array(kernel, name)) {
        if (tape_.flip()) keep(with_array(kernel, name, marked(*array)));
        continue;
      }
      const int choice = tape_.below(8);
      Kernel changed = kernel;
      changed.body = transform(kernel.body, [&](const Stmt& stmt) {
        const auto* loop = as<For>(stmt);
        if (loop == nullptr || loop->name != name) return stmt;
        For copy = *loop;
        copy.marks.parallel = (choice & 1) != 0;
        copy.marks.unroll = (choice & 2) != 0;
        if ((choice & 4) != 0) copy.marks.pipeline = 1 + choice;
        return make_stmt(std::move(copy));
      });
      keep(std::move(changed));
    }
  }

  Array marked(Array array) {
    array.storage = static_cast<Storage>(tape_.below(6));
    if (array.storage == Storage::kGlobal && tape_.flip()) array.bank = tape_.below(32);
    if (!array.shape.empty() && tape_.flip()) array.lanes = 2;
    if (array.storage == Storage::kGlobal || array.storage == Storage::kAuto) return array;
    for (std::size_t d = 0; d < array.shape.size(); ++d) {
      const auto kind =
          static_cast<Partition::Kind>(as_integer(array.shape[d]) != nullptr ? tape_.below(4) : 0);
      const bool has_factor = kind == Partition::Kind::kCyclic || kind == Partition::Kind::kBlock;
      array.partition.push_back({kind, has_factor ? 1 + tape_.below(2) : 1});
    }
    return array;
  }

  /// Puts literals in the place of scalar arguments, as specialising a kernel does.
  void replace_scalars(Kernel& kernel) {
    std::map<std::string, Expr> literals;
    for (const Parameter& parameter : kernel.parameters) {
      const auto* scalar = std::get_if<ScalarParameter>(&parameter);
      if (scalar == nullptr || !tape_.flip()) continue;
      literals[scalar->name] = scalar->type.is_index() ? to_index(1 + tape_.below(8))
                                                       : random_literal(tape_, scalar->type);
    }
    Kernel changed = kernel;
    try {
      changed.body = substitute(kernel.body, literals);
    } catch (const UserError&) {
      return;  // Index arithmetic on such literals has no result.
    }
    if (!find_violation(changed)) kernel = std::move(changed);
  }

  Tape& tape_;
  KernelBuilder builder_;
  std::vector<std::shared_ptr<const Function>> functions_;
  KernelPtr callee_;
  std::vector<Expr> values_;
  std::vector<ArrayHandle> arrays_;
  std::optional<StreamHandle> out_stream_;
  Type sent_;  ///< what goes into out_stream_
  std::optional<StreamHandle> in_stream_;
  bool is_pure_ = false;  ///< inside of a function
};

}  // namespace

Kernel random_kernel(Tape& tape) {
  return Generator(tape).run();
}

}  // namespace heddle::kernel
