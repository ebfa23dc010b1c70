#include "kernel/library/exact_norm_dataflow.h"

#include "base/error.h"
#include "kernel/library/exact_norm_rules.h"

namespace heddle::kernel {
namespace {

constexpr std::int64_t kWaiting = 4;  ///< words that a stream holds

/// Processes in a row, between which words of a row travel. Behind a word's elements stand the
/// numbers that the row has given so far; those of its last word are the row's. A process keeps two
/// rows: while one comes in, the one before it goes on, whose numbers are known by then.
class NormProcesses {
 public:
  NormProcesses(const NormDataflowShape& shape, const std::string& name)
      : layer_(shape.layer),
        lanes_(shape.lanes),
        words_(layer_.columns / shape.lanes),
        k_(name, "sum = a + b; y = the codes of layer_norm(sum), as processes"),
        a_(k_.input("a", fixed_number(), {layer_.rows, layer_.columns})),
        b_(k_.input("b", fixed_number(), {layer_.rows, layer_.columns})),
        weight_(k_, layer_.columns),
        sum_(k_.output("sum", fixed_number(), {layer_.rows, layer_.columns})),
        y_(CodeRows::output(k_, "y", layer_.rows, layer_.columns)) {}

  KernelPtr build() {
    const Link sums = link("sums", fixed_number(), 1);
    const Link centred = link("centred", centred_type(), 1);
    const Link distances = link("distances", distance_of_row_type(), 2);
    const Link values = link("values", fixed_number(), 2);
    k_.dataflow({{"add", [&] { add(sums); }},
                 {"centre", [&] { centre(sums, centred); }},
                 {"spread", [&] { spread(centred, distances); }},
                 {"scale", [&] { scale(distances, values); }},
                 {"quantise", [&] { quantise(values); }}});
    return k_.build();
  }

 private:
  struct Link {
    Type element;
    std::int64_t numbers = 0;  ///< behind the elements of a word
    StreamHandle stream;
  };
  Link link(const std::string& name, const Type& element, std::int64_t numbers) {
    return {element, numbers, k_.stream(name, element, kWaiting, {lanes_ + numbers})};
  }

  /// What a process has of the row that goes on.
  struct Passing {
    Expr row;
    Expr word;
    std::function<Expr(const Expr& lane)> element;
    ArrayHandle numbers;
  };

  /// Calls `body` once for each word.
  void pass(const std::string& process, const Link& from,
            const std::function<void(const Passing&)>& body) {
    const ArrayHandle kept = k_.local(process + "_kept", from.element, {2, words_, lanes_});
    const ArrayHandle numbers = k_.local(process + "_numbers", from.element, {from.numbers});
    k_.loop(process + "_t", 0, layer_.rows + 1, [&](const Expr& t) {
      k_.loop(process + "_w", 0, words_, [&](const Expr& w) {
        const ArrayHandle in = k_.local(process + "_in", from.element, {lanes_ + from.numbers});
        k_.when(t < layer_.rows, [&] {
          k_.loop(process + "_get", 0, lanes_ + from.numbers,
                  [&](const Expr& d) { from.stream.get({d}, in(d)); });
          each_lane(process + "_keep", [&](const Expr& d) { kept(t % 2, w, d) = in(d); });
        });
        k_.when(t > 0, [&] {
          body({t - 1, w, [&](const Expr& d) { return Expr(kept((t + 1) % 2, w, d)); }, numbers});
        });
        k_.when(t < layer_.rows && w == words_ - 1, [&] {
          k_.loop(process + "_n", 0, from.numbers,
                  [&](const Expr& n) { numbers(n) = in(lanes_ + n); });
        });
      });
    });
  }

  void each_lane(const std::string& loop, const std::function<void(const Expr&)>& body) {
    k_.loop(loop, 0, lanes_, body);
  }
  [[nodiscard]] Expr column(const Expr& word, const Expr& lane) const {
    return word * lanes_ + lane;
  }

  /// A word that a process makes, and its sending.
  ArrayHandle new_word(const std::string& process, const Link& to) {
    return k_.local(process + "_out", to.element, {lanes_ + to.numbers});
  }
  void send(const std::string& process, const ArrayHandle& word, const Link& to) {
    k_.loop(process + "_put", 0, lanes_ + to.numbers,
            [&](const Expr& d) { to.stream.put({d}, word(d)); });
  }

  /// so_far, plus what the lanes of a word have given; from 0 on in a row's first word.
  void add_up(const Element& so_far, const Expr& word, const Element& part) {
    const Type type = Expr(so_far).type();
    Element to = so_far;
    to = cast(type, select(word == 0, constant(type, Int128{0}), so_far) + part);
  }

  /// The number of a row: its mean.
  void add(const Link& to) {
    const FunctionPtr sum = add_fixed("add_fixed", layer_.a_fraction - layer_.sum_fraction,
                                      layer_.b_fraction - layer_.sum_fraction);
    const Element total = k_.scalar("total", row_total_type());
    k_.loop("add_t", 0, layer_.rows, [&](const Expr& t) {
      k_.loop("add_w", 0, words_, [&](const Expr& w) {
        const ArrayHandle out = new_word("add", to);
        Element part = k_.scalar("word_total", row_total_type());
        part = 0;
        each_lane("add_d", [&](const Expr& d) {
          Element value = k_.scalar("sum_value", fixed_number());
          value = apply(sum, {a_(t, column(w, d)), b_(t, column(w, d))});
          sum_(t, column(w, d)) = value;
          out(d) = value;
          part += value;
        });
        add_up(total, w, part);
        out(lanes_) = apply(row_mean(layer_.columns), {total});
        send("add", out, to);
      });
    });
  }

  /// The number of a row: the exponent of its greatest magnitude.
  void centre(const Link& from, const Link& to) {
    Element greatest = k_.scalar("greatest_centred", uint_type(kFixedBits));
    pass("centre", from, [&](const Passing& x) {
      const ArrayHandle out = new_word("centre", to);
      k_.when(x.word == 0, [&] { greatest = 0; });
      each_lane("centre_d", [&](const Expr& d) {
        Element value = k_.scalar("centred_value", centred_type());
        value = x.element(d) - x.numbers(0);
        out(d) = value;
        greatest.reduce_max(cast(uint_type(kFixedBits), abs(value)));
      });
      out(lanes_) = apply(normal_exponent(kFixedBits), {greatest});
      send("centre", out, to);
    });
  }

  /// The numbers of a row: 1 / its standard deviation.
  void spread(const Link& from, const Link& to) {
    const Element squares = k_.scalar("squares", row_squares_type());
    pass("spread", from, [&](const Passing& x) {
      const ArrayHandle out = new_word("spread", to);
      Element part = k_.scalar("word_squares", row_squares_type());
      part = 0;
      const Expr exponent = cast(exponent_type(), x.numbers(0));
      each_lane("spread_d", [&](const Expr& d) {
        Element value = k_.scalar("distance_value", distance_of_row_type());
        value = apply(row_distance(), {x.element(d), exponent});
        out(d) = value;
        part += cast(uint_type(33), value * value);
      });
      add_up(squares, x.word, part);
      const InverseDeviation inverse = inverse_deviation(k_, layer_.columns, layer_.sum_fraction,
                                                         layer_.epsilon, squares, exponent);
      out(lanes_) = inverse.mantissa;
      out(lanes_ + 1) = inverse.exponent;
      send("spread", out, to);
    });
  }

  /// The numbers of a row: its Scale's exponent, and the factor of its codes.
  void scale(const Link& from, const Link& to) {
    const std::vector<Expr> extents = {words_, lanes_};
    const ArrayHandle factor = k_.local("factors", mantissa_type(), extents);
    const ArrayHandle factor_exponent = k_.local("factor_exponents", exponent_type(), extents);
    const ArrayHandle sign = k_.local("factor_signs", uint_type(1), extents);
    const ArrayHandle offset = k_.local("offsets", fixed_number(), extents);
    k_.loop("load_w", 0, words_, [&](const Expr& w) {
      each_lane("load_d", [&](const Expr& d) {
        factor(w, d) = weight_.factor(column(w, d));
        factor_exponent(w, d) = weight_.exponent(column(w, d));
        sign(w, d) = weight_.sign(column(w, d));
        offset(w, d) = weight_.offset(column(w, d));
      });
    });
    const FunctionPtr norm = norm_value(layer_.norm_fraction);
    Element greatest = k_.scalar("greatest_value", uint_type(kFixedBits));
    pass("scale", from, [&](const Passing& x) {
      const ArrayHandle out = new_word("scale", to);
      k_.when(x.word == 0, [&] { greatest = 0; });
      const Expr m = cast(mantissa_type(), x.numbers(0));
      const Expr e = cast(amount_type(), x.numbers(1));
      each_lane("scale_d", [&](const Expr& d) {
        Element value = k_.scalar("norm_value", fixed_number());
        value = apply(norm, {x.element(d), m, e, factor(x.word, d), factor_exponent(x.word, d),
                             sign(x.word, d), offset(x.word, d)});
        out(d) = value;
        greatest.reduce_max(cast(uint_type(kFixedBits), abs(value)));
      });
      Element exponent = k_.scalar("row_exponent", exponent_type());
      exponent = apply(normal_exponent(kFixedBits), {greatest});
      Element mantissa = k_.scalar("row_mantissa", mantissa_type());
      mantissa = apply(normal_mantissa(kFixedBits), {greatest, exponent});
      k_.when(x.word == words_ - 1, [&] {
        y_.mantissa(x.row) = mantissa;
        y_.exponent(x.row) = exponent;
      });
      out(lanes_) = exponent;
      out(lanes_ + 1) = apply(row_reciprocal(), {mantissa});
      send("scale", out, to);
    });
  }

  void quantise(const Link& from) {
    pass("quantise", from, [&](const Passing& x) {
      each_lane("quantise_d", [&](const Expr& d) {
        y_.codes(x.row, column(x.word, d)) = apply(
            quantise_code(),
            {x.element(d), cast(exponent_type(), x.numbers(0)), cast(uint_type(17), x.numbers(1))});
      });
    });
  }

  ExactNormShape layer_;
  std::int64_t lanes_;
  std::int64_t words_;
  KernelBuilder k_;
  ArrayHandle a_;
  ArrayHandle b_;
  NormWeight weight_;
  ArrayHandle sum_;
  CodeRows y_;
};

}  // namespace

KernelPtr norm_dataflow(const NormDataflowShape& shape, const std::string& name) {
  check_norm_columns(shape.layer.columns);
  if (shape.layer.columns % shape.lanes != 0) {
    throw UserError(fmt::format("{}: words of {} elements do not fill rows of {}", name,
                                shape.lanes, shape.layer.columns),
                    "choose lanes that divide columns");
  }
  return NormProcesses(shape, name).build();
}

Schedule norm_lanes(const KernelPtr& kernel, std::int64_t lanes) {
  Schedule s(kernel);
  for (const char* array :
       {"a", "b", "factor", "factor_exponent", "factor_sign", "offset", "sum", "y"}) {
    s.pack(array, lanes);
  }
  const auto keep_in_words = [&](const std::string& array, int dimension) {
    s.store_in(array, Storage::kBram);
    s.partition(array, dimension, {Partition::Kind::kComplete, 1});
  };
  for (const char* array : {"factors", "factor_exponents", "factor_signs", "offsets"}) {
    keep_in_words(array, 1);
  }
  for (const std::string process : {"centre", "spread", "scale", "quantise"}) {
    keep_in_words(process + "_kept", 2);
    for (const char* array : {"_in", "_numbers"}) s.store_in(process + array, Storage::kRegister);
    for (const char* loop : {"_get", "_keep", "_d", "_n"}) s.unroll(process + loop);
  }
  for (const std::string process : {"add", "centre", "spread", "scale"}) {
    s.store_in(process + "_out", Storage::kRegister);
    s.unroll(process + "_put");
  }
  for (const char* loop : {"add_d", "load_d", "n"}) s.unroll(loop);
  for (const char* loop : {"add_w", "centre_w", "spread_w", "load_w", "scale_w", "quantise_w"}) {
    s.pipeline(loop);
  }
  return s;
}

LibraryKernel norm_dataflow_entry() {
  const auto make = [](const LibraryArguments& a) {
    return norm_dataflow({exact_norm_shape(a), a.number("lanes")});
  };
  std::vector<LibraryParameter> parameters = norm_exact_entry().parameters;
  std::erase_if(parameters, [](const LibraryParameter& p) { return p.name == "block"; });
  parameters.push_back(size_parameter("lanes", "columns treated in a cycle", 16));
  return {"norm_dataflow",
          "norm_exact as processes in a row",
          parameters,
          make,
          {base_schedule(),
           {"lanes", "a word of columns in each cycle",
            [](const KernelPtr& kernel, const LibraryArguments& a) {
              return norm_lanes(kernel, a.number("lanes"));
            }}}};
}

}  // namespace heddle::kernel
