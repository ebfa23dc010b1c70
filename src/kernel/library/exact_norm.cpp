#include "kernel/library/exact_norm.h"

#include "base/error.h"
#include "kernel/library/exact_norm_rules.h"

namespace heddle::kernel {
namespace {

constexpr std::int64_t kMostColumns = 65536;

/// The nests of layer_norm_exact in their order, and what they hand on.
class NormBuilder {
 public:
  NormBuilder(const ExactLayerNormShape& shape, const std::string& name)
      : shape_(shape),
        k_(name, "LayerNorm of rows of Fixed numbers"),
        x_(k_.input("x", fixed_number(), {shape.rows, shape.columns})),
        weight_(k_, shape.columns),
        y_(k_.output("y", fixed_number(), {shape.rows, shape.columns})),
        distance_(k_.local("distance", distance_of_row_type(), {shape.rows, shape.columns})),
        exponent_(k_.local("exponent", exponent_type(), {shape.rows})),
        squares_(k_.local("squares", row_squares_type(), {shape.rows})),
        inverse_(k_.local("inverse", mantissa_type(), {shape.rows})),
        inverse_exponent_(k_.local("inverse_exponent", amount_type(), {shape.rows})) {}

  KernelPtr build() {
    centre();
    square();
    for_each_row([&](const Expr& i) { invert(i); });
    const FunctionPtr value = norm_value(shape_.y_fraction);
    for_each_element([&](const Expr& i, const Expr& j) {
      y_(i, j) =
          apply(value, {distance_(i, j), inverse_(i), inverse_exponent_(i), weight_.factor(j),
                        weight_.exponent(j), weight_.sign(j), weight_.offset(j)});
    });
    return k_.build();
  }

 private:
  void for_each_row(const std::function<void(const Expr&)>& body) {
    k_.loop("i", 0, shape_.rows, body);
  }
  void for_each_element(const std::function<void(const Expr&, const Expr&)>& body) {
    for_each_row([&](const Expr& i) {
      k_.loop("j", 0, shape_.columns, [&](const Expr& j) { body(i, j); });
    });
  }

  /// distance = d of each element, exponent = e of each row.
  void centre() {
    const ArrayHandle total = k_.local("total", row_total_type(), {shape_.rows});
    const ArrayHandle mean = k_.local("mean", fixed_number(), {shape_.rows});
    const ArrayHandle greatest = k_.local("greatest", uint_type(27), {shape_.rows});
    const auto centred = [&](const Expr& i, const Expr& j) { return x_(i, j) - mean(i); };
    for_each_row([&](const Expr& i) { total(i) = 0; });
    for_each_element([&](const Expr& i, const Expr& j) { total(i) += x_(i, j); });
    for_each_row([&](const Expr& i) {
      mean(i) = apply(row_mean(shape_.columns), {total(i)});
      greatest(i) = 0;
    });
    for_each_element([&](const Expr& i, const Expr& j) {
      greatest(i).reduce_max(cast(uint_type(27), abs(centred(i, j))));
    });
    for_each_row([&](const Expr& i) { exponent_(i) = apply(normal_exponent(27), {greatest(i)}); });
    for_each_element([&](const Expr& i, const Expr& j) {
      distance_(i, j) = apply(row_distance(), {centred(i, j), exponent_(i)});
    });
  }

  /// squares = the sum of d^2 of each row.
  void square() {
    for_each_row([&](const Expr& i) { squares_(i) = 0; });
    for_each_element([&](const Expr& i, const Expr& j) {
      squares_(i) += cast(uint_type(33), distance_(i, j) * distance_(i, j));
    });
  }

  void invert(const Expr& i) {
    const InverseDeviation inverse = inverse_deviation(k_, shape_.columns, shape_.x_fraction,
                                                       shape_.epsilon, squares_(i), exponent_(i));
    inverse_(i) = inverse.mantissa;
    inverse_exponent_(i) = inverse.exponent;
  }

  ExactLayerNormShape shape_;
  KernelBuilder k_;
  ArrayHandle x_;
  NormWeight weight_;
  ArrayHandle y_;
  ArrayHandle distance_;
  ArrayHandle exponent_;
  ArrayHandle squares_;
  ArrayHandle inverse_;
  ArrayHandle inverse_exponent_;
};

/// a, b -> y = a + b.
KernelPtr residual_exact(const ExactNormShape& shape) {
  const std::vector<Expr> extents = {shape.block, shape.columns};
  KernelBuilder k("residual_exact", "y = a + b of Fixed numbers");
  const ArrayHandle a = k.input("a", fixed_number(), extents);
  const ArrayHandle b = k.input("b", fixed_number(), extents);
  const ArrayHandle y = k.output("y", fixed_number(), extents);
  const FunctionPtr add = add_fixed("add_fixed", shape.a_fraction - shape.sum_fraction,
                                    shape.b_fraction - shape.sum_fraction);
  k.loop("i", 0, shape.block, [&](const Expr& i) {
    k.loop("j", 0, shape.columns, [&](const Expr& j) { y(i, j) = apply(add, {a(i, j), b(i, j)}); });
  });
  return k.build();
}

/// norm_exact of one block of rows.
KernelPtr norm_block(const ExactNormShape& shape, const std::string& name) {
  const std::vector<Expr> extents = {shape.block, shape.columns};
  KernelBuilder k(name, "sum = a + b; y = the codes of layer_norm(sum)");
  const ArrayHandle a = k.input("a", fixed_number(), extents);
  const ArrayHandle b = k.input("b", fixed_number(), extents);
  const NormWeight weight(k, shape.columns);
  const ArrayHandle sum = k.output("sum", fixed_number(), extents);
  const CodeRows y = CodeRows::output(k, "y", shape.block, shape.columns);
  k.call(residual_exact(shape), {a.all(), b.all(), sum.all()});
  const ArrayHandle norm = k.local("norm", fixed_number(), extents);
  CallArguments arguments = {sum.all()};
  weight.append_to(arguments);
  arguments.emplace_back(norm.all());
  k.call(layer_norm_exact({.rows = shape.block,
                           .columns = shape.columns,
                           .x_fraction = shape.sum_fraction,
                           .y_fraction = shape.norm_fraction,
                           .epsilon = shape.epsilon}),
         arguments);
  CallArguments codes = {norm.all()};
  y.append_to(codes);
  k.call(quantise_exact(shape.block, shape.columns), codes);
  return k.build();
}

}  // namespace

void check_norm_columns(std::int64_t columns) {
  if (columns <= kMostColumns) return;
  throw UserError(fmt::format("columns={}: a sum of so many squares may overflow", columns),
                  fmt::format("use at most {}", kMostColumns));
}

KernelPtr layer_norm_exact(const ExactLayerNormShape& shape, const std::string& name) {
  check_norm_columns(shape.columns);
  return NormBuilder(shape, name).build();
}

KernelPtr norm_exact(const ExactNormShape& shape, const std::string& name) {
  return by_blocks(norm_block(shape, name + "_block"), shape.rows, shape.block,
                   {"a", "b", "sum", "y", "y_mantissa", "y_exponent"}, name);
}

ExactNormShape exact_norm_shape(const LibraryArguments& a) {
  return {.rows = a.number("rows"),
          .columns = a.number("columns"),
          .a_fraction = fraction_of(a, "a_fraction"),
          .b_fraction = fraction_of(a, "b_fraction"),
          .sum_fraction = fraction_of(a, "sum_fraction"),
          .norm_fraction = fraction_of(a, "norm_fraction"),
          .epsilon = std::stod(a.word("epsilon"))};
}

LibraryKernel norm_exact_entry() {
  const auto make = [](const LibraryArguments& a) {
    ExactNormShape shape = exact_norm_shape(a);
    shape.block = a.number("block");
    return norm_exact(shape);
  };
  return {"norm_exact",
          "residual addition, LayerNorm and int<8> codes of each row, by docs/arithmetic.md",
          {size_parameter("rows", "rows of a and b", 16),
           size_parameter("columns", "columns of a and b", 32),
           fraction_parameter("a_fraction", "fraction of a", 18),
           fraction_parameter("b_fraction", "fraction of b", 18),
           fraction_parameter("sum_fraction", "fraction of a + b", 18),
           fraction_parameter("norm_fraction", "fraction of LayerNorm's result", 18),
           word_parameter("epsilon", "what is added to the variance", {"1e-6", "1e-5", "0"}),
           block_parameter()},
          make,
          {base_schedule()}};
}

}  // namespace heddle::kernel
