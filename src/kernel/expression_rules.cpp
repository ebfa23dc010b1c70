#include "kernel/expression_rules.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/text.h"
#include "kernel/made.h"
#include "kernel/rewrite.h"
#include "kernel/scalar.h"
#include "kernel/spelling.h"

namespace heddle::kernel {
namespace {

void check_literal(const Constant& literal, const Type& type) {
  const bool has_no_real = literal.real == 0 && !std::signbit(literal.real);
  const bool fits =
      type.is_float() ? literal.raw == 0
                      : literal.raw >= lowest(type) && literal.raw <= highest(type) && has_no_real;
  const bool is_narrow = type.kind == TypeKind::kBFloat16 && !std::isnan(literal.real);
  if (fits && (!is_narrow || round_to_bfloat16(literal.real) == literal.real)) return;
  break_rule(fmt::format("the literal {} is outside of {}",
                         type.is_float() ? fmt::format("{}", literal.real)
                                         : to_string(literal.raw) + " (raw)",
                         to_string(type)),
             "use a wider type");
}

void check_made(const Expr& e) {
  try {
    if (is_made(e)) return;
  } catch (const UserError& error) {
    break_rule(error.what(), error.remedy());
  }
  break_rule(fmt::format("{} does not have the operands or the type ({}) that its operator gives",
                         quote(to_string(e)), to_string(e.type())),
             "build expressions with the functions of kernel/expr.h");
}

/// Checks an expression from the inside out.
class ExpressionRules {
 public:
  ExpressionRules(const NameRules& names, Library& library, int call_depth)
      : names_(names), library_(library), call_depth_(call_depth) {}

  void check(const Expr& e, int depth = 1) const {
    if (e.get() == nullptr) break_rule("an expression is missing", "give a value");
    if (depth > kMaxNesting) {
      break_rule(fmt::format("an expression is nested more than {} deep", kMaxNesting),
                 "store a part of it in a variable first");
    }
    if (const auto* literal = e.as<Constant>()) return check_literal(*literal, e.type());
    if (const auto* variable = e.as<Variable>()) return names_.variable(*variable, e.type());
    if (const auto* apply = e.as<Apply>()) {
      if (apply->function == nullptr) break_rule("a call of no function", "give the function");
      check_function(*apply->function, library_, call_depth_ + 1);
    }
    for (const Expr& operand : operands(e)) check(operand, depth + 1);
    if (const auto* load = e.as<Load>()) return names_.load(*load, e.type());
    check_made(e);
  }

 private:
  const NameRules& names_;
  Library& library_;
  int call_depth_;
};

bool same_function(const Function& a, const Function& b) {
  const auto use = [](const Function& function) {
    const std::shared_ptr<const Function> alias(std::shared_ptr<const Function>(), &function);
    return Expr(
        std::make_shared<const ExprNode>(ExprNode{function.result.type(), Apply{alias, {}}}));
  };
  return equal(use(a), use(b));
}

/// Checks a function by itself.
class FunctionRules {
 public:
  FunctionRules(const Function& function, Library& library, int call_depth)
      : function_(function), library_(library), call_depth_(call_depth) {}

  void check() {
    check_name("a function", function_.name);
    if (is_builtin_function(function_.name)) {
      break_rule(fmt::format("{} cannot be the name of a function: the language has one so named",
                             quote(function_.name)),
                 "choose another name, such as my_" + function_.name);
    }
    if (call_depth_ > kMaxCallDepth) too_deep();
    for (const Function::Parameter& parameter : function_.parameters) {
      bind("a parameter", parameter.name, parameter.type);
    }
    for (const Function::Binding& binding : function_.bindings) {
      check(binding.value);
      bind("a value", binding.name, binding.value.type());
    }
    check(function_.result);
    library_.functions.at(function_.name).height = height_;
    if (height_ > kMaxCallDepth) too_deep();
  }

 private:
  [[noreturn]] static void too_deep() {
    break_rule(fmt::format("functions call each other more than {} deep", kMaxCallDepth),
               "write some of them out where they are used");
  }

  void check(const Expr& e) {
    const NameRules names{
        [&](const Variable& variable, const Type& type) { check_variable(variable.name, type); },
        [&](const Load& load, const Type& /*type*/) {
          break_rule(fmt::format("function {} reads array {}", function_.name, load.array),
                     "pass the element as an argument: functions see only their parameters");
        }};
    check_expression(e, names, library_, call_depth_);
    for_each(e, [&](const Expr& part) {
      const auto* apply = part.as<Apply>();
      if (apply == nullptr) return;
      height_ = std::max(height_, library_.functions.at(apply->function->name).height + 1);
    });
  }

  void bind(std::string_view kind, const std::string& name, const Type& type) {
    check_name(kind, name);
    if (!types_.emplace(name, type).second) {
      break_rule(fmt::format("{} is bound twice in function {}", name, function_.name),
                 "give one of the two another name");
    }
  }

  void check_variable(const std::string& name, const Type& type) const {
    const auto found = types_.find(name);
    if (found == types_.end()) {
      break_rule(
          fmt::format("function {} uses {}, which it does not bind", function_.name, quote(name)),
          "pass it as an argument: functions see only their parameters");
    }
    if (found->second != type) {
      break_rule(fmt::format("{} is {} in function {}, not {}", name, to_string(found->second),
                             function_.name, to_string(type)),
                 "use it with the type it is bound with");
    }
  }

  const Function& function_;
  Library& library_;
  int call_depth_;
  int height_ = 1;
  std::map<std::string, Type> types_;
};

}  // namespace

void break_rule(const std::string& problem, const std::string& remedy) {
  throw Broken{{problem, remedy, nullptr}};
}

void check_name(std::string_view kind, const std::string& name) {
  if (!is_identifier(name)) {
    break_rule(fmt::format("{} cannot be the name of {}", quote(name), kind),
               "names are made of letters, digits and _, and do not begin with a digit");
  }
  if (is_reserved(name)) {
    break_rule(
        fmt::format("{} cannot be the name of {}: it is a word of the language", quote(name), kind),
        "choose another name, such as " + name + "_0");
  }
}

void check_expression(const Expr& e, const NameRules& names, Library& library, int call_depth) {
  ExpressionRules(names, library, call_depth).check(e);
}

void check_function(const Function& function, Library& library, int call_depth) {
  if (function.result.get() == nullptr) {
    break_rule(fmt::format("function {} returns nothing", function.name), "give it a result");
  }
  using Entry = Library::Entry<Function>;
  const auto [known, is_new] = library.functions.emplace(function.name, Entry{&function});
  if (is_new) {
    FunctionRules(function, library, call_depth).check();
  } else if (known->second.callee != &function && !same_function(*known->second.callee, function)) {
    break_rule(fmt::format("two different functions are named {}", function.name),
               "give one of the two another name");
  }
}

}  // namespace heddle::kernel
