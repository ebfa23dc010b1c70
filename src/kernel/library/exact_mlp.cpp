#include "kernel/library/exact_mlp.h"

#include "kernel/library/exact_gelu.h"

namespace heddle::kernel {
namespace {

/// x [rows, columns] -> y = gelu(x).
KernelPtr gelu_of(std::int64_t rows, std::int64_t columns, int fraction_x, int fraction_y) {
  KernelBuilder k("gelu_exact", "GELU of Fixed numbers");
  const ArrayHandle x = k.input("x", fixed_number(), {rows, columns});
  const ArrayHandle y = k.output("y", fixed_number(), {rows, columns});
  const ExactGelu gelu(k, fraction_x, fraction_y);
  k.loop("i", 0, rows, [&](const Expr& i) {
    k.loop("j", 0, columns, [&](const Expr& j) { y(i, j) = gelu.of(x(i, j)); });
  });
  return k.build();
}

/// Of one block of rows.
KernelPtr mlp_block(const ExactMlpShape& shape, const std::string& name) {
  const std::int64_t rows = shape.block;
  KernelBuilder k(name, "y = down(gelu(up(x))), from codes to Fixed numbers");
  const CodeRows x = CodeRows::input(k, "x", rows, shape.hidden);
  const ExactProjection up(k, "up",
                           {.rows = rows,
                            .columns = shape.inner,
                            .inner = shape.hidden,
                            .x_fraction = shape.x_fraction,
                            .y_fraction = shape.up_fraction});
  const ExactProjection down(k, "down",
                             {.rows = rows,
                              .columns = shape.hidden,
                              .inner = shape.inner,
                              .x_fraction = shape.gelu_fraction,
                              .y_fraction = shape.y_fraction});
  const ArrayHandle y = k.output("y", fixed_number(), {rows, shape.hidden});
  const ArrayHandle raised = k.local("raised", fixed_number(), {rows, shape.inner});
  up.apply(x, raised);
  const ArrayHandle active = k.local("active", fixed_number(), {rows, shape.inner});
  k.call(gelu_of(rows, shape.inner, shape.up_fraction, shape.gelu_fraction),
         {raised.all(), active.all()});
  const CodeRows codes = CodeRows::local(k, "codes", rows, shape.inner);
  CallArguments arguments = {active.all()};
  codes.append_to(arguments);
  k.call(quantise_exact(rows, shape.inner, "quantise_active"), arguments);
  down.apply(codes, y);
  return k.build();
}

}  // namespace

KernelPtr mlp_exact(const ExactMlpShape& shape, const std::string& name) {
  return by_blocks(mlp_block(shape, name + "_block"), shape.rows, shape.block,
                   {"x", "x_mantissa", "x_exponent", "y"}, name);
}

ExactMlpShape exact_mlp_shape(const LibraryArguments& a) {
  return {.rows = a.number("rows"),
          .hidden = a.number("hidden"),
          .inner = a.number("inner"),
          .x_fraction = fraction_of(a, "x_fraction"),
          .up_fraction = fraction_of(a, "up_fraction"),
          .gelu_fraction = fraction_of(a, "gelu_fraction"),
          .y_fraction = fraction_of(a, "y_fraction")};
}

LibraryKernel mlp_exact_entry() {
  const auto make = [](const LibraryArguments& a) {
    ExactMlpShape shape = exact_mlp_shape(a);
    shape.block = a.number("block");
    return mlp_exact(shape);
  };
  return {"mlp_exact",
          "down(gelu(up(x))) of int<8> rows to Fixed numbers, by docs/arithmetic.md",
          {size_parameter("rows", "rows of x", 16), size_parameter("hidden", "columns of x", 32),
           size_parameter("inner", "columns between the layers", 64),
           fraction_parameter("x_fraction", "fraction of x", 18),
           fraction_parameter("up_fraction", "fraction of up's result", 18),
           fraction_parameter("gelu_fraction", "fraction of GELU's result", 18),
           fraction_parameter("y_fraction", "fraction of y", 18), block_parameter()},
          make,
          {base_schedule()}};
}

}  // namespace heddle::kernel
