#include "kernel/library/exact_norm.h"

#include <cmath>

#include "base/error.h"
#include "kernel/library/exact_softmax.h"

namespace heddle::kernel {
namespace {

constexpr std::int64_t kMostColumns = 65536;
constexpr int kRootDigits = 31;

Type centred_type() {
  return int_type(28);
}
/// d: at most 2^16 either way.
Type distance_of_row_type() {
  return int_type(18);
}
/// V: at most 2^62.
Type variance_type() {
  return uint_type(63);
}

/// (total: int<43>) -> int<27>: div(total, columns).
FunctionPtr row_mean(std::int64_t columns) {
  FunctionBuilder f("row_mean");
  const Expr total = f.parameter("total", int_type(43));
  // Of non-negative numbers, so that rounding toward zero is rounding down.
  const std::int64_t up = std::int64_t{1} << 26;
  const Expr raised = f.let("raised", cast(uint_type(44), total + columns * up));
  return f.returns(cast(fixed_number(), ((raised << 1) + columns) / (2 * columns) - up));
}

/// (c: int<28>, e: int<8>) -> int<18>: d.
FunctionPtr row_distance() {
  FunctionBuilder f("row_distance");
  const Expr c = f.parameter("c", centred_type());
  const Expr e = f.parameter("e", exponent_type());
  return f.returns(round_shift_within(c, e, 15, distance_of_row_type().width));
}

/// (squares: uint<49>, e: int<8>) -> uint<63>: V.
FunctionPtr row_variance(const ExactLayerNormShape& shape) {
  FunctionBuilder f("row_variance");
  const Expr squares = f.parameter("squares", uint_type(49));
  const Expr e = f.parameter("e", exponent_type());
  const ScaleConstant added = nearest_scale(shape.epsilon * static_cast<double>(shape.columns));
  const Expr up = f.let("up", Expr(added.exponent + 2 * shape.x_fraction) - (e << 1));
  // Shifted left by 47, a mantissa is 2^62 or more; shifted right by 17, it is 0.
  const Expr left = f.let("left", cast(uint_type(6), min(max(up, 0), 47)));
  const Expr right = f.let("right", cast(uint_type(5), min(max(-up, 0), 17)));
  const Expr mantissa = cast(variance_type(), added.mantissa);
  const Expr epsilon = f.let("epsilon", (((mantissa << left) << 1 >> right) + 1) >> 1);
  const Expr most = constant(uint_type(63), Int128{1} << 62);
  return f.returns(cast(variance_type(), min(squares + epsilon, most)));
}

/// (v: uint<63>) -> int<8>: p.
FunctionPtr root_shift() {
  FunctionBuilder f("root_shift");
  const Expr v = f.parameter("v", variance_type());
  const Expr excess = f.let("excess", apply(bits_function(63), {v}) - 32);
  return f.returns(cast(exponent_type(), excess + (excess & 1)));
}

/// (v: uint<63>, p: int<8>) -> uint<32>: rnd0(v, p).
FunctionPtr root_operand() {
  FunctionBuilder f("root_operand");
  const Expr v = f.parameter("v", variance_type());
  const Expr p = f.parameter("p", exponent_type());
  const Expr right = f.let("right", cast(uint_type(6), max(p, 0)));
  const Expr left = f.let("left", cast(uint_type(6), max(-p, 0)));
  return f.returns(cast(uint_type(32), v >> right) << left);
}

/// (d: int<18>, m: uint<16>, e: int<12>, u: uint<16>, h: int<8>, negative: uint<1>, offset:
/// int<27>) -> int<27>: y, where (m, e) is 1 / the standard deviation.
FunctionPtr norm_value(int fraction_y) {
  FunctionBuilder f("norm_value");
  const Expr d = f.parameter("d", distance_of_row_type());
  const Expr m = f.parameter("m", mantissa_type());
  const Expr e = f.parameter("e", amount_type());
  const Expr u = f.parameter("u", mantissa_type());
  const Expr h = f.parameter("h", exponent_type());
  const Expr negative = f.parameter("negative", uint_type(1));
  const Expr offset = f.parameter("offset", fixed_number());
  const Expr factor = f.let("factor", cast(uint_type(17), (m * u) >> 15));
  const Expr shift = f.let("shift", cast(amount_type(), Expr(-fraction_y - 15) - e - h));
  const Expr scaled = f.let("scaled", round_saturate(d * factor, shift));
  return f.returns(saturate_fixed(select(negative == 1, -scaled, scaled) + offset));
}

/// The parameters that stand for a norm's weight.
struct NormWeight {
  ArrayHandle factor;
  ArrayHandle exponent;
  ArrayHandle sign;
  ArrayHandle offset;

  NormWeight(KernelBuilder& k, std::int64_t columns)
      : factor(k.input("factor", mantissa_type(), {columns})),
        exponent(k.input("factor_exponent", exponent_type(), {columns})),
        sign(k.input("factor_sign", uint_type(1), {columns})),
        offset(k.input("offset", fixed_number(), {columns})) {}

  void append_to(CallArguments& arguments) const {
    for (const ArrayHandle& array : {factor, exponent, sign, offset}) {
      arguments.emplace_back(array.all());
    }
  }
};

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
        squares_(k_.local("squares", uint_type(49), {shape.rows})),
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
    const ArrayHandle total = k_.local("total", int_type(43), {shape_.rows});
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

  /// inverse, inverse_exponent = 1 / the standard deviation of row i. Where V is 0 all d are, and
  /// so it does not matter what comes out.
  void invert(const Expr& i) {
    Element variance = k_.scalar("variance", variance_type());
    variance = apply(row_variance(shape_), {squares_(i), exponent_(i)});
    Element shift = k_.scalar("shift", exponent_type());
    shift = apply(root_shift(), {variance});
    const Expr root = square_root(apply(root_operand(), {variance, shift}));
    const ScaleConstant columns = nearest_scale(std::sqrt(static_cast<double>(shape_.columns)));
    Element quotient = k_.scalar("quotient", uint_type(32));
    quotient = constant(uint_type(61), Int128{columns.mantissa} << 45) / max(root, 1 << 30);
    Element excess = k_.scalar("excess", exponent_type());
    excess = apply(normal_exponent(32), {quotient});
    inverse_(i) = apply(normal_mantissa(32), {quotient, excess});
    inverse_exponent_(i) = Expr(columns.exponent - 30) - (shift >> 1) + excess;
  }

  /// isqrt(operand 2^30) for an operand of 32 bits: a digit of the root in each step takes two of
  /// the operand's.
  Expr square_root(const Expr& operand) {
    Element digits = k_.scalar("digits", uint_type(32, Overflow::kWrap));
    Element root = k_.scalar("root", uint_type(kRootDigits));
    Element rest = k_.scalar("rest", uint_type(32));
    digits = operand;
    root = 0;
    rest = 0;
    k_.loop("n", 0, kRootDigits, [&](const Expr&) {
      const Type wide = uint_type(34);
      Element longer = k_.scalar("longer", wide);
      longer = (rest << 2) + (digits >> 30);
      Element trial = k_.scalar("trial", wide);
      trial = (root << 2) + 1;
      const Expr fits = trial <= longer;
      rest = cast(uint_type(32), select(fits, longer - trial, longer));
      root = cast(uint_type(kRootDigits), (root << 1) + select(fits, 1, 0));
      digits = digits << 2;
    });
    return root;
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

KernelPtr layer_norm_exact(const ExactLayerNormShape& shape, const std::string& name) {
  if (shape.columns > kMostColumns) {
    throw UserError(fmt::format("columns={}: a sum of so many squares may overflow", shape.columns),
                    fmt::format("use at most {}", kMostColumns));
  }
  return NormBuilder(shape, name).build();
}

KernelPtr norm_exact(const ExactNormShape& shape, const std::string& name) {
  return by_blocks(norm_block(shape, name + "_block"), shape.rows, shape.block,
                   {"a", "b", "sum", "y", "y_mantissa", "y_exponent"}, name);
}

LibraryKernel norm_exact_entry() {
  const auto make = [](const LibraryArguments& a) {
    return norm_exact({.rows = a.number("rows"),
                       .columns = a.number("columns"),
                       .a_fraction = fraction_of(a, "a_fraction"),
                       .b_fraction = fraction_of(a, "b_fraction"),
                       .sum_fraction = fraction_of(a, "sum_fraction"),
                       .norm_fraction = fraction_of(a, "norm_fraction"),
                       .epsilon = std::stod(a.word("epsilon")),
                       .block = a.number("block")});
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
