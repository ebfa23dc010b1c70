#include "kernel/library/matrix.h"
#include "kernel/library/schedules.h"

namespace heddle::kernel {
namespace {

Expr zero(const Type& type) {
  return type.is_float() ? constant(type, 0.0) : constant(type, Int128{0});
}

}  // namespace

KernelPtr linear(const LinearShape& shape, const std::string& name) {
  check_sum(shape.number, "inner", shape.inner);
  const Type element = element_type(shape.number);
  const Type sum = sum_type(shape.number);
  const bool is_range = shape.range == Rows::kRange;
  KernelBuilder k(name, "y = x weight^T, each row of the weight giving one column of y");
  const ArrayHandle x = k.input("x", element, {shape.rows, shape.inner});
  const ArrayHandle weight = k.input("weight", element, {shape.columns, shape.inner});
  std::optional<ArrayHandle> bias;
  if (shape.bias) bias = k.input("bias", sum, {shape.columns});
  Expr offset;
  if (shape.mask == Mask::kCausal) offset = k.size("offset");
  const Expr first = is_range ? k.size("first") : Expr(0);
  const Expr last = is_range ? k.size("last") : Expr(shape.rows);
  const bool is_partial = is_range || shape.mask == Mask::kCausal;
  const std::vector<Expr> extents = {shape.rows, shape.columns};
  const ArrayHandle y = is_partial ? k.inout("y", sum, extents) : k.output("y", sum, extents);
  k.loop("i", first, last, [&](const Expr& i) {
    const Expr columns = offset ? visible_keys(shape.columns, offset, i) : Expr(shape.columns);
    k.loop("j", 0, columns, [&](const Expr& j) {
      y(i, j) = bias ? Expr((*bias)(j)) : zero(sum);
      k.loop("k", 0, shape.inner,
             [&](const Expr& r) { y(i, j) += product(x(i, r), weight(j, r)); });
    });
  });
  return k.build();
}

KernelPtr gemm(const GemmShape& shape, const std::string& name) {
  KernelBuilder k(name, "c = a b");
  const ArrayHandle a = k.input("a", shape.a, {shape.rows, shape.inner});
  const ArrayHandle b = k.input("b", shape.b, {shape.inner, shape.columns});
  Expr offset;
  if (shape.mask == Mask::kCausal) offset = k.size("offset");
  const ArrayHandle c = k.output("c", shape.sum, {shape.rows, shape.columns});
  k.loop("i", 0, shape.rows, [&](const Expr& i) {
    const Expr inner = offset ? visible_keys(shape.inner, offset, i) : Expr(shape.inner);
    k.loop("j", 0, shape.columns, [&](const Expr& j) {
      c(i, j) = zero(shape.sum);
      k.loop("k", 0, inner, [&](const Expr& r) { c(i, j) += product(a(i, r), b(r, j)); });
    });
  });
  return k.build();
}

KernelPtr gemv(const GemvShape& shape, const std::string& name) {
  check_sum(shape.number, "inner", shape.inner);
  const Type element = element_type(shape.number);
  const Type sum = sum_type(shape.number);
  KernelBuilder k(name, "y = weight x");
  const ArrayHandle weight = k.input("weight", element, {shape.rows, shape.inner});
  const ArrayHandle x = k.input("x", element, {shape.inner});
  std::optional<ArrayHandle> bias;
  if (shape.bias) bias = k.input("bias", sum, {shape.rows});
  const ArrayHandle y = k.output("y", sum, {shape.rows});
  k.loop("i", 0, shape.rows, [&](const Expr& i) {
    y(i) = bias ? Expr((*bias)(i)) : zero(sum);
    k.loop("k", 0, shape.inner, [&](const Expr& r) { y(i) += product(weight(i, r), x(r)); });
  });
  return k.build();
}

LibraryKernel linear_entry() {
  const auto make = [](const LibraryArguments& a) {
    return linear({.rows = a.number("rows"),
                   .columns = a.number("columns"),
                   .inner = a.number("inner"),
                   .number = number_of(a),
                   .bias = is_yes(a, "bias")});
  };
  return {
      "linear",
      "y[rows, columns] = x[rows, inner] weight[columns, inner]^T + bias, in float32 or int<32>",
      {size_parameter("rows", "rows of x", 64), size_parameter("columns", "columns of y", 64),
       size_parameter("inner", "columns of x", 64),
       word_parameter("bias", "whether bias[columns] is added", {"no", "yes"}),
       type_parameter(true)},
      make,
      all_schedules()};
}

LibraryKernel gemm_entry() {
  const auto make = [](const LibraryArguments& a) {
    check_sum(number_of(a), "inner", a.number("inner"));
    const Type element = element_type(number_of(a));
    return gemm({.rows = a.number("rows"),
                 .columns = a.number("columns"),
                 .inner = a.number("inner"),
                 .a = element,
                 .b = element,
                 .sum = sum_type(number_of(a))});
  };
  return {"gemm",
          "c[rows, columns] = a[rows, inner] b[inner, columns], in float32 or int<32>",
          {size_parameter("rows", "rows of a", 64), size_parameter("columns", "columns of b", 64),
           size_parameter("inner", "columns of a", 64), type_parameter(true)},
          make,
          all_schedules()};
}

LibraryKernel gemv_entry() {
  const auto make = [](const LibraryArguments& a) {
    return gemv({.rows = a.number("rows"),
                 .inner = a.number("inner"),
                 .number = number_of(a),
                 .bias = is_yes(a, "bias")});
  };
  return {
      "gemv",
      "y[rows] = weight[rows, inner] x[inner] + bias, in float32 or int<32>",
      {size_parameter("rows", "rows of the weight", 64),
       size_parameter("inner", "elements of x", 64),
       word_parameter("bias", "whether bias[rows] is added", {"no", "yes"}), type_parameter(true)},
      make,
      {base_schedule()}};
}

}  // namespace heddle::kernel
