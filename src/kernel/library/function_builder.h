// Writing a Function: parameters, names bound in order, a result.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "kernel/expr.h"

namespace heddle::kernel {

using FunctionPtr = std::shared_ptr<const Function>;

class FunctionBuilder {
 public:
  explicit FunctionBuilder(std::string name) { function_.name = std::move(name); }

  Expr parameter(const std::string& name, const Type& type) {
    function_.parameters.push_back({name, type});
    return variable(name, type);
  }
  /// Computes `value` once and returns its name.
  Expr let(const std::string& name, const Expr& value) {
    function_.bindings.push_back({name, value});
    return variable(name, value.type());
  }
  FunctionPtr returns(const Expr& result) {
    function_.result = result;
    return std::make_shared<const Function>(std::move(function_));
  }

 private:
  Function function_;
};

}  // namespace heddle::kernel
