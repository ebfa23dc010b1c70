#include "model/tensor_table.h"

#include "base/error.h"

namespace heddle {

void TensorTable::add(const std::string& name, Shape shape, bool is_copy) {
  ensure(index_.emplace(name, specs_.size()).second, "two tensors are named {}", name);
  specs_.push_back({name, std::move(shape), is_copy});
}

void TensorTable::linear(const std::string& prefix, std::int64_t out, std::int64_t in, bool bias) {
  add(prefix + ".weight", {out, in});
  if (bias) add(prefix + ".bias", {out});
}

void TensorTable::layer_norm(const std::string& prefix, std::int64_t size) {
  add(prefix + ".weight", {size});
  add(prefix + ".bias", {size});
}

const Shape* TensorTable::find(const std::string& name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &specs_[found->second].shape;
}

std::int64_t TensorTable::parameters() const {
  std::int64_t sum = 0;
  for (const ExpectedTensor& spec : specs_) {
    if (!spec.is_copy) sum += element_count(spec.shape);
  }
  return sum;
}

}  // namespace heddle
