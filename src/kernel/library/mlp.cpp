#include "kernel/library/mlp.h"

#include "kernel/library/projection.h"
#include "kernel/library/schedules.h"

namespace heddle::kernel {

KernelPtr mlp(const MlpShape& shape, const std::string& name) {
  const Type element = element_type(shape.number);
  const bool is_int8 = shape.number == Number::kInt8;
  const MatrixShape middle{shape.rows, shape.inner, shape.number};
  KernelBuilder k(name, shape.gated ? "y = down(f(gate(x)) * up(x))" : "y = down(f(up(x)))");
  const auto layer = [&](const std::string& of, std::int64_t columns, std::int64_t inner) {
    return Projection(k, of,
                      {.rows = shape.rows,
                       .columns = columns,
                       .inner = inner,
                       .number = shape.number,
                       .bias = shape.bias});
  };
  const ArrayHandle x = k.input("x", element, {shape.rows, shape.hidden});
  std::optional<Projection> gate;
  if (shape.gated) gate = layer("gate", shape.inner, shape.hidden);
  const Projection up = layer("up", shape.inner, shape.hidden);
  const Projection down = layer("down", shape.hidden, shape.inner);
  std::vector<Expr> scales;
  std::vector<Expr> scaling;
  if (is_int8 && takes_scales(shape.activation)) {
    scales = {k.scalar_argument("scale", float32_type()),
              k.scalar_argument("inverse_scale", float32_type())};
  }
  if (is_int8 && shape.gated) {
    scaling = {k.scalar_argument("product_multiplier", multiplier_type()),
               k.scalar_argument("product_shift", shift_type())};
  }
  const ArrayHandle y = k.output("y", element, {shape.rows, shape.hidden});

  const auto activate = [&](const ArrayHandle& from, const ArrayHandle& to) {
    CallArguments arguments = {from.all()};
    arguments.insert(arguments.end(), scales.begin(), scales.end());
    arguments.emplace_back(to.all());
    k.call(activation(shape.activation, middle, "activation"), arguments);
  };
  const auto local = [&](const std::string& of) {
    return k.local(of, element, {shape.rows, shape.inner});
  };
  const ArrayHandle raised = local("raised");
  up.apply(x, raised);
  if (!gate) {
    const ArrayHandle active = local("active");
    activate(raised, active);
    down.apply(active, y);
    return k.build();
  }
  const ArrayHandle gates = local("gates");
  gate->apply(x, gates);
  const ArrayHandle active = local("active");
  activate(gates, active);
  const ArrayHandle gated = local("gated");
  CallArguments arguments = {active.all(), raised.all()};
  arguments.insert(arguments.end(), scaling.begin(), scaling.end());
  arguments.emplace_back(gated.all());
  k.call(multiply(middle), arguments);
  down.apply(gated, y);
  return k.build();
}

LibraryKernel mlp_entry() {
  const auto make = [](const LibraryArguments& a) {
    return mlp({.rows = a.number("rows"),
                .hidden = a.number("hidden"),
                .inner = a.number("inner"),
                .activation = activation_of(a.word("activation")),
                .gated = is_yes(a, "gated"),
                .bias = is_yes(a, "bias"),
                .number = number_of(a)});
  };
  return {"mlp",
          "down(f(up(x))), or gated: down(f(gate(x)) * up(x))",
          {size_parameter("rows", "rows of x", 16), size_parameter("hidden", "columns of x", 32),
           size_parameter("inner", "columns between the layers", 64),
           word_parameter("activation", "the function f", activation_words()),
           word_parameter("gated", "whether there is a gate", {"no", "yes"}),
           word_parameter("bias", "whether layers have one", {"no", "yes"}), type_parameter()},
          make,
          all_schedules()};
}

}  // namespace heddle::kernel
