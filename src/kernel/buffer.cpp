#include "kernel/buffer.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <map>

#include <fmt/ranges.h>

#include "base/error.h"
#include "kernel/ir.h"
#include "kernel/rewrite.h"

namespace heddle::kernel {
namespace {

constexpr std::int64_t kMaxBytes = std::int64_t{1} << 40;

/// An extent made of scalar arguments, as a number. Only index arithmetic occurs (verify()).
Int128 evaluate(const Expr& e, const std::map<std::string, Scalar>& scalars) {
  std::map<std::string, Expr> values;
  for (const auto& [name, value] : scalars) {
    if (value.type.is_index()) values.emplace(name, constant(index_type(), value.raw));
  }
  const Expr folded = substitute(e, values);
  const Int128* number = as_integer(folded);
  if (number == nullptr) {
    throw UserError(
        fmt::format("the extent {} is no number for these arguments", to_string(folded)),
        "give scalar arguments that make every extent a number");
  }
  return *number;
}

std::string shape_text(const std::vector<std::int64_t>& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

}  // namespace

Buffer::Buffer(const Type& element, std::vector<std::int64_t> shape)
    : element_(element), shape_(std::move(shape)) {
  for (const std::int64_t extent : shape_) {
    if (extent < 0 || (extent > 0 && size_ > kMaxBytes / element.bytes() / extent)) {
      throw UserError(
          fmt::format("a buffer of shape {} of {}", shape_text(shape_), to_string(element)),
          "use extents of at least 0 that fit in memory");
    }
    size_ *= extent;
  }
  bytes_.resize(static_cast<std::size_t>(size_ * element.bytes()));
}

Scalar Buffer::get(std::int64_t index) const {
  const std::byte* from = bytes_.data() + index * element_.bytes();
  if (element_.kind == TypeKind::kFloat32) {
    float real = 0;
    std::memcpy(&real, from, sizeof real);
    return {element_, 0, real};
  }
  std::uint64_t word = 0;
  std::memcpy(&word, from, static_cast<std::size_t>(element_.bytes()));
  if (element_.kind == TypeKind::kBFloat16) {
    return {element_, 0, std::bit_cast<float>(static_cast<std::uint32_t>(word) << 16)};
  }
  const bool is_signed = element_.is_index() || element_.is_signed;
  const int unused = 64 - 8 * element_.bytes();
  if (!is_signed) return {element_, Int128{word}, 0};
  return {element_, Int128{static_cast<std::int64_t>(word << unused) >> unused}, 0};
}

void Buffer::set(std::int64_t index, const Scalar& value) {
  ensure(value.type == element_, "a {} was stored into a buffer of {}", to_string(value.type),
         to_string(element_));
  std::byte* to = bytes_.data() + index * element_.bytes();
  if (element_.kind == TypeKind::kFloat32) {
    std::memcpy(to, &value.real, sizeof value.real);
    return;
  }
  auto word = static_cast<std::uint64_t>(value.raw);
  if (element_.kind == TypeKind::kBFloat16) {
    word = std::bit_cast<std::uint32_t>(value.real) >> 16;
  } else {
    ensure(value.raw >= lowest(element_) && value.raw <= highest(element_), "{} is outside of {}",
           to_string(value.raw), to_string(element_));
  }
  std::memcpy(to, &word, static_cast<std::size_t>(element_.bytes()));
}

void Buffer::set(std::int64_t index, double value) {
  Type target = element_;
  if (target.is_fixed()) {
    target.rounding = Rounding::kNearestEven;
    target.overflow = Overflow::kSaturate;
  }
  Scalar scalar{element_, 0, 0};
  Fault fault = Fault::kNone;
  if (target.is_float()) {
    scalar = convert({float32_type(), 0, static_cast<float>(value)}, element_, fault);
  } else {
    const double scaled = std::nearbyint(std::ldexp(value, target.fraction));
    const auto low = static_cast<double>(lowest(target));
    const auto high = static_cast<double>(highest(target));
    if (scaled <= low) {
      scalar.raw = lowest(target);
    } else if (scaled >= high) {
      scalar.raw = highest(target);
    } else if (!std::isnan(scaled)) {
      scalar.raw = static_cast<Int128>(scaled);
    }
  }
  set(index, scalar);
}

double Buffer::real(std::int64_t index) const {
  const Scalar value = get(index);
  if (value.type.is_float()) return value.real;
  return std::ldexp(static_cast<double>(value.raw), -value.type.fraction);
}

std::vector<std::vector<std::int64_t>> argument_shapes(const Kernel& kernel,
                                                       std::span<const Argument> arguments) {
  if (arguments.size() != kernel.parameters.size()) {
    throw UserError(fmt::format("kernel {} takes {} arguments, not {}", kernel.name,
                                kernel.parameters.size(), arguments.size()),
                    "give one argument for each parameter");
  }
  std::map<std::string, Scalar> scalars;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const auto* parameter = std::get_if<ScalarParameter>(&kernel.parameters[i]);
    const auto* value = std::get_if<Scalar>(&arguments[i]);
    if (std::holds_alternative<StreamParameter>(kernel.parameters[i])) {
      throw UserError(fmt::format("kernel {} has the stream parameter {}", kernel.name,
                                  name_of(kernel.parameters[i])),
                      "run a kernel that calls it and owns the stream");
    }
    if ((parameter == nullptr) != (value == nullptr)) {
      throw UserError(
          fmt::format("kernel {}: parameter {} is {}", kernel.name, name_of(kernel.parameters[i]),
                      parameter != nullptr ? "a number" : "an array"),
          "give arguments in the order of the parameters");
    }
    if (parameter == nullptr) continue;
    if (value->type != parameter->type) {
      throw UserError(
          fmt::format("kernel {}: {} is of type {}, not {}", kernel.name, parameter->name,
                      to_string(parameter->type), to_string(value->type)),
          "give a value of the parameter's type");
    }
    scalars.emplace(parameter->name, *value);
  }
  std::vector<std::vector<std::int64_t>> shapes;
  for (const Parameter& parameter : kernel.parameters) {
    const auto* array = std::get_if<ArrayParameter>(&parameter);
    if (array == nullptr) continue;
    std::vector<std::int64_t>& shape = shapes.emplace_back();
    for (const Expr& extent : array->array.shape) {
      const Int128 number = evaluate(extent, scalars);
      if (number < 0 || number > kMaxBytes) {
        throw UserError(fmt::format("kernel {}: the extent {} of {} is {}", kernel.name,
                                    to_string(extent), array->array.name, to_string(number)),
                        "give sizes of at least 0 that fit in memory");
      }
      shape.push_back(static_cast<std::int64_t>(number));
    }
  }
  return shapes;
}

void check_arguments(const Kernel& kernel, std::span<const Argument> arguments) {
  const std::vector<std::vector<std::int64_t>> shapes = argument_shapes(kernel, arguments);
  std::size_t next = 0;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const auto* parameter = std::get_if<ArrayParameter>(&kernel.parameters[i]);
    if (parameter == nullptr) continue;
    const Buffer* buffer = std::get<Buffer*>(arguments[i]);
    const std::vector<std::int64_t>& shape = shapes[next++];
    if (buffer == nullptr || buffer->element() != parameter->array.element ||
        buffer->shape() != shape) {
      throw UserError(
          fmt::format("kernel {}: array {} is {}{}, not {}", kernel.name, parameter->array.name,
                      to_string(parameter->array.element), shape_text(shape),
                      buffer == nullptr
                          ? "absent"
                          : to_string(buffer->element()) + shape_text(buffer->shape())),
          "give a buffer of that type and shape");
    }
  }
}

}  // namespace heddle::kernel
