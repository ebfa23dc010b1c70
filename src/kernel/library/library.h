// The kernel library: kernels by name, parameterised by shape and type, each with its schedules.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "kernel/ir.h"
#include "kernel/schedule/schedule.h"

namespace heddle::kernel {

/// One parameter of a library kernel: a number, or one of several words.
struct LibraryParameter {
  std::string name;
  std::string summary;
  std::int64_t default_number = 0;
  std::int64_t minimum = 1;
  std::vector<std::string> choices;  ///< words; the first is the default. Empty for a number
};

/// Values by parameter name.
class LibraryArguments {
 public:
  /// Defaults for what `given` ("rows=64", "type=int8") leaves out. Throws UserError for a name
  /// that is not a parameter (with the nearest), a value that is no number in range or no choice.
  LibraryArguments(const std::string& kernel, const std::vector<LibraryParameter>& parameters,
                   const std::map<std::string, std::string>& given);

  [[nodiscard]] std::int64_t number(const std::string& name) const;
  [[nodiscard]] const std::string& word(const std::string& name) const;

 private:
  std::map<std::string, std::int64_t> numbers_;
  std::map<std::string, std::string> words_;
};

struct LibrarySchedule {
  std::string name;  ///< "base", "library", "optimised", ...
  std::string summary;
  /// Starts from the kernel that `make` gave for the same arguments.
  std::function<Schedule(const KernelPtr&, const LibraryArguments&)> apply;
};

struct LibraryKernel {
  std::string name;
  std::string summary;
  std::vector<LibraryParameter> parameters;
  /// Throws UserError for values that do not go together.
  std::function<KernelPtr(const LibraryArguments&)> make;
  /// The first is "base": no step at all.
  std::vector<LibrarySchedule> schedules;
};

/// All kernels, sorted by name.
const std::vector<LibraryKernel>& library();
/// Throws UserError with the nearest names.
const LibraryKernel& find_library_kernel(const std::string& name);
const LibrarySchedule& find_schedule(const LibraryKernel& kernel, const std::string& name);
/// The least and the greatest number that library kernels take as an element of an input: those of
/// its type, but shifts (common.h) are 1 ... 62.
std::pair<Int128, Int128> input_range(const Type& element);
/// The instructions that schedules may name in `replace`.
const std::vector<KernelPtr>& instructions();

}  // namespace heddle::kernel
