#include "kernel/library/exact_mlp_dataflow.h"

#include "base/error.h"
#include "kernel/library/exact_gelu.h"

namespace heddle::kernel {
namespace {

constexpr std::int64_t kBlockColumns = 16;  ///< columns of y in a word
constexpr std::int64_t kScaleBytes = 3;     ///< of a row's Scale: mantissa, exponent
constexpr int kFixedBits = 27;

/// A matrix with the Scales and the bias of its channels.
struct Weight {
  CodeRows rows;
  ArrayHandle bias;
};

class MlpProcesses {
 public:
  MlpProcesses(const MlpDataflowShape& shape, const std::string& name)
      : shape_(shape),
        layer_(shape.layer),
        up_(shape.up()),
        down_(shape.down()),
        k_(name, "y = down(gelu(up(x))), from codes to Fixed numbers, as processes") {}

  KernelPtr build() {
    const CodeRows x = CodeRows::input(k_, "x", layer_.rows, layer_.hidden);
    const Weight up = weight("up", layer_.inner, layer_.hidden);
    const Weight down = weight("down", layer_.hidden, layer_.inner);
    const ArrayHandle y = k_.output("y", fixed_number(), {layer_.rows, layer_.hidden});

    // While a tile is quantised, the sums of the next one wait in the stream.
    const std::int64_t waiting =
        (layer_.inner / shape_.quantised + 8 * shape_.tile_rows + 100) / up_.words() + 4;
    const StreamHandle xs = k_.stream("xs", int_type(8), 4, {shape_.width});
    const StreamHandle up_words = k_.stream("up_words", int_type(8), 4, {shape_.width});
    const StreamHandle raised = k_.stream("raised", int_type(32), waiting, {shape_.tile_rows});
    const StreamHandle codes =
        k_.stream("codes", int_type(8), 4, {shape_.tile_rows, shape_.quantised});
    const StreamHandle down_words = k_.stream("down_words", int_type(8), 4, {shape_.width});
    const StreamHandle lowered = k_.stream("lowered", int_type(32), 4, {shape_.tile_rows});

    const std::int64_t tiles = up_.tiles();
    k_.dataflow(
        {read_rows(k_, "read_x", x.codes, shape_.width, 1, xs),
         read_rows(k_, "read_up", up.rows.codes, shape_.width, tiles, up_words),
         multiply_rows(k_, up_, up_words, raised,
                       [&](const ArrayHandle& tile) { fill_rows(tile, xs); }),
         {"activate", [&] { activate(x, up, raised, codes); }},
         read_rows(k_, "read_down", down.rows.codes, shape_.width, tiles, down_words),
         multiply_rows(k_, down_, down_words, lowered,
                       [&](const ArrayHandle& tile) { fill_columns(tile, codes, lowered); }),
         {"write_y", [&] { write(lowered, down, y); }}});
    return k_.build();
  }

 private:
  Weight weight(const std::string& of, std::int64_t columns, std::int64_t inner) {
    return {CodeRows::input(k_, of + "_weight", columns, inner),
            k_.input(of + "_bias", fixed_number(), {columns})};
  }

  /// The tile's rows of x, one after the other.
  void fill_rows(const ArrayHandle& tile, const StreamHandle& from) {
    k_.loop("fill_r", 0, shape_.tile_rows, [&](const Expr& r) {
      k_.loop("fill_w", 0, up_.words(), [&](const Expr& w) {
        k_.loop("fill_d", 0, shape_.width,
                [&](const Expr& d) { from.get({d}, tile(r, w * shape_.width + d)); });
      });
    });
  }

  /// The rows' Scales pass by; then come the tile's columns.
  void fill_columns(const ArrayHandle& tile, const StreamHandle& from, const StreamHandle& to) {
    const ArrayHandle bytes = k_.local("bytes", int_type(8), {kScaleBytes, shape_.tile_rows});
    k_.loop("pass_b", 0, kScaleBytes, [&](const Expr& b) {
      const ArrayHandle part = k_.local("part", int_type(8), {shape_.tile_rows, shape_.quantised});
      for_codes("pass_", [&](const Expr& r, const Expr& q) { from.get({r, q}, part(r, q)); });
      k_.loop("keep_r", 0, shape_.tile_rows, [&](const Expr& r) { bytes(b, r) = part(r, 0); });
    });
    k_.loop("send_r", 0, shape_.tile_rows, [&](const Expr& r) {
      const auto byte = [&](int b) { return cast(uint_type(8, Overflow::kWrap), bytes(b, r)); };
      to.put({r}, cast(int_type(32), (byte(2) << 16) + (byte(1) << 8) + byte(0)));
    });
    k_.loop("fill_n", 0, layer_.inner / shape_.quantised, [&](const Expr& n) {
      for_codes("fill_", [&](const Expr& r, const Expr& q) {
        from.get({r, q}, tile(r, n * shape_.quantised + q));
      });
    });
  }

  void for_codes(const std::string& name,
                 const std::function<void(const Expr&, const Expr&)>& body) {
    k_.loop(name + "cr", 0, shape_.tile_rows, [&](const Expr& r) {
      k_.loop(name + "cq", 0, shape_.quantised, [&](const Expr& q) { body(r, q); });
    });
  }

  /// Sums of the first product become values, the function's values, and codes, tile by tile.
  void activate(const CodeRows& x, const Weight& weight, const StreamHandle& sums,
                const StreamHandle& codes) {
    const std::int64_t rows = shape_.tile_rows;
    const FunctionPtr requantise =
        requantise_sum("requantise_up", layer_.hidden, layer_.x_fraction - layer_.up_fraction);
    const ExactGelu gelu(k_, layer_.up_fraction, layer_.gelu_fraction);
    const ArrayHandle values = k_.local("values", fixed_number(), {rows, layer_.inner});
    const ArrayHandle m = k_.local("row_m", mantissa_type(), {rows});
    const ArrayHandle e = k_.local("row_e", exponent_type(), {rows});
    const ArrayHandle greatest = k_.local("greatest", uint_type(kFixedBits), {rows});
    const ArrayHandle sum = k_.local("sum", int_type(32), {rows});
    Element channel_m = k_.scalar("channel_m", mantissa_type());
    Element channel_e = k_.scalar("channel_e", exponent_type());
    Element bias = k_.scalar("channel_bias", fixed_number());
    const ArrayHandle factor = k_.local("factor", uint_type(17), {rows});
    k_.loop("act_t", 0, up_.tiles(), [&](const Expr& t) {
      k_.loop("scale_r", 0, rows, [&](const Expr& r) {
        m(r) = x.mantissa(t * rows + r);
        e(r) = x.exponent(t * rows + r);
        greatest(r) = 0;
      });
      k_.loop("act_n", 0, layer_.inner, [&](const Expr& n) {
        k_.loop("act_g", 0, rows / shape_.lanes(), [&](const Expr& g) {
          k_.when(g == 0, [&] {
            k_.loop("act_get", 0, rows, [&](const Expr& r) { sums.get({r}, sum(r)); });
            channel_m = weight.rows.mantissa(n);
            channel_e = weight.rows.exponent(n);
            bias = weight.bias(n);
          });
          k_.loop("act_l", 0, shape_.lanes(), [&](const Expr& l) {
            const Expr r = g * shape_.lanes() + l;
            Element raised = k_.scalar("raised_value", fixed_number());
            raised = apply(requantise, {sum(r), m(r), e(r), channel_m, channel_e, bias});
            Element value = k_.scalar("value", fixed_number());
            value = gelu.of(raised);
            values(r, n) = value;
            greatest(r).reduce_max(cast(uint_type(kFixedBits), abs(value)));
          });
        });
      });
      k_.loop("norm_r", 0, rows, [&](const Expr& r) {
        Element exponent = k_.scalar("exponent", exponent_type());
        Element mantissa = k_.scalar("mantissa", mantissa_type());
        exponent = apply(normal_exponent(kFixedBits), {greatest(r)});
        mantissa = apply(normal_mantissa(kFixedBits), {greatest(r), exponent});
        e(r) = exponent;
        m(r) = mantissa;
        factor(r) = apply(row_reciprocal(), {mantissa});
      });
      k_.loop("send_b", 0, kScaleBytes, [&](const Expr& b) {
        for_codes("send_", [&](const Expr& r, const Expr& q) {
          const Expr scale =
              cast(uint_type(24), (cast(uint_type(8, Overflow::kWrap), e(r)) << 16) + m(r));
          codes.put({r, q}, cast(int_type(8, Overflow::kWrap), scale >> (b * 8)));
        });
      });
      k_.loop("quant_n", 0, layer_.inner / shape_.quantised, [&](const Expr& n) {
        for_codes("quant_", [&](const Expr& r, const Expr& q) {
          codes.put({r, q},
                    apply(quantise_code(), {values(r, n * shape_.quantised + q), e(r), factor(r)}));
        });
      });
    });
  }

  /// Sums of the second product become y, in blocks of as many columns as a word has.
  void write(const StreamHandle& sums, const Weight& weight, const ArrayHandle& y) {
    const std::int64_t rows = shape_.tile_rows;
    const FunctionPtr requantise =
        requantise_sum("requantise_down", layer_.inner, layer_.gelu_fraction - layer_.y_fraction);
    const ArrayHandle scale = k_.local("scale", int_type(32), {rows});
    const ArrayHandle block = k_.local("block", fixed_number(), {rows, kBlockColumns});
    const ArrayHandle sum = k_.local("total", int_type(32), {rows});
    Element channel_m = k_.scalar("out_m", mantissa_type());
    Element channel_e = k_.scalar("out_e", exponent_type());
    Element bias = k_.scalar("out_bias", fixed_number());
    k_.loop("out_t", 0, down_.tiles(), [&](const Expr& t) {
      k_.loop("out_s", 0, rows, [&](const Expr& r) { sums.get({r}, scale(r)); });
      k_.loop("out_b", 0, layer_.hidden / kBlockColumns, [&](const Expr& b) {
        k_.loop("out_c", 0, kBlockColumns, [&](const Expr& c) {
          k_.loop("out_r", 0, rows, [&](const Expr& r) {
            k_.when(r == 0, [&] {
              k_.loop("out_get", 0, rows, [&](const Expr& s) { sums.get({s}, sum(s)); });
              channel_m = weight.rows.mantissa(b * kBlockColumns + c);
              channel_e = weight.rows.exponent(b * kBlockColumns + c);
              bias = weight.bias(b * kBlockColumns + c);
            });
            const Expr m = cast(mantissa_type(), cast(uint_type(16, Overflow::kWrap), scale(r)));
            const Expr e =
                cast(exponent_type(), cast(int_type(8, Overflow::kWrap), scale(r) >> 16));
            block(r, c) = apply(requantise, {sum(r), m, e, channel_m, channel_e, bias});
          });
        });
        k_.loop("put_r", 0, rows, [&](const Expr& r) {
          k_.loop("put_c", 0, kBlockColumns,
                  [&](const Expr& c) { y(t * rows + r, b * kBlockColumns + c) = block(r, c); });
        });
      });
    });
  }

  MlpDataflowShape shape_;
  ExactMlpShape layer_;
  ProductArray up_;
  ProductArray down_;
  KernelBuilder k_;
};

void require(bool holds, const std::string& problem, const std::string& remedy) {
  if (!holds) throw UserError("mlp_dataflow: " + problem, remedy);
}

void check(const MlpDataflowShape& shape) {
  const ExactMlpShape& layer = shape.layer;
  require(
      shape.tile_rows % 2 == 0 && layer.rows % shape.tile_rows == 0,
      fmt::format("tiles of {} rows do not fill {} rows, or are odd", shape.tile_rows, layer.rows),
      "choose an even tile_rows that divides rows");
  require(layer.hidden % shape.width == 0 && layer.inner % shape.width == 0,
          fmt::format("words of {} elements do not fill rows of {} and {}", shape.width,
                      layer.hidden, layer.inner),
          "choose a width that divides hidden and inner");
  require(layer.hidden % kBlockColumns == 0,
          fmt::format("y has {} columns, and words of {}", layer.hidden, kBlockColumns),
          fmt::format("make hidden a multiple of {}", kBlockColumns));
  require(shape.width % shape.quantised == 0,
          fmt::format("{} columns at a time do not fill words of {}", shape.quantised, shape.width),
          "choose a quantised that divides width");
}

MlpDataflowShape shape_of(const LibraryArguments& a) {
  return {exact_mlp_shape(a), a.number("tile_rows"), a.number("width"), a.number("quantised")};
}

}  // namespace

std::int64_t MlpDataflowShape::lanes() const {
  std::int64_t lanes = 1;
  while (lanes < tile_rows && (tile_rows % lanes != 0 || tile_rows / lanes > up().words())) ++lanes;
  return lanes;
}

ProductArray MlpDataflowShape::up() const {
  return {"up", layer.rows, layer.inner, layer.hidden, tile_rows, width};
}

ProductArray MlpDataflowShape::down() const {
  return {"down", layer.rows, layer.hidden, layer.inner, tile_rows, width};
}

KernelPtr mlp_dataflow(const MlpDataflowShape& shape, const std::string& name) {
  check(shape);
  return MlpProcesses(shape, name).build();
}

Schedule mlp_dataflow_arrays(const KernelPtr& kernel, const MlpDataflowShape& shape, bool packed) {
  Schedule s(kernel);
  for (const char* array : {"x", "up_weight", "down_weight"}) s.pack(array, shape.width);
  s.pack("y", kBlockColumns);
  for (const char* reader : {"read_x", "read_up", "read_down"}) mark_read_rows(s, reader);
  for (const ProductArray& array : {shape.up(), shape.down()}) mark_multiply_rows(s, array, packed);
  for (const char* array : {"bytes", "part", "row_m", "row_e", "greatest", "sum", "factor", "scale",
                            "block", "total"}) {
    s.store_in(array, Storage::kRegister);
  }
  s.partition("values", 0, {Partition::Kind::kComplete, 1});
  s.partition("values", 1, {Partition::Kind::kCyclic, shape.quantised});
  s.store_in("values", Storage::kBram);
  for (const char* loop :
       {"fill_w", "pass_b", "fill_n", "act_g", "send_b", "quant_n", "out_r", "put_r"}) {
    s.pipeline(loop);
  }
  for (const char* loop :
       {"fill_d", "pass_cr", "pass_cq", "keep_r", "send_r", "fill_cr", "fill_cq", "act_get",
        "act_l", "send_cr", "send_cq", "quant_cr", "quant_cq", "out_s", "out_get", "put_c"}) {
    s.unroll(loop);
  }
  return s;
}

LibraryKernel mlp_dataflow_entry() {
  const auto arrays = [](bool packed) {
    return [packed](const KernelPtr& kernel, const LibraryArguments& a) {
      return mlp_dataflow_arrays(kernel, shape_of(a), packed);
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
