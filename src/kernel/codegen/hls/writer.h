// The C++ functions of a kernel, statement by statement.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "kernel/codegen/hls/expressions.h"
#include "kernel/codegen/hls/scope.h"
#include "kernel/codegen/hls/views.h"
#include "kernel/ir.h"

namespace heddle::kernel::hls {

/// The functions of a module, and their names.
struct Program {
  std::vector<std::string> functions;  ///< texts, callees first
  std::set<std::string> names;         ///< of functions: no local has one of them
  std::set<std::string> local_names;   ///< of the kernels' own: no further function has one
  std::map<std::string, std::string> scalar_functions;  ///< Function -> C++
  std::map<std::string, std::string> kernels;           ///< Kernel -> the C++ name kept for it
  std::map<std::string, std::string> specialised;  ///< Kernel and forms of its arguments -> C++

  /// A name for one more function.
  std::string add_function(const std::string& wanted);
};

/// The names of one kernel in C++. All functions made of the kernel share them.
struct KernelNames {
  KernelNames(const Kernel& kernel, const Program& program);

  std::map<std::string, std::string> of;
  std::set<std::string> taken;
};

/// Characters in a line.
constexpr std::size_t kColumns = 100;

/// A function's text. The signature is "static void f"; parameters go on lines of their own if
/// long.
std::string function_text(const std::string& comment, const std::string& signature,
                          const std::vector<std::string>& parameters, const std::string& body);

/// A counter or another index: an int if all values fit one.
VariableView counter_view(const std::string& name, const Range& range);

class Writer {
 public:
  Writer(Program& program, KernelNames& names, const Kernel& kernel, Scope scope)
      : program_(program), names_(names), kernel_(kernel), scope_(std::move(scope)) {}

  /// A line at the margin, where pragmas stand.
  void pragma(const std::string& text) { text_ += text + "\n"; }
  /// The statements of a function's body.
  void body(const Stmt& stmt) { statements(stmt, true); }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  // Statements (writer.cpp).
  void line(const std::string& text);
  void statements(const Stmt& stmt, bool can_be_region);
  void statement(const Stmt& stmt);
  void loop(const For& node);
  void open_loop(const For& node);
  std::string upper_bound(const For& node, const VariableView& counter);
  void branch(const If& node, const std::string& prefix);
  void declare(const Array& array);
  /// A scalar and the store or get behind it as one declaration, if they are that.
  bool declare_with_value(const Stmt& declaration, const Stmt& next);
  void declare(const Stream& stream);
  void store(const Store& node);
  void assign(const ArrayView& view, const std::vector<Expr>& indices, const std::string& value);
  void get(const Get& node);
  [[nodiscard]] ExpressionPrinter printer() const { return ExpressionPrinter(scope_); }

  /// A memory word that a loop over its lanes reads before it and writes behind it (words.cpp).
  struct Word {
    std::string place;  ///< "a[i][e]"
    std::string name;   ///< "a_word"
    std::string type;
    bool is_read = false;
    bool is_written = false;
  };
  [[nodiscard]] std::vector<Word> words_of(const For& node);

  // Functions made of parts of the kernel, and calls (functions.cpp).
  void call(const Call& node);
  void region(const std::vector<Stmt>& parts);
  void process(const std::string& name, const Stmt& stmt);
  /// A function of the statement, and the call of it.
  void outline(const Stmt& stmt, const std::string& wanted);

  Program& program_;
  KernelNames& names_;
  const Kernel& kernel_;
  Scope scope_;
  std::string text_;
  int depth_ = 1;
};

}  // namespace heddle::kernel::hls
