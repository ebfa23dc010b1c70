#include "kernel/interpret.h"

#include "base/error.h"
#include "kernel/machine.h"
#include "kernel/program.h"

namespace heddle::kernel {
namespace {

/// Whether memory can hold numbers that are none of the type's.
bool has_spare_bits(const Type& type) {
  return type.is_bool() || (type.is_fixed() && type.width != type.bytes() * 8);
}

/// The machine relies on values that their types hold; a buffer's memory may have been written as
/// anything.
void check_value(const Kernel& kernel, const std::string& what, const Scalar& value) {
  const Type& type = value.type;
  if (type.is_float() || (value.raw >= lowest(type) && value.raw <= highest(type))) return;
  throw UserError(fmt::format("kernel {}: {} is {} (raw), outside of {}", kernel.name, what,
                              to_string(value.raw), to_string(type)),
                  "give values that their types hold");
}

void check_values(const Kernel& kernel, std::span<const Argument> arguments) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& name = name_of(kernel.parameters[i]);
    if (const auto* scalar = std::get_if<Scalar>(&arguments[i])) check_value(kernel, name, *scalar);
    const auto* parameter = std::get_if<ArrayParameter>(&kernel.parameters[i]);
    if (parameter == nullptr || parameter->direction == Direction::kOut ||
        !has_spare_bits(parameter->array.element)) {
      continue;
    }
    const Buffer& buffer = *std::get<Buffer*>(arguments[i]);
    for (std::int64_t element = 0; element < buffer.size(); ++element) {
      const Scalar value = buffer.get(element);
      if (value.raw < lowest(value.type) || value.raw > highest(value.type)) {
        check_value(kernel, fmt::format("element {} (row-major) of {}", element, name), value);
      }
    }
  }
}

}  // namespace

InterpretReport interpret(const Kernel& kernel, std::span<const Argument> arguments,
                          const InterpretOptions& options) {
  check_arguments(kernel, arguments);
  check_values(kernel, arguments);
  const Program program = translate(kernel, options.check_ports);
  return Machine(program, options).run(arguments);
}

}  // namespace heddle::kernel
