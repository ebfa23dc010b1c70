#include "kernel/library/rows.h"

#include <cmath>
#include <limits>

#include "base/error.h"
#include "kernel/library/math.h"
#include "kernel/library/schedules.h"
#include "kernel/scalar.h"

namespace heddle::kernel {
namespace {

constexpr int kOctaveSteps = 256;

/// round(255 * 256 * 2^(-f/256)) for f in 0 ... 255.
std::vector<double> octave_table() {
  std::vector<double> values(kOctaveSteps);
  for (int f = 0; f < kOctaveSteps; ++f) {
    values[f] = std::round(255.0 * 256.0 * std::exp2(-f / double{kOctaveSteps}));
  }
  return values;
}

struct SoftmaxBuilder {
  KernelBuilder& k;
  const SoftmaxShape& shape;
  Expr offset;  ///< under kCausal

  [[nodiscard]] Expr visible(const Expr& i) const {
    return offset ? visible_keys(shape.columns, offset, i) : Expr(shape.columns);
  }
  void zero_others(const ArrayHandle& y, const Expr& i) const {
    if (shape.mask == Mask::kNone) return;
    k.loop("hidden", max(visible(i), to_index(0)), shape.columns,
           [&](const Expr& j) { y(i, j) = 0; });
  }
};

KernelPtr softmax_float(const SoftmaxShape& shape, const std::string& name) {
  KernelBuilder k(name, "y = softmax(scale x) by rows");
  const ArrayHandle x = k.input("x", float32_type(), {shape.rows, shape.columns});
  const Expr scale = k.scalar_argument("scale", float32_type());
  SoftmaxBuilder s{k, shape, {}};
  if (shape.mask == Mask::kCausal) s.offset = k.size("offset");
  const ArrayHandle y = k.output("y", float32_type(), {shape.rows, shape.columns});
  k.loop("i", 0, shape.rows, [&](const Expr& i) {
    Element largest = k.scalar("largest", float32_type());
    largest = double{std::numeric_limits<float>::lowest()};
    k.loop("j", 0, s.visible(i), [&](const Expr& j) { largest.reduce_max(x(i, j)); });
    Element sum = k.scalar("sum", float32_type());
    sum = 0;
    k.loop("e", 0, s.visible(i), [&](const Expr& j) {
      y(i, j) = exp((x(i, j) - largest) * scale);
      sum += y(i, j);
    });
    Element inverse = k.scalar("inverse", float32_type());
    inverse = Expr(1.0) / sum;
    k.loop("n", 0, s.visible(i), [&](const Expr& j) { y(i, j) *= inverse; });
    s.zero_others(y, i);
  });
  return k.build();
}

KernelPtr softmax_int8(const SoftmaxShape& shape, const std::string& name) {
  if (shape.columns > kLongestUint8Sum) {
    throw UserError(fmt::format("columns={}: the total of an int8 softmax may not fit its consumer",
                                shape.columns),
                    fmt::format("use at most {}, or type=float32", kLongestUint8Sum));
  }
  KernelBuilder k(name, "y / total = softmax(scale x) by rows, in powers of two");
  const ArrayHandle x = k.input("x", int_type(32), {shape.rows, shape.columns});
  const Expr multiplier = k.scalar_argument("multiplier", multiplier_type());
  const Expr shift = k.scalar_argument("shift", shift_type());
  SoftmaxBuilder s{k, shape, {}};
  if (shape.mask == Mask::kCausal) s.offset = k.size("offset");
  const ArrayHandle y = k.output("y", uint_type(8), {shape.rows, shape.columns});
  const ArrayHandle total = k.output("total", uint_type(32), {shape.rows});
  const ArrayHandle octave = k.table("octave", uint_type(16), {kOctaveSteps}, octave_table());
  k.loop("i", 0, shape.rows, [&](const Expr& i) {
    Element largest = k.scalar("largest", int_type(32));
    largest = constant(int_type(32), lowest(int_type(32)));
    k.loop("j", 0, s.visible(i), [&](const Expr& j) { largest.reduce_max(x(i, j)); });
    total(i) = 0;
    k.loop("e", 0, s.visible(i), [&](const Expr& j) {
      const Expr distance = cast(uint_type(32), largest - x(i, j));
      Element steps = k.scalar("steps", uint_type(12));
      steps = cast(uint_type(12), min(shift_to_nearest(distance * multiplier, shift), 4095));
      y(i, j) = cast(uint_type(8), shift_to_nearest(octave(steps & 255), (steps >> 8) + 8));
      total(i) += y(i, j);
    });
    s.zero_others(y, i);
  });
  return k.build();
}

/// The rows of a norm on int<8>: exact sums, then float32.
struct Int8Norm {
  KernelBuilder& k;
  const NormShape& shape;

  /// The sum of x (if `of` gives it so) or of its squares over a row.
  Element sum(const std::string& name, const Type& type,
              const std::function<Expr(const Expr&)>& of) const {
    Element total = k.scalar(name, type);
    total = 0;
    k.loop("s", 0, shape.columns, [&](const Expr& j) { total += of(j); });
    return total;
  }
};

KernelPtr layer_norm_float(const NormShape& shape, const std::string& name) {
  KernelBuilder k(name, "y = (x - mean) / sqrt(variance + epsilon) * weight + bias by rows");
  const Type real = float32_type();
  const ArrayHandle x = k.input("x", real, {shape.rows, shape.columns});
  const ArrayHandle weight = k.input("weight", real, {shape.columns});
  const ArrayHandle bias = k.input("bias", real, {shape.columns});
  const Expr epsilon = k.scalar_argument("epsilon", real);
  const ArrayHandle y = k.output("y", real, {shape.rows, shape.columns});
  const Expr count = static_cast<double>(shape.columns);
  k.loop("i", 0, shape.rows, [&](const Expr& i) {
    Element mean = k.scalar("mean", real);
    mean = 0;
    k.loop("s", 0, shape.columns, [&](const Expr& j) { mean += x(i, j); });
    mean = mean / count;
    Element variance = k.scalar("variance", real);
    variance = 0;
    k.loop("v", 0, shape.columns,
           [&](const Expr& j) { variance += (x(i, j) - mean) * (x(i, j) - mean); });
    Element inverse = k.scalar("inverse", real);
    inverse = rsqrt(variance / count + epsilon);
    k.loop("j", 0, shape.columns,
           [&](const Expr& j) { y(i, j) = (x(i, j) - mean) * inverse * weight(j) + bias(j); });
  });
  return k.build();
}

KernelPtr layer_norm_int8(const NormShape& shape, const std::string& name) {
  check_sum(shape.number, "columns", shape.columns);
  KernelBuilder k(name, "y = (x - mean) / sqrt(variance + epsilon) * weight + bias by rows");
  const Type real = float32_type();
  const ArrayHandle x = k.input("x", int_type(8), {shape.rows, shape.columns});
  const ArrayHandle weight = k.input("weight", real, {shape.columns});
  const ArrayHandle bias = k.input("bias", real, {shape.columns});
  const Expr epsilon = k.scalar_argument("epsilon", real);
  const ArrayHandle y = k.output("y", int_type(8), {shape.rows, shape.columns});
  const Expr count = shape.columns;
  const double squared_count = static_cast<double>(shape.columns * shape.columns);
  const Int8Norm rows{k, shape};
  k.loop("i", 0, shape.rows, [&](const Expr& i) {
    const Element sum = rows.sum("sum", int_type(25), [&](const Expr& j) { return x(i, j); });
    const Element squares =
        rows.sum("squares", int_type(32), [&](const Expr& j) { return x(i, j) * x(i, j); });
    Element inverse = k.scalar("inverse", real);  // of columns * standard deviation
    inverse = rsqrt(cast(real, count * squares - sum * sum) + epsilon * Expr(squared_count));
    k.loop("j", 0, shape.columns, [&](const Expr& j) {
      const Expr centred = cast(real, count * x(i, j) - sum);
      y(i, j) = saturate_int8(centred * inverse * weight(j) + bias(j));
    });
  });
  return k.build();
}

KernelPtr rms_norm_float(const NormShape& shape, const std::string& name) {
  KernelBuilder k(name, "y = x / sqrt(mean(x^2) + epsilon) * weight by rows");
  const Type real = float32_type();
  const ArrayHandle x = k.input("x", real, {shape.rows, shape.columns});
  const ArrayHandle weight = k.input("weight", real, {shape.columns});
  const Expr epsilon = k.scalar_argument("epsilon", real);
  const ArrayHandle y = k.output("y", real, {shape.rows, shape.columns});
  k.loop("i", 0, shape.rows, [&](const Expr& i) {
    Element squares = k.scalar("squares", real);
    squares = 0;
    k.loop("s", 0, shape.columns, [&](const Expr& j) { squares += x(i, j) * x(i, j); });
    Element inverse = k.scalar("inverse", real);
    inverse = rsqrt(squares / Expr(static_cast<double>(shape.columns)) + epsilon);
    k.loop("j", 0, shape.columns, [&](const Expr& j) { y(i, j) = x(i, j) * inverse * weight(j); });
  });
  return k.build();
}

KernelPtr rms_norm_int8(const NormShape& shape, const std::string& name) {
  check_sum(shape.number, "columns", shape.columns);
  KernelBuilder k(name, "y = x / sqrt(mean(x^2) + epsilon) * weight by rows");
  const Type real = float32_type();
  const ArrayHandle x = k.input("x", int_type(8), {shape.rows, shape.columns});
  const ArrayHandle weight = k.input("weight", real, {shape.columns});
  const Expr epsilon = k.scalar_argument("epsilon", real);
  const ArrayHandle y = k.output("y", int_type(8), {shape.rows, shape.columns});
  const Int8Norm rows{k, shape};
  k.loop("i", 0, shape.rows, [&](const Expr& i) {
    const Element squares =
        rows.sum("squares", int_type(32), [&](const Expr& j) { return x(i, j) * x(i, j); });
    Element inverse = k.scalar("inverse", real);
    inverse = rsqrt(cast(real, squares) / Expr(static_cast<double>(shape.columns)) + epsilon);
    k.loop("j", 0, shape.columns, [&](const Expr& j) {
      y(i, j) = saturate_int8(cast(real, x(i, j)) * inverse * weight(j));
    });
  });
  return k.build();
}

std::vector<LibraryParameter> row_parameters() {
  return {size_parameter("rows", "rows", 64), size_parameter("columns", "columns", 64),
          type_parameter()};
}

NormShape norm_of(const LibraryArguments& a) {
  return {a.number("rows"), a.number("columns"), number_of(a)};
}

}  // namespace

KernelPtr softmax(const SoftmaxShape& shape, const std::string& name) {
  return shape.number == Number::kInt8 ? softmax_int8(shape, name) : softmax_float(shape, name);
}

KernelPtr layer_norm(const NormShape& shape, const std::string& name) {
  return shape.number == Number::kInt8 ? layer_norm_int8(shape, name)
                                       : layer_norm_float(shape, name);
}

KernelPtr rms_norm(const NormShape& shape, const std::string& name) {
  return shape.number == Number::kInt8 ? rms_norm_int8(shape, name) : rms_norm_float(shape, name);
}

LibraryKernel softmax_entry() {
  std::vector<LibraryParameter> parameters = row_parameters();
  parameters.push_back(mask_parameter());
  const auto make = [](const LibraryArguments& a) {
    return softmax({.rows = a.number("rows"),
                    .columns = a.number("columns"),
                    .number = number_of(a),
                    .mask = mask_of(a)});
  };
  return {"softmax", "softmax(scale x) of each row; int8: from int<32> to uint<8> and a total",
          parameters, make, all_schedules()};
}

LibraryKernel layer_norm_entry() {
  const auto make = [](const LibraryArguments& a) { return layer_norm(norm_of(a)); };
  return {"layer_norm",
          "(x - mean) / sqrt(variance + epsilon) * weight + bias of each row",
          row_parameters(),
          make,
          {base_schedule()}};
}

LibraryKernel rms_norm_entry() {
  const auto make = [](const LibraryArguments& a) { return rms_norm(norm_of(a)); };
  return {"rms_norm",
          "x / sqrt(mean(x^2) + epsilon) * weight of each row",
          row_parameters(),
          make,
          {base_schedule()}};
}

}  // namespace heddle::kernel
