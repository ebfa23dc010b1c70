#include "kernel/library/exact_linear.h"

#include <algorithm>

#include "base/error.h"

namespace heddle::kernel {

CodeRows CodeRows::input(KernelBuilder& k, const std::string& name, std::int64_t rows,
                         std::int64_t columns) {
  return {k.input(name, int_type(8), {rows, columns}),
          k.input(name + "_mantissa", mantissa_type(), {rows}),
          k.input(name + "_exponent", exponent_type(), {rows})};
}

CodeRows CodeRows::output(KernelBuilder& k, const std::string& name, std::int64_t rows,
                          std::int64_t columns) {
  return {k.output(name, int_type(8), {rows, columns}),
          k.output(name + "_mantissa", mantissa_type(), {rows}),
          k.output(name + "_exponent", exponent_type(), {rows})};
}

CodeRows CodeRows::local(KernelBuilder& k, const std::string& name, std::int64_t rows,
                         std::int64_t columns) {
  return {k.local(name, int_type(8), {rows, columns}),
          k.local(name + "_mantissa", mantissa_type(), {rows}),
          k.local(name + "_exponent", exponent_type(), {rows})};
}

void CodeRows::append_to(CallArguments& arguments) const {
  for (const ArrayHandle& array : {codes, mantissa, exponent}) arguments.emplace_back(array.all());
}

KernelPtr quantise_exact(std::int64_t rows, std::int64_t columns, const std::string& name) {
  KernelBuilder k(name, "rows of Fixed numbers as codes with a Scale each");
  const ArrayHandle x = k.input("x", fixed_number(), {rows, columns});
  const CodeRows y = CodeRows::output(k, "y", rows, columns);
  const Type size = uint_type(fixed_number().width);
  const ArrayHandle greatest = k.local("greatest", size, {rows});
  const ArrayHandle reciprocal = k.local("reciprocal", uint_type(17), {rows});
  k.loop("i", 0, rows, [&](const Expr& i) { greatest(i) = 0; });
  k.loop("i", 0, rows, [&](const Expr& i) {
    k.loop("j", 0, columns, [&](const Expr& j) { greatest(i).reduce_max(abs(x(i, j))); });
  });
  k.loop("i", 0, rows, [&](const Expr& i) {
    y.exponent(i) = apply(normal_exponent(size.width), {greatest(i)});
    y.mantissa(i) = apply(normal_mantissa(size.width), {greatest(i), y.exponent(i)});
    reciprocal(i) = apply(row_reciprocal(), {y.mantissa(i)});
  });
  k.loop("i", 0, rows, [&](const Expr& i) {
    k.loop("j", 0, columns, [&](const Expr& j) {
      y.codes(i, j) = apply(quantise_code(), {x(i, j), y.exponent(i), reciprocal(i)});
    });
  });
  return k.build();
}

KernelPtr linear_exact(const ExactLinearShape& shape, const std::string& name) {
  const FunctionPtr requantise =
      requantise_sum("requantise_" + name, shape.inner, shape.x_fraction - shape.y_fraction);
  KernelBuilder k(name, "y = x weight^T + bias, from codes to Fixed numbers");
  const CodeRows x = CodeRows::input(k, "x", shape.rows, shape.inner);
  const CodeRows weight = CodeRows::input(k, "weight", shape.columns, shape.inner);
  std::optional<ArrayHandle> bias;
  if (shape.bias) bias = k.input("bias", fixed_number(), {shape.columns});
  const bool is_range = shape.range == Rows::kRange;
  const Expr first = is_range ? k.size("first") : Expr(0);
  const Expr last = is_range ? k.size("last") : Expr(shape.rows);
  const std::vector<Expr> extents = {shape.rows, shape.columns};
  const ArrayHandle y =
      is_range ? k.inout("y", fixed_number(), extents) : k.output("y", fixed_number(), extents);
  const ArrayHandle sums = k.local("sums", int_type(32), extents);
  const auto for_each_sum = [&](const std::function<void(const Expr&, const Expr&)>& body) {
    k.loop("i", first, last, [&](const Expr& i) {
      k.loop("j", 0, shape.columns, [&](const Expr& j) { body(i, j); });
    });
  };
  for_each_sum([&](const Expr& i, const Expr& j) { sums(i, j) = 0; });
  for_each_sum([&](const Expr& i, const Expr& j) {
    k.loop("k", 0, shape.inner,
           [&](const Expr& r) { sums(i, j) += x.codes(i, r) * weight.codes(j, r); });
  });
  for_each_sum([&](const Expr& i, const Expr& j) {
    y(i, j) = apply(requantise, {sums(i, j), x.mantissa(i), x.exponent(i), weight.mantissa(j),
                                 weight.exponent(j), bias ? Expr((*bias)(j)) : Expr(0)});
  });
  return k.build();
}

ExactProjection::ExactProjection(KernelBuilder& k, const std::string& name,
                                 const ExactLinearShape& shape)
    : builder_(&k),
      name_(name),
      shape_(shape),
      weight_(CodeRows::input(k, name + "_weight", shape.columns, shape.inner)) {
  if (shape.bias) bias_ = k.input(name + "_bias", fixed_number(), {shape.columns});
}

void ExactProjection::apply(const CodeRows& x, const ArrayHandle& y) const {
  CallArguments arguments;
  x.append_to(arguments);
  weight_.append_to(arguments);
  if (bias_) arguments.emplace_back(bias_->all());
  arguments.emplace_back(y.all());
  builder_->call(linear_exact(shape_, name_), arguments);
}

KernelPtr by_blocks(const KernelPtr& of_block, std::int64_t rows, std::int64_t block,
                    const std::vector<std::string>& row_wise, const std::string& name) {
  if (rows % block != 0) {
    throw UserError(fmt::format("{}: block={} does not divide rows={}", name, block, rows),
                    "give a number of rows that are kept at a time, a divisor of rows");
  }
  const auto has_rows = [&](const std::string& parameter) {
    return std::find(row_wise.begin(), row_wise.end(), parameter) != row_wise.end();
  };
  KernelBuilder k(name, of_block->summary);
  std::vector<ArrayHandle> arrays;
  arrays.reserve(of_block->parameters.size());
  for (const Parameter& parameter : of_block->parameters) {
    const auto& [array, direction] = std::get<ArrayParameter>(parameter);
    std::vector<Expr> shape = array.shape;
    if (has_rows(array.name)) shape.front() = to_index(rows);
    arrays.push_back(direction == Direction::kIn ? k.input(array.name, array.element, shape)
                                                 : k.output(array.name, array.element, shape));
  }
  k.loop("b", 0, rows / block, [&](const Expr& b) {
    CallArguments arguments;
    arguments.reserve(arrays.size());
    for (const ArrayHandle& array : arrays) {
      Window window = array.all();
      if (has_rows(array.name())) window.dimensions.front().base = b * block;
      arguments.emplace_back(window);
    }
    k.call(of_block, arguments);
  });
  return k.build();
}

LibraryParameter fraction_parameter(const std::string& name, const std::string& summary,
                                    int default_number) {
  return {name, summary, default_number, -20, {}};
}

int fraction_of(const LibraryArguments& arguments, const std::string& name) {
  constexpr int kMostFraction = 40;
  const std::int64_t fraction = arguments.number(name);
  if (fraction <= kMostFraction) return static_cast<int>(fraction);
  throw UserError(fmt::format("{}={} is not a fraction of a Fixed value", name, fraction),
                  fmt::format("give a number from -20 to {}", kMostFraction));
}

LibraryParameter block_parameter() {
  return size_parameter("block", "rows that are kept at a time, a divisor of rows", 1);
}

LibraryKernel linear_exact_entry() {
  const auto make = [](const LibraryArguments& a) {
    return linear_exact({.rows = a.number("rows"),
                         .columns = a.number("columns"),
                         .inner = a.number("inner"),
                         .x_fraction = fraction_of(a, "x_fraction"),
                         .y_fraction = fraction_of(a, "y_fraction"),
                         .bias = is_yes(a, "bias")});
  };
  return {"linear_exact",
          "linear of int<8> rows to Fixed numbers, by docs/arithmetic.md",
          {size_parameter("rows", "rows of x", 16), size_parameter("columns", "columns of y", 32),
           size_parameter("inner", "columns of x", 32),
           fraction_parameter("x_fraction", "fraction of x", 18),
           fraction_parameter("y_fraction", "fraction of y", 18),
           word_parameter("bias", "whether bias[columns] is added", {"yes", "no"})},
          make,
          {base_schedule()}};
}

LibraryKernel quantise_exact_entry() {
  const auto make = [](const LibraryArguments& a) {
    return quantise_exact(a.number("rows"), a.number("columns"));
  };
  return {"quantise_exact",
          "rows of Fixed numbers to int<8> codes and a Scale each, by docs/arithmetic.md",
          {size_parameter("rows", "rows of x", 16), size_parameter("columns", "columns of x", 32)},
          make,
          {base_schedule()}};
}

}  // namespace heddle::kernel
