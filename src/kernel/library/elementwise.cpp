#include "kernel/library/elementwise.h"

#include "base/error.h"
#include "kernel/library/math.h"

namespace heddle::kernel {
namespace {

/// for i: for j: body(i, j).
void for_each_element(KernelBuilder& k, const MatrixShape& shape,
                      const std::function<void(const Expr&, const Expr&)>& body) {
  k.loop("i", 0, shape.rows,
         [&](const Expr& i) { k.loop("j", 0, shape.columns, [&](const Expr& j) { body(i, j); }); });
}

/// A table of what the function makes of each int<8> value, at value + 128.
ArrayHandle activation_table(KernelBuilder& k, Activation function, const Expr& scale,
                             const Expr& inverse_scale) {
  const ArrayHandle table = k.local("values", int_type(8), {256});
  k.loop("v", 0, 256, [&](const Expr& v) {
    const Expr real = cast(float32_type(), v - 128) * scale;
    table(v) = saturate_int8(apply(function_of(function), {real}) * inverse_scale);
  });
  return table;
}

std::vector<LibraryParameter> matrix_parameters() {
  return {size_parameter("rows", "rows", 64), size_parameter("columns", "columns", 64)};
}

MatrixShape matrix_of(const LibraryArguments& a) {
  return {a.number("rows"), a.number("columns"), number_of(a)};
}

}  // namespace

const std::vector<std::string>& activation_words() {
  static const std::vector<std::string> words = {"gelu_tanh", "gelu_erf", "silu", "relu"};
  return words;
}

Activation activation_of(const std::string& word) {
  const std::vector<std::string>& words = activation_words();
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == word) return static_cast<Activation>(i);
  }
  throw InternalError(fmt::format("no activation is called {}", word));
}

FunctionPtr function_of(Activation activation) {
  switch (activation) {
    case Activation::kGeluTanh:
      return gelu_tanh_function();
    case Activation::kGeluErf:
      return gelu_erf_function();
    case Activation::kSilu:
      return silu_function();
    case Activation::kRelu:
      break;
  }
  return relu_function();
}

bool takes_scales(Activation function) {
  return function != Activation::kRelu;
}

KernelPtr activation(Activation function, const MatrixShape& shape, const std::string& name) {
  const Type element = element_type(shape.number);
  const bool is_int8 = shape.number == Number::kInt8;
  KernelBuilder k(name, "an activation, element by element");
  const ArrayHandle x = k.input("x", element, {shape.rows, shape.columns});
  std::optional<ArrayHandle> values;
  if (is_int8 && takes_scales(function)) {
    const Expr scale = k.scalar_argument("scale", float32_type());
    const Expr inverse_scale = k.scalar_argument("inverse_scale", float32_type());
    values = activation_table(k, function, scale, inverse_scale);
  }
  const ArrayHandle y = k.output("y", element, {shape.rows, shape.columns});
  for_each_element(k, shape, [&](const Expr& i, const Expr& j) {
    if (values) {
      y(i, j) = (*values)(to_index(x(i, j)) + 128);
    } else if (is_int8) {
      y(i, j) = max(x(i, j), 0);
    } else {
      y(i, j) = apply(function_of(function), {x(i, j)});
    }
  });
  return k.build();
}

KernelPtr residual(const MatrixShape& shape, const std::string& name) {
  const Type element = element_type(shape.number);
  const bool is_int8 = shape.number == Number::kInt8;
  KernelBuilder k(name, "y = a + b");
  const ArrayHandle a = k.input("a", element, {shape.rows, shape.columns});
  const ArrayHandle b = k.input("b", element, {shape.rows, shape.columns});
  Expr multiplier_a;
  Expr multiplier_b;
  Expr shift;
  if (is_int8) {
    multiplier_a = k.scalar_argument("multiplier_a", multiplier_type());
    multiplier_b = k.scalar_argument("multiplier_b", multiplier_type());
    shift = k.scalar_argument("shift", shift_type());
  }
  const ArrayHandle y = k.output("y", element, {shape.rows, shape.columns});
  for_each_element(k, shape, [&](const Expr& i, const Expr& j) {
    if (is_int8) {
      const Expr sum = a(i, j) * multiplier_a + b(i, j) * multiplier_b;
      y(i, j) = saturate_int8(shift_to_nearest(sum, shift));
    } else {
      y(i, j) = a(i, j) + b(i, j);
    }
  });
  return k.build();
}

KernelPtr multiply(const MatrixShape& shape, const std::string& name) {
  const Type element = element_type(shape.number);
  const bool is_int8 = shape.number == Number::kInt8;
  KernelBuilder k(name, "y = a b, element by element");
  const ArrayHandle a = k.input("a", element, {shape.rows, shape.columns});
  const ArrayHandle b = k.input("b", element, {shape.rows, shape.columns});
  Expr multiplier;
  Expr shift;
  if (is_int8) {
    multiplier = k.scalar_argument("multiplier", multiplier_type());
    shift = k.scalar_argument("shift", shift_type());
  }
  const ArrayHandle y = k.output("y", element, {shape.rows, shape.columns});
  for_each_element(k, shape, [&](const Expr& i, const Expr& j) {
    const Expr value = a(i, j) * b(i, j);
    y(i, j) = is_int8 ? requantise(value, multiplier, shift) : value;
  });
  return k.build();
}

KernelPtr requantise_matrix(const RequantiseShape& shape, const std::string& name) {
  KernelBuilder k(name, "y = x * multiplier / 2^shift to the nearest, saturated to int<8>");
  const std::vector<Expr> extents = {shape.rows, shape.columns};
  const ArrayHandle x = k.input("x", int_type(32), extents);
  std::optional<ArrayHandle> multipliers;
  std::optional<ArrayHandle> shifts;
  Expr multiplier;
  Expr shift;
  if (shape.per_channel) {
    multipliers = k.input("multiplier", multiplier_type(), {shape.columns});
    shifts = k.input("shift", shift_type(), {shape.columns});
  } else {
    multiplier = k.scalar_argument("multiplier", multiplier_type());
    shift = k.scalar_argument("shift", shift_type());
  }
  const Expr first = shape.is_range ? k.size("first") : Expr(0);
  const Expr last = shape.is_range ? k.size("last") : Expr(shape.rows);
  const ArrayHandle y =
      shape.is_range ? k.inout("y", int_type(8), extents) : k.output("y", int_type(8), extents);
  k.loop("i", first, last, [&](const Expr& i) {
    k.loop("j", 0, shape.columns, [&](const Expr& j) {
      y(i, j) = requantise(x(i, j), multipliers ? Expr((*multipliers)(j)) : multiplier,
                           shifts ? Expr((*shifts)(j)) : shift);
    });
  });
  return k.build();
}

LibraryKernel gelu_entry() {
  std::vector<LibraryParameter> parameters = matrix_parameters();
  parameters.push_back(word_parameter("form", "by tanh or by the error function", {"tanh", "erf"}));
  parameters.push_back(type_parameter());
  const auto make = [](const LibraryArguments& a) {
    const bool is_tanh = a.word("form") == "tanh";
    return activation(is_tanh ? Activation::kGeluTanh : Activation::kGeluErf, matrix_of(a), "gelu");
  };
  return {"gelu", "y = gelu(x), element by element", parameters, make, {base_schedule()}};
}

LibraryKernel silu_entry() {
  std::vector<LibraryParameter> parameters = matrix_parameters();
  parameters.push_back(type_parameter());
  const auto make = [](const LibraryArguments& a) {
    return activation(Activation::kSilu, matrix_of(a), "silu");
  };
  return {"silu", "y = x sigmoid(x), element by element", parameters, make, {base_schedule()}};
}

LibraryKernel relu_entry() {
  std::vector<LibraryParameter> parameters = matrix_parameters();
  parameters.push_back(type_parameter());
  const auto make = [](const LibraryArguments& a) {
    return activation(Activation::kRelu, matrix_of(a), "relu");
  };
  return {"relu", "y = max(x, 0), element by element", parameters, make, {base_schedule()}};
}

LibraryKernel residual_entry() {
  std::vector<LibraryParameter> parameters = matrix_parameters();
  parameters.push_back(type_parameter());
  const auto make = [](const LibraryArguments& a) { return residual(matrix_of(a)); };
  return {"residual",
          "y = a + b; int8: with a multiplier for each and a shift",
          parameters,
          make,
          {base_schedule()}};
}

LibraryKernel multiply_entry() {
  std::vector<LibraryParameter> parameters = matrix_parameters();
  parameters.push_back(type_parameter());
  const auto make = [](const LibraryArguments& a) { return multiply(matrix_of(a)); };
  return {"multiply", "y = a b, element by element", parameters, make, {base_schedule()}};
}

LibraryKernel requantise_entry() {
  std::vector<LibraryParameter> parameters = matrix_parameters();
  parameters.push_back(word_parameter("scale", "one multiplier and shift, or one per column",
                                      {"per_tensor", "per_channel"}));
  const auto make = [](const LibraryArguments& a) {
    return requantise_matrix({.rows = a.number("rows"),
                              .columns = a.number("columns"),
                              .per_channel = a.word("scale") == "per_channel"});
  };
  return {"requantise",
          "int<32> to int<8>: y = x * multiplier / 2^shift to the nearest, saturated",
          parameters,
          make,
          {base_schedule()}};
}

}  // namespace heddle::kernel
