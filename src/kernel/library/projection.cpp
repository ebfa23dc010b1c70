#include "kernel/library/projection.h"

#include "kernel/library/elementwise.h"

namespace heddle::kernel {

Projection::Projection(KernelBuilder& k, const std::string& name, const LinearShape& shape)
    : builder_(&k),
      name_(name),
      shape_(shape),
      weight_(k.input(name + "_weight", element_type(shape.number), {shape.columns, shape.inner})) {
  if (shape.bias) bias_ = k.input(name + "_bias", sum_type(shape.number), {shape.columns});
  if (shape.number == Number::kInt8) {
    multiplier_ = k.input(name + "_multiplier", multiplier_type(), {shape.columns});
    shift_ = k.input(name + "_shift", shift_type(), {shape.columns});
  }
}

void Projection::apply(const ArrayHandle& x, const ArrayHandle& y) const {
  if (!multiplier_ || !shift_) {
    sum_up(x, y);
    return;
  }
  KernelBuilder& k = *builder_;
  const ArrayHandle sums = k.local(name_ + "_sums", int_type(32), {shape_.rows, shape_.columns});
  sum_up(x, sums);
  const KernelPtr requantise = requantise_matrix(
      {.rows = shape_.rows, .columns = shape_.columns, .per_channel = true}, name_ + "_requantise");
  k.call(requantise, {sums.all(), multiplier_->all(), shift_->all(), y.all()});
}

void Projection::sum_up(const ArrayHandle& x, const ArrayHandle& sums) const {
  CallArguments arguments = {x.all(), weight_.all()};
  if (bias_) arguments.emplace_back(bias_->all());
  arguments.emplace_back(sums.all());
  builder_->call(linear(shape_, name_), arguments);
}

}  // namespace heddle::kernel
