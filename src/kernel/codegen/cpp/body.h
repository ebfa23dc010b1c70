// The statements of a kernel as the body of a C++ function.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernel/codegen/cpp/unit.h"

namespace heddle::kernel::native {

/// Writes the body of one function: of a kernel, or of a parallel loop, which runs apart.
class BodyWriter {
 public:
  /// `shape` says what the function takes for granted.
  BodyWriter(Unit& unit, std::string function_name, const CallShape& shape);
  BodyWriter(const BodyWriter&) = delete;  // needs_ refers to the object itself.
  BodyWriter& operator=(const BodyWriter&) = delete;

  Scope& scope() { return scope_; }
  [[nodiscard]] const ExpressionWriter& expressions() const { return expressions_; }
  [[nodiscard]] bool needs_run() const { return needs_run_; }
  [[nodiscard]] const std::string& run_name() const { return run_; }

  void statement(const Stmt& stmt);
  /// A line of the body as it is.
  void line(const std::string& text);
  /// All lines, with what they need before them.
  [[nodiscard]] std::string text() const;

  /// Row-major strides of these extents; products that are no numbers become constants at the start
  /// of the function. Streams' channels are laid out likewise.
  std::vector<Stride> dense_strides(const std::string& name, const std::vector<Expr>& shape);

 private:
  void of(const Block& node);
  void of(const For& node);
  void of(const If& node);
  void of(const DeclareArray& node);
  void of(const DeclareStream& node);
  void of(const Store& node);
  void of(const Put& node);
  void of(const Get& node);
  void of(const Call& node);
  void of(const Dataflow& node);

  void braced(const std::string& head, const Stmt& body);
  void serial_loop(const For& node);
  void parallel_loop(const For& node);
  std::string hoisted(const Expr& bound, const std::string& name);
  void unroll_pragma(const For& node, std::int64_t trips);
  void table(const Array& array, const View& view);
  /// The product of the extents.
  std::string count(const std::vector<Expr>& shape);
  /// An argument: the address, and which strides the callee sees.
  struct Passed {
    std::string address;
    std::vector<Stride> strides;
  };
  Passed window(const Window& window);
  Passed channels(const StreamArgument& argument);
  std::string run();
  void prologue(const std::string& text);

  Unit& unit_;
  std::string function_name_;
  bool is_restrict_;
  bool is_parallel_;
  Scope scope_;
  Needs needs_;
  ExpressionWriter expressions_;
  std::string run_ = "run";
  bool needs_run_ = false;
  bool takes_memory_ = false;
  std::int64_t stack_bytes_ = 0;
  std::string prologue_;
  std::string lines_;
  int depth_ = 1;
};

/// Adds parameters to a scope: a View for arrays and streams with the strides that `shape` knows
/// (and `name_strideN` for the others), numbers for scalars.
struct ParameterText {
  std::string list;   ///< "float* __restrict a, std::int64_t a_stride0, ..."
  std::string baked;  ///< "constexpr std::int64_t a_stride0 = 64;" lines for the known strides
};
ParameterText declare_parameters(Unit& unit, const Kernel& kernel, const CallShape& shape,
                                 Scope& scope);

}  // namespace heddle::kernel::native
