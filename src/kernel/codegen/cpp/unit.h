// The functions of one native translation unit, each written once for each way it is called.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "kernel/codegen/cpp/expression.h"
#include "kernel/codegen/cpp/native.h"
#include "kernel/ir.h"

namespace heddle::kernel::native {

/// How a kernel is called: what its function takes for granted.
struct CallShape {
  /// For each array and stream parameter, in order, its strides as far as they are numbers.
  std::vector<std::vector<std::optional<std::int64_t>>> strides;
  bool is_restrict = true;   ///< no element that is written is reached through two parameters
  bool is_parallel = false;  ///< parallel loops run on threads

  auto operator<=>(const CallShape&) const = default;
};

/// A written function of a kernel.
struct KernelFunction {
  std::string name;
  bool needs_run = false;  ///< takes a heddle::Run* in front
};

class Unit {
 public:
  explicit Unit(const NativeOptions& options) : options_(options) {}

  [[nodiscard]] const NativeOptions& options() const { return options_; }
  std::string helper(const std::string& name);
  std::string function(const Function& function);
  const KernelFunction& kernel(const Kernel& kernel, const CallShape& shape);
  /// A name in namespace kernels.
  std::string name(const std::string& wanted) { return identifier(wanted, names_); }
  /// Adds a finished function.
  void add(std::string text) { texts_.push_back(std::move(text)); }
  /// The function that a program calls for a top kernel.
  void add_entry(const Kernel& kernel, std::size_t number);
  void need_header(const std::string& header) { headers_.insert(header); }
  /// Whether the processor has what the kernel's native text needs.
  [[nodiscard]] bool uses_native_text(const Kernel& kernel) const;

  [[nodiscard]] std::string text() const;

 private:
  struct Written {
    const Kernel* kernel = nullptr;
    CallShape shape;
    KernelFunction function;
  };

  const NativeOptions options_;
  std::set<std::string> helpers_;
  std::set<std::string> headers_;
  std::set<std::string> names_;
  std::map<const Function*, std::string> functions_;
  std::map<std::string, std::string> function_names_;  ///< by the text behind the name
  std::map<std::string, std::vector<std::unique_ptr<Written>>> kernels_;  ///< by the kernel's name
  std::vector<std::string> texts_;
  std::string entries_;
};

}  // namespace heddle::kernel::native
