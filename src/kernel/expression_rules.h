// The rules on names, expressions and functions; verify.cpp has those on statements.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "kernel/verify.h"

namespace heddle::kernel {

/// Thrown by what follows, and caught by find_violation().
struct Broken {
  Violation violation;
};
[[noreturn]] void break_rule(const std::string& problem, const std::string& remedy);

/// The functions and kernels met so far, with those that they use: each name means one thing.
struct Library {
  template <typename Callee>
  struct Entry {
    const Callee* callee = nullptr;
    int height = 1;  ///< of the longest chain of calls from here
  };
  std::map<std::string, Entry<Function>> functions;
  std::map<std::string, Entry<Kernel>> kernels;
};

/// Checks what an expression names.
struct NameRules {
  std::function<void(const Variable&, const Type&)> variable;
  std::function<void(const Load&, const Type&)> load;
};

/// `kind` says what would have the name: "an array".
void check_name(std::string_view kind, const std::string& name);
/// `call_depth` is how deep in a chain of calls the expression stands.
void check_expression(const Expr& e, const NameRules& names, Library& library, int call_depth);
void check_function(const Function& function, Library& library, int call_depth);

}  // namespace heddle::kernel
