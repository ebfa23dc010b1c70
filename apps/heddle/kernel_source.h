// Which kernel a command means, under which schedule, and on which arguments.
#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <string>
#include <vector>

#include "kernel/buffer.h"
#include "kernel/schedule/schedule.h"

namespace heddle {

/// The values by name that an option was given as "name=value", once each. Throws UserError.
std::map<std::string, std::string> named_values(const std::vector<std::string>& list,
                                                const std::string& option);

/// What people type to name a kernel and its schedule.
struct KernelChoice {
  std::string kernel;                   ///< a library kernel's name, or a file of kernel text
  std::vector<std::string> parameters;  ///< "rows=64"
  std::string schedule;                 ///< a library schedule's name, or a schedule file
};
/// Adds KERNEL, -p/--parameter and --schedule to a verb.
void add_kernel_choice(CLI::App& verb, KernelChoice& choice);
/// The kernel with its schedule applied. Throws UserError for unknown names, parameters, broken
/// files and illegal steps.
kernel::Schedule load(const KernelChoice& choice);

/// What people type to give a kernel its arguments.
struct ArgumentChoice {
  std::vector<std::string> scalars;  ///< "n=64"
  std::vector<std::string> inputs;   ///< "a=a.bin"
  std::uint64_t seed = 0;
};
void add_argument_choice(CLI::App& verb, ArgumentChoice& choice);

/// A kernel's arguments with the memory behind them. Moving keeps the buffers where they are.
class KernelArguments {
 public:
  /// Inputs from files where given, else random: integers of what the kernel takes (of a library
  /// kernel see input_range(), else all of their type) within +-1000, floats standard normal;
  /// outputs zero. Throws UserError for an unknown name, a number that does not fit, a scalar left
  /// out, a file of another size.
  KernelArguments(const kernel::Kernel& kernel, const KernelChoice& origin,
                  const ArgumentChoice& choice);

  [[nodiscard]] const std::vector<kernel::Argument>& get() const { return arguments_; }
  /// Where another run's results differ first from these, or "" if they are equal.
  [[nodiscard]] std::string difference(const KernelArguments& found) const;
  /// The arrays that the kernel writes, by name.
  [[nodiscard]] const std::map<std::string, const kernel::Buffer*>& outputs() const {
    return outputs_;
  }

 private:
  std::vector<std::unique_ptr<kernel::Buffer>> buffers_;
  std::vector<kernel::Argument> arguments_;
  std::map<std::string, const kernel::Buffer*> outputs_;
};

}  // namespace heddle
