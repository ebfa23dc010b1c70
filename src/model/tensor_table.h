// The tensors that a checkpoint of a model holds: names and shapes, as they follow from its config.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "tensor/tensor.h"

namespace heddle {

struct ExpectedTensor {
  std::string name;
  Shape shape;
  bool is_copy = false;  ///< of another tensor that it is tied to
};

class TensorTable {
 public:
  void add(const std::string& name, Shape shape, bool is_copy = false);
  /// `prefix`.weight[out,in] and perhaps `prefix`.bias[out].
  void linear(const std::string& prefix, std::int64_t out, std::int64_t in, bool bias);
  /// `prefix`.weight[size] and `prefix`.bias[size].
  void layer_norm(const std::string& prefix, std::int64_t size);

  [[nodiscard]] const std::vector<ExpectedTensor>& all() const { return specs_; }
  /// nullptr if there is no tensor of that name.
  [[nodiscard]] const Shape* find(const std::string& name) const;
  /// Elements of all tensors, copies left out.
  [[nodiscard]] std::int64_t parameters() const;

 private:
  std::vector<ExpectedTensor> specs_;
  std::unordered_map<std::string, std::size_t> index_;
};

}  // namespace heddle
