#include "kernel/property/difference.h"

#include <cmath>

#include "base/error.h"
#include "base/random.h"
#include "kernel/interpret.h"

namespace heddle::kernel {
namespace {

constexpr std::uint64_t kStatementLimit = 2'000'000;

bool alike(const Scalar& a, const Scalar& b) {
  if (a.type.is_float()) {
    return (std::isnan(a.real) && std::isnan(b.real)) ||
           (a.real == b.real && std::signbit(a.real) == std::signbit(b.real));
  }
  return a.raw == b.raw;
}

}  // namespace

Inputs::Inputs(const Kernel& kernel, std::uint64_t seed) {
  for (const Parameter& parameter : kernel.parameters) {
    const auto& array = std::get<ArrayParameter>(parameter).array;
    std::vector<std::int64_t> shape;
    for (const Expr& extent : array.shape) {
      shape.push_back(static_cast<std::int64_t>(*as_integer(extent)));
    }
    buffers_.push_back(std::make_unique<Buffer>(array.element, shape));
    Buffer& buffer = *buffers_.back();
    const RandomStream random(seed, array.name);
    for (std::int64_t i = 0; i < buffer.size(); ++i) {
      // Quarters: exact in every type, with ties for the rounding modes.
      buffer.set(i, std::floor((random.uniform(static_cast<std::uint64_t>(i)) - 0.5) * 160) / 4);
    }
    names_.push_back(array.name);
    arguments_.emplace_back(&buffer);
  }
}

std::string Inputs::difference(const Inputs& other) const {
  for (std::size_t a = 0; a < buffers_.size(); ++a) {
    if (buffers_[a]->size() != other.buffers_[a]->size()) return names_[a] + " has another size";
    for (std::int64_t i = 0; i < buffers_[a]->size(); ++i) {
      const Scalar mine = buffers_[a]->get(i);
      const Scalar theirs = other.buffers_[a]->get(i);
      if (!alike(mine, theirs)) {
        return fmt::format("{} differs at element {}: {} instead of {}", names_[a], i,
                           to_string(mine), to_string(theirs));
      }
    }
  }
  return "";
}

std::unique_ptr<Inputs> oracle(const Kernel& kernel, std::uint64_t seed) {
  auto inputs = std::make_unique<Inputs>(kernel, seed);
  try {
    interpret(kernel, inputs->arguments(), {kStatementLimit, false});
  } catch (const UserError&) {
    return nullptr;
  }
  return inputs;
}

}  // namespace heddle::kernel
