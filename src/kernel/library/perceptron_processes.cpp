#include "kernel/library/perceptron_processes.h"

#include "base/error.h"

namespace heddle::kernel {
namespace {

constexpr std::int64_t kBlockColumns = 16;  ///< columns of y in a word
constexpr std::int64_t kScaleBytes = 3;     ///< of a row's Scale: mantissa, exponent

}  // namespace

void PerceptronProcesses::write_processes(const Expr& tiles, const CodeRows& x, const Weight& up,
                                          const Weight& down) {
  const ProductArray first{"up",        tiles, shape_.inner, shape_.hidden, shape_.tile_rows,
                           shape_.width};
  const ProductArray second{"down",           tiles,       shape_.hidden, shape_.inner,
                            shape_.tile_rows, shape_.width};
  // While a tile is quantised, the sums of the next one wait in the stream.
  const std::int64_t waiting =
      (shape_.inner / shape_.quantised + 8 * shape_.tile_rows + 100) / first.words() + 4;
  const StreamHandle xs = k_.stream("xs", int_type(8), 4, {shape_.width});
  const StreamHandle up_words = k_.stream("up_words", int_type(8), 4, {shape_.width});
  const StreamHandle raised = k_.stream("raised", int_type(32), waiting, {shape_.tile_rows});
  const StreamHandle codes =
      k_.stream("codes", int_type(8), 4, {shape_.tile_rows, shape_.quantised});
  const StreamHandle down_words = k_.stream("down_words", int_type(8), 4, {shape_.width});
  const StreamHandle lowered = k_.stream("lowered", int_type(32), 4, {shape_.tile_rows});
  const auto reading_weight = [&](const std::string& name, const ProductArray& array,
                                  const Weight& weight) {
    return Reading{name,
                   tiles,
                   array.columns,
                   array.words(),
                   array.width,
                   [this, name](const Expr& t) { begin_tile(name, t); },
                   [this, name, &weight](const Expr&, const Expr& r, const Expr& c) {
                     return Expr(weight.codes.at(in_weight(name, {r, c})));
                   }};
  };
  const Reading reading_x{"read_x",
                          tiles,
                          shape_.tile_rows,
                          first.words(),
                          shape_.width,
                          [this](const Expr& t) { begin_tile("read_x", t); },
                          [this, &x](const Expr& t, const Expr& r, const Expr& c) {
                            return Expr(x.codes(row_of("read_x", t, r), c));
                          }};
  k_.dataflow({read_rows(k_, reading_x, xs),
               read_rows(k_, reading_weight("read_up", first, up), up_words),
               multiply_rows(k_, first, up_words, raised,
                             [&](const ArrayHandle& tile) { fill_rows(tile, xs); }),
               {"activate", [&] { activate(tiles, x, up, raised, codes); }},
               read_rows(k_, reading_weight("read_down", second, down), down_words),
               multiply_rows(k_, second, down_words, lowered,
                             [&](const ArrayHandle& tile) { fill_columns(tile, codes, lowered); }),
               {"write_y", [&] { write(tiles, lowered, down); }}});
}

Expr PerceptronProcesses::of_channel(const std::string& process, const ArrayHandle& array,
                                     const Expr& channel) {
  return array.at(in_weight(process, {channel}));
}

/// The tile's rows of x, one after the other.
void PerceptronProcesses::fill_rows(const ArrayHandle& tile, const StreamHandle& from) {
  k_.loop("fill_r", 0, shape_.tile_rows, [&](const Expr& r) {
    k_.loop("fill_w", 0, shape_.hidden / shape_.width, [&](const Expr& w) {
      k_.loop("fill_d", 0, shape_.width,
              [&](const Expr& d) { from.get({d}, tile(r, w * shape_.width + d)); });
    });
  });
}

/// The rows' Scales pass by; then come the tile's columns.
void PerceptronProcesses::fill_columns(const ArrayHandle& tile, const StreamHandle& from,
                                       const StreamHandle& to) {
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
  k_.loop("fill_n", 0, shape_.inner / shape_.quantised, [&](const Expr& n) {
    for_codes("fill_", [&](const Expr& r, const Expr& q) {
      from.get({r, q}, tile(r, n * shape_.quantised + q));
    });
  });
}

void PerceptronProcesses::for_codes(const std::string& name,
                                    const std::function<void(const Expr&, const Expr&)>& body) {
  k_.loop(name + "cr", 0, shape_.tile_rows, [&](const Expr& r) {
    k_.loop(name + "cq", 0, shape_.quantised, [&](const Expr& q) { body(r, q); });
  });
}

/// Sums of the first product become values, the function's values, and codes, tile by tile.
void PerceptronProcesses::activate(const Expr& tiles, const CodeRows& x, const Weight& weight,
                                   const StreamHandle& sums, const StreamHandle& codes) {
  const std::int64_t rows = shape_.tile_rows;
  const FunctionPtr requantise =
      requantise_sum("requantise_up", shape_.hidden, shape_.x_fraction - shape_.up_fraction);
  const std::function<Expr(const Expr&)> active = function();
  const ArrayHandle values = k_.local("values", fixed_number(), {rows, shape_.inner});
  const ArrayHandle m = k_.local("row_m", mantissa_type(), {rows});
  const ArrayHandle e = k_.local("row_e", exponent_type(), {rows});
  const ArrayHandle greatest = k_.local("greatest", uint_type(kFixedBits), {rows});
  const ArrayHandle sum = k_.local("sum", int_type(32), {rows});
  Element channel_m = k_.scalar("channel_m", mantissa_type());
  Element channel_e = k_.scalar("channel_e", exponent_type());
  Element bias = k_.scalar("channel_bias", fixed_number());
  const ArrayHandle factor = k_.local("factor", uint_type(17), {rows});
  k_.loop("act_t", 0, tiles, [&](const Expr& t) {
    begin_tile("activate", t);
    k_.loop("scale_r", 0, rows, [&](const Expr& r) {
      const Expr row = row_of("activate", t, r);
      m(r) = x.mantissa(row);
      e(r) = x.exponent(row);
      greatest(r) = 0;
    });
    k_.loop("act_n", 0, shape_.inner, [&](const Expr& n) {
      k_.loop("act_g", 0, rows / shape_.lanes(), [&](const Expr& g) {
        k_.when(g == 0, [&] {
          k_.loop("act_get", 0, rows, [&](const Expr& r) { sums.get({r}, sum(r)); });
          channel_m = of_channel("activate", weight.mantissa, n);
          channel_e = of_channel("activate", weight.exponent, n);
          bias = weight.bias ? of_channel("activate", *weight.bias, n) : Expr(0);
        });
        k_.loop("act_l", 0, shape_.lanes(), [&](const Expr& l) {
          const Expr r = g * shape_.lanes() + l;
          Element raised = k_.scalar("raised_value", fixed_number());
          raised = apply(requantise, {sum(r), m(r), e(r), channel_m, channel_e, bias});
          Element value = k_.scalar("value", fixed_number());
          value = active(raised);
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
        const Expr scale = packed_scale(m(r), e(r));
        codes.put({r, q}, cast(int_type(8, Overflow::kWrap), scale >> (b * 8)));
      });
    });
    k_.loop("quant_n", 0, shape_.inner / shape_.quantised, [&](const Expr& n) {
      for_codes("quant_", [&](const Expr& r, const Expr& q) {
        codes.put({r, q},
                  apply(quantise_code(), {values(r, n * shape_.quantised + q), e(r), factor(r)}));
      });
    });
  });
}

/// Sums of the second product become y, in blocks of as many columns as a word has.
void PerceptronProcesses::write(const Expr& tiles, const StreamHandle& sums, const Weight& weight) {
  const std::int64_t rows = shape_.tile_rows;
  const FunctionPtr requantise = requantise_sum("requantise_down", shape_.inner,
                                                shape_.active_fraction - shape_.down_fraction);
  const ArrayHandle scale = k_.local("scale", int_type(32), {rows});
  const ArrayHandle block = k_.local("block", fixed_number(), {rows, kBlockColumns});
  const ArrayHandle sum = k_.local("total", int_type(32), {rows});
  Element channel_m = k_.scalar("out_m", mantissa_type());
  Element channel_e = k_.scalar("out_e", exponent_type());
  Element bias = k_.scalar("out_bias", fixed_number());
  k_.loop("out_t", 0, tiles, [&](const Expr& t) {
    begin_tile("write_y", t);
    k_.loop("out_s", 0, rows, [&](const Expr& r) { sums.get({r}, scale(r)); });
    k_.loop("out_b", 0, shape_.hidden / kBlockColumns, [&](const Expr& b) {
      k_.loop("out_c", 0, kBlockColumns, [&](const Expr& c) {
        k_.loop("out_r", 0, rows, [&](const Expr& r) {
          k_.when(r == 0, [&] {
            k_.loop("out_get", 0, rows, [&](const Expr& s) { sums.get({s}, sum(s)); });
            const Expr column = b * kBlockColumns + c;
            channel_m = of_channel("write_y", weight.mantissa, column);
            channel_e = of_channel("write_y", weight.exponent, column);
            bias = weight.bias ? of_channel("write_y", *weight.bias, column) : Expr(0);
          });
          block(r, c) =
              finished(apply(requantise, {sum(r), mantissa_of(scale(r)), exponent_of(scale(r)),
                                          channel_m, channel_e, bias}),
                       r);
        });
      });
      k_.loop("put_r", 0, rows, [&](const Expr& r) {
        k_.loop("put_c", 0, kBlockColumns,
                [&](const Expr& c) { store(t, r, b * kBlockColumns + c, block(r, c)); });
      });
    });
  });
}

std::int64_t PerceptronShape::lanes() const {
  const std::int64_t words = hidden / width;
  std::int64_t lanes = 1;
  while (lanes < tile_rows && (tile_rows % lanes != 0 || tile_rows / lanes > words)) ++lanes;
  return lanes;
}

void PerceptronShape::check(const std::string& kernel) const {
  const auto require = [&](bool holds, const std::string& problem, const std::string& remedy) {
    if (!holds) throw UserError(kernel + ": " + problem, remedy);
  };
  require(tile_rows % 2 == 0, fmt::format("tiles of {} rows", tile_rows),
          "choose an even tile_rows");
  require(hidden % width == 0 && inner % width == 0,
          fmt::format("words of {} elements do not fill rows of {} and {}", width, hidden, inner),
          "choose a width that divides hidden and inner");
  require(hidden % kBlockColumns == 0,
          fmt::format("y has {} columns, and words of {}", hidden, kBlockColumns),
          fmt::format("make hidden a multiple of {}", kBlockColumns));
  require(width % quantised == 0,
          fmt::format("{} columns at a time do not fill words of {}", quantised, width),
          "choose a quantised that divides width");
}

Schedule perceptron_arrays(const KernelPtr& kernel, const PerceptronShape& shape, bool packed) {
  Schedule s(kernel);
  for (const char* array : {"x", "up_weight", "down_weight"}) s.pack(array, shape.width);
  s.pack("y", kBlockColumns);
  for (const char* reader : {"read_x", "read_up", "read_down"}) mark_read_rows(s, reader);
  for (const char* array : {"up", "down"}) mark_multiply_rows(s, array, shape.width, packed);
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

}  // namespace heddle::kernel
