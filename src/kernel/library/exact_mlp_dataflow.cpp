#include "kernel/library/exact_mlp_dataflow.h"

#include "base/error.h"
#include "kernel/library/exact_gelu.h"

namespace heddle::kernel {
namespace {

class MlpProcesses : public PerceptronProcesses {
 public:
  MlpProcesses(const MlpDataflowShape& shape, const std::string& name)
      : PerceptronProcesses(shape.arrays(), name,
                            "y = down(gelu(up(x))), from codes to Fixed numbers, as processes"),
        layer_(shape.layer),
        tile_rows_(shape.tile_rows),
        x_(CodeRows::input(k_, "x", layer_.rows, layer_.hidden)),
        up_(weight("up", layer_.inner, layer_.hidden)),
        down_(weight("down", layer_.hidden, layer_.inner)),
        y_(k_.output("y", fixed_number(), {layer_.rows, layer_.hidden})) {}

  KernelPtr build() {
    write_processes(layer_.rows / tile_rows_, x_, up_, down_);
    return k_.build();
  }

 private:
  Weight weight(const std::string& of, std::int64_t columns, std::int64_t inner) {
    const CodeRows rows = CodeRows::input(k_, of + "_weight", columns, inner);
    return {rows.codes, rows.mantissa, rows.exponent,
            k_.input(of + "_bias", fixed_number(), {columns})};
  }

  void begin_tile(const std::string& /*process*/, const Expr& /*t*/) override {}
  std::vector<Expr> in_weight(const std::string& /*process*/, std::vector<Expr> indices) override {
    return indices;
  }
  Expr row_of(const std::string& /*process*/, const Expr& t, const Expr& r) override {
    return t * tile_rows_ + r;
  }
  std::function<Expr(const Expr&)> function() override {
    const ExactGelu gelu(k_, layer_.up_fraction, layer_.gelu_fraction);
    return [gelu](const Expr& x) { return gelu.of(x); };
  }
  Expr finished(const Expr& value, const Expr& /*r*/) override { return value; }
  void store(const Expr& t, const Expr& r, const Expr& column, const Expr& value) override {
    y_(t * tile_rows_ + r, column) = value;
  }

  ExactMlpShape layer_;
  std::int64_t tile_rows_;
  CodeRows x_;
  Weight up_;
  Weight down_;
  ArrayHandle y_;
};

MlpDataflowShape shape_of(const LibraryArguments& a) {
  return {exact_mlp_shape(a), a.number("tile_rows"), a.number("width"), a.number("quantised")};
}

}  // namespace

PerceptronShape MlpDataflowShape::arrays() const {
  return {.hidden = layer.hidden,
          .inner = layer.inner,
          .x_fraction = layer.x_fraction,
          .up_fraction = layer.up_fraction,
          .active_fraction = layer.gelu_fraction,
          .down_fraction = layer.y_fraction,
          .tile_rows = tile_rows,
          .width = width,
          .quantised = quantised};
}

KernelPtr mlp_dataflow(const MlpDataflowShape& shape, const std::string& name) {
  shape.arrays().check(name);
  if (shape.layer.rows % shape.tile_rows != 0) {
    throw UserError(fmt::format("{}: tiles of {} rows do not fill {} rows", name, shape.tile_rows,
                                shape.layer.rows),
                    "choose a tile_rows that divides rows");
  }
  return MlpProcesses(shape, name).build();
}

LibraryKernel mlp_dataflow_entry() {
  const auto arrays = [](bool packed) {
    return [packed](const KernelPtr& kernel, const LibraryArguments& a) {
      return perceptron_arrays(kernel, shape_of(a).arrays(), packed);
    };
  };
  std::vector<LibraryParameter> parameters = mlp_exact_entry().parameters;
  std::erase_if(parameters, [](const LibraryParameter& p) { return p.name == "block"; });
  parameters.push_back(size_parameter("tile_rows", "rows that an array holds", 16));
  parameters.push_back(size_parameter("width", "products of a row in a cycle", 16));
  parameters.push_back(size_parameter("quantised", "columns quantised in a cycle", 2));
  return {"mlp_dataflow",
          "mlp_exact as processes around two arrays of multipliers",
          parameters,
          [](const LibraryArguments& a) { return mlp_dataflow(shape_of(a)); },
          {base_schedule(),
           {"arrays", "two arrays of multipliers, a DSP for each product", arrays(false)},
           {"packed", "two arrays of multipliers, two products to a DSP", arrays(true)}}};
}

}  // namespace heddle::kernel
