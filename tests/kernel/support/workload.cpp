#include "kernel/support/workload.h"

#include <algorithm>
#include <cmath>

#include "kernel/scalar.h"

namespace heddle::kernel {
namespace {

/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers with every standard library.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  /// 0 <= x < 1.
  double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }

 private:
  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
  }
  std::uint64_t state_;
};

Scalar as_scalar(const ScalarParameter& parameter, double value) {
  Buffer one(parameter.type, {});
  one.set(0, value);
  return one.get(0);
}

}  // namespace

void randomise(Buffer& buffer, double low, double high, std::uint64_t seed) {
  Random random(seed);
  for (std::int64_t i = 0; i < buffer.size(); ++i) {
    const double real = low + (high - low) * random.unit();
    const double whole = low + std::floor((high - low + 1) * random.unit());
    buffer.set(i, buffer.element().is_float() ? real : whole);
  }
}

Operands::Operands(KernelPtr kernel, const std::map<std::string, double>& scalars)
    : kernel_(std::move(kernel)) {
  std::vector<Argument> launch;
  for (const Parameter& parameter : kernel_->parameters) {
    const auto* scalar = std::get_if<ScalarParameter>(&parameter);
    launch.push_back(scalar ? Argument(as_scalar(*scalar, scalars.at(scalar->name)))
                            : Argument(static_cast<Buffer*>(nullptr)));
  }
  std::size_t next = 0;
  const std::vector<std::vector<std::int64_t>> shapes = argument_shapes(*kernel_, launch);
  for (std::size_t i = 0; i < launch.size(); ++i) {
    if (const auto* scalar = std::get_if<Scalar>(&launch[i])) {
      values_.emplace_back(*scalar);
      continue;
    }
    const Type& element = std::get<ArrayParameter>(kernel_->parameters[i]).array.element;
    Buffer buffer(element, shapes[next++]);
    const bool is_whole = element.is_integer() || element.is_index();
    const double low = is_whole ? std::max(-100.0, static_cast<double>(lowest(element))) : -1;
    const double high = is_whole ? std::min(100.0, static_cast<double>(highest(element))) : 1;
    randomise(buffer, low, high, i);
    values_.emplace_back(std::move(buffer));
  }
}

Buffer& Operands::buffer(const std::string& name) {
  for (std::size_t i = 0; i < values_.size(); ++i) {
    auto* buffer = std::get_if<Buffer>(&values_[i]);
    if (buffer != nullptr && name_of(kernel_->parameters[i]) == name) return *buffer;
  }
  throw InternalError(fmt::format("kernel {} has no array parameter {}", kernel_->name, name));
}

const Scalar& Operands::scalar(const std::string& name) const {
  for (std::size_t i = 0; i < values_.size(); ++i) {
    const auto* value = std::get_if<Scalar>(&values_[i]);
    if (value != nullptr && name_of(kernel_->parameters[i]) == name) return *value;
  }
  throw InternalError(fmt::format("kernel {} has no scalar parameter {}", kernel_->name, name));
}

int Operands::size(const std::string& name) const {
  return static_cast<int>(scalar(name).raw);
}

float Operands::real(const std::string& name) const {
  return scalar(name).real;
}

std::vector<Argument> Operands::arguments() {
  std::vector<Argument> launch;
  for (auto& value : values_) {
    auto* buffer = std::get_if<Buffer>(&value);
    launch.push_back(buffer ? Argument(buffer) : Argument(std::get<Scalar>(value)));
  }
  return launch;
}

std::string Operands::difference(const Operands& expected) const {
  for (std::size_t i = 0; i < values_.size(); ++i) {
    const auto* mine = std::get_if<Buffer>(&values_[i]);
    const auto* other = std::get_if<Buffer>(&expected.values_[i]);
    if (mine == nullptr || *mine == *other) continue;
    const auto same_bytes = [&](std::int64_t e) {
      const std::int64_t bytes = mine->element().bytes();
      return std::equal(mine->data() + e * bytes, mine->data() + (e + 1) * bytes,
                        other->data() + e * bytes);
    };
    std::int64_t e = 0;
    while (e < mine->size() && same_bytes(e)) ++e;
    return fmt::format("element {} of {} is {}, not {}", e, name_of(kernel_->parameters[i]),
                       to_string(mine->get(e)), to_string(other->get(e)));
  }
  return "";
}

std::vector<std::string> Operands::not_finite() const {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < values_.size(); ++i) {
    const auto* buffer = std::get_if<Buffer>(&values_[i]);
    if (buffer == nullptr) continue;
    std::int64_t e = 0;
    while (e < buffer->size() && std::isfinite(buffer->real(e))) ++e;
    if (e < buffer->size()) names.push_back(name_of(kernel_->parameters[i]));
  }
  return names;
}

Workload make_workload(std::string name, KernelPtr kernel,
                       const std::map<std::string, double>& scalars,
                       std::function<void(Operands&)> reference,
                       const std::function<void(Operands&)>& prepare) {
  Operands inputs(kernel, scalars);
  if (prepare) prepare(inputs);
  return {std::move(name), std::move(kernel), std::move(inputs), std::move(reference)};
}

int scaled(Size size, int small) {
  return size == Size::kSmall ? small : 4 * small;
}

std::vector<Workload> join(std::vector<std::vector<Workload>> lists) {
  std::vector<Workload> all;
  for (std::vector<Workload>& list : lists) {
    std::move(list.begin(), list.end(), std::back_inserter(all));
  }
  return all;
}

}  // namespace heddle::kernel
