#include "kernel/library/exact_moe.h"

#include "kernel/library/exact_softmax.h"
#include "kernel/library/moe.h"

namespace heddle::kernel {
namespace {

/// (total: uint<width>) -> uint<16>: div(2^30, total), for a total of at least 2^15.
FunctionPtr share_of_total(int width) {
  FunctionBuilder f("share_of_total");
  const Expr total = f.parameter("total", uint_type(width));
  const Expr doubled = constant(uint_type(32), Int128{1} << 31);
  return f.returns(cast(share_type(), (doubled + total) / (total << 1)));
}

/// x [rows, columns] -> y = relu(x).
KernelPtr relu_exact(std::int64_t rows, std::int64_t columns, int fraction_x, int fraction_y) {
  KernelBuilder k("relu_exact", "ReLU of Fixed numbers");
  const ArrayHandle x = k.input("x", fixed_number(), {rows, columns});
  const ArrayHandle y = k.output("y", fixed_number(), {rows, columns});
  const FunctionPtr relu = relu_fixed("relu_fixed", fraction_x, fraction_y);
  k.loop("i", 0, rows, [&](const Expr& i) {
    k.loop("j", 0, columns, [&](const Expr& j) { y(i, j) = apply(relu, {x(i, j)}); });
  });
  return k.build();
}

/// x, x_mantissa, x_exponent, token_of -> y, y_mantissa, y_exponent: row s of y is row token_of(s)
/// of x.
KernelPtr gather(std::int64_t rows, std::int64_t columns) {
  KernelBuilder k("gather_rows", "rows of codes in another order");
  const CodeRows x = CodeRows::input(k, "x", rows, columns);
  const ArrayHandle token_of = k.input("token_of", list_type(), {rows});
  const CodeRows y = CodeRows::output(k, "y", rows, columns);
  k.loop("i", 0, rows, [&](const Expr& i) {
    y.mantissa(i) = x.mantissa(token_of(i));
    y.exponent(i) = x.exponent(token_of(i));
  });
  k.loop("i", 0, rows, [&](const Expr& i) {
    k.loop("j", 0, columns, [&](const Expr& j) { y.codes(i, j) = x.codes(token_of(i), j); });
  });
  return k.build();
}

/// The weights of all experts' layer NAME.
struct ExpertLayer {
  std::string name;
  ExactLinearShape shape;
  ArrayHandle weight;
  ArrayHandle mantissa;
  ArrayHandle exponent;

  ExpertLayer(KernelBuilder& k, const std::string& layer, const ExactLinearShape& of,
              std::int64_t experts)
      : name(layer),
        shape(of),
        weight(k.input(layer + "_weight", int_type(8), {experts, of.columns, of.inner})),
        mantissa(k.input(layer + "_weight_mantissa", mantissa_type(), {experts, of.columns})),
        exponent(k.input(layer + "_weight_exponent", exponent_type(), {experts, of.columns})) {}

  /// y = the layer of each row's expert: those of expert e are first(e) <= i < first(e + 1).
  void apply(KernelBuilder& k, const ArrayHandle& first, const CodeRows& x,
             const ArrayHandle& y) const {
    const KernelPtr linear = linear_exact(shape, name);
    k.loop("e", 0, to_index(weight.shape().front()), [&](const Expr& e) {
      const Expr from = to_index(first(e));
      const Expr to = to_index(first(e + 1));
      k.when(from < to, [&] {
        CallArguments arguments;
        x.append_to(arguments);
        for (const ArrayHandle& array : {weight, mantissa, exponent}) {
          arguments.emplace_back(array.slice({e}));
        }
        arguments.insert(arguments.end(), {from, to, y.all()});
        k.call(linear, arguments);
      });
    });
  }
};

}  // namespace

Type share_type() {
  return uint_type(16);
}

FunctionPtr weigh_by_share(int fraction_x, int fraction_y) {
  FunctionBuilder f("weigh");
  const Expr x = f.parameter("x", fixed_number());
  const Expr share = f.parameter("share", share_type());
  return f.returns(round_saturate(x * share, 15 + fraction_x - fraction_y));
}

KernelPtr route_exact(std::int64_t tokens, std::int64_t experts, int fraction,
                      const std::string& name) {
  constexpr std::int64_t kOctavesOfUnit = 47274;  // 2^15 log2(e) to the nearest
  KernelBuilder k(name, "the most probable expert of each token and its probability");
  const ArrayHandle logits = k.input("logits", fixed_number(), {tokens, experts});
  const ArrayHandle choice = k.output("choice", list_type(), {tokens, 1});
  const ArrayHandle share = k.output("share", share_type(), {tokens});
  const auto steps_of = [&](const Expr& t, const Expr& e) {
    return round_shift(logits(t, e) * kOctavesOfUnit, fraction + 3);
  };
  const Type steps_type = steps_of(to_index(0), to_index(0)).type();
  const int total_bits = power_type().width + digits_of(experts);
  const ArrayHandle steps = k.local("steps", steps_type, {tokens, experts});
  const ArrayHandle top = k.local("top", steps_type, {tokens});
  const ArrayHandle total = k.local("total", uint_type(total_bits), {tokens});
  const ExactPowers powers(k);
  const auto for_each_logit = [&](const std::function<void(const Expr&, const Expr&)>& body) {
    k.loop("t", 0, tokens,
           [&](const Expr& t) { k.loop("e", 0, experts, [&](const Expr& e) { body(t, e); }); });
  };
  for_each_logit([&](const Expr& t, const Expr& e) { steps(t, e) = steps_of(t, e); });
  k.loop("t", 0, tokens, [&](const Expr& t) {
    choice(t, 0) = 0;
    top(t) = steps(t, 0);
    total(t) = 0;
  });
  for_each_logit([&](const Expr& t, const Expr& e) {
    k.when(steps(t, e) > top(t), [&] {
      choice(t, 0) = cast(list_type(), e);
      top(t) = steps(t, e);
    });
  });
  for_each_logit([&](const Expr& t, const Expr& e) {
    total(t) += powers.of(min(top(t) - steps(t, e), 1 << 30), 0);
  });
  k.loop("t", 0, tokens,
         [&](const Expr& t) { share(t) = apply(share_of_total(total_bits), {total(t)}); });
  return k.build();
}

KernelPtr moe_exact(const ExactMoeShape& shape, const std::string& name) {
  const std::int64_t tokens = shape.tokens;
  KernelBuilder k(name, "a mixture of experts, tokens gathered by expert");
  const CodeRows x = CodeRows::input(k, "x", tokens, shape.hidden);
  const ExactProjection router(k, "router",
                               {.rows = tokens,
                                .columns = shape.experts,
                                .inner = shape.hidden,
                                .x_fraction = shape.x_fraction,
                                .y_fraction = shape.logit_fraction,
                                .bias = false});
  const ExpertLayer up(k, "up",
                       {.rows = tokens,
                        .columns = shape.inner,
                        .inner = shape.hidden,
                        .x_fraction = shape.x_fraction,
                        .y_fraction = shape.up_fraction,
                        .bias = false,
                        .range = Rows::kRange},
                       shape.experts);
  const ExpertLayer down(k, "down",
                         {.rows = tokens,
                          .columns = shape.hidden,
                          .inner = shape.inner,
                          .x_fraction = shape.relu_fraction,
                          .y_fraction = shape.down_fraction,
                          .bias = false,
                          .range = Rows::kRange},
                         shape.experts);
  const ArrayHandle y = k.output("y", fixed_number(), {tokens, shape.hidden});

  const ArrayHandle logits = k.local("logits", fixed_number(), {tokens, shape.experts});
  router.apply(x, logits);
  const ArrayHandle choice = k.local("choice", list_type(), {tokens, 1});
  const ArrayHandle share = k.local("share", share_type(), {tokens});
  k.call(route_exact(tokens, shape.experts, shape.logit_fraction),
         {logits.all(), choice.all(), share.all()});
  const ArrayHandle first = k.local("first", list_type(), {shape.experts + 1});
  const ArrayHandle token_of = k.local("token_of", list_type(), {tokens});
  const ArrayHandle place = k.local("place", list_type(), {tokens, 1});
  k.call(sort_by_expert({.tokens = tokens, .experts = shape.experts}),
         {choice.all(), first.all(), token_of.all(), place.all()});

  const CodeRows gathered = CodeRows::local(k, "gathered", tokens, shape.hidden);
  CallArguments gathering;
  x.append_to(gathering);
  gathering.emplace_back(token_of.all());
  gathered.append_to(gathering);
  k.call(gather(tokens, shape.hidden), gathering);
  const ArrayHandle raised = k.local("raised", fixed_number(), {tokens, shape.inner});
  up.apply(k, first, gathered, raised);
  const ArrayHandle active = k.local("active", fixed_number(), {tokens, shape.inner});
  k.call(relu_exact(tokens, shape.inner, shape.up_fraction, shape.relu_fraction),
         {raised.all(), active.all()});
  const CodeRows codes = CodeRows::local(k, "codes", tokens, shape.inner);
  CallArguments quantising = {active.all()};
  codes.append_to(quantising);
  k.call(quantise_exact(tokens, shape.inner, "quantise_active"), quantising);
  const ArrayHandle results = k.local("results", fixed_number(), {tokens, shape.hidden});
  down.apply(k, first, codes, results);
  const FunctionPtr weighed = weigh_by_share(shape.down_fraction, shape.y_fraction);
  k.loop("t", 0, tokens, [&](const Expr& t) {
    k.loop("c", 0, shape.hidden,
           [&](const Expr& c) { y(t, c) = apply(weighed, {results(place(t, 0), c), share(t)}); });
  });
  return k.build();
}

LibraryKernel moe_exact_entry() {
  const auto make = [](const LibraryArguments& a) {
    return moe_exact({.tokens = a.number("tokens"),
                      .hidden = a.number("hidden"),
                      .inner = a.number("inner"),
                      .experts = a.number("experts"),
                      .x_fraction = fraction_of(a, "x_fraction"),
                      .logit_fraction = fraction_of(a, "logit_fraction"),
                      .up_fraction = fraction_of(a, "up_fraction"),
                      .relu_fraction = fraction_of(a, "relu_fraction"),
                      .down_fraction = fraction_of(a, "down_fraction"),
                      .y_fraction = fraction_of(a, "y_fraction")});
  };
  return {"moe_exact",
          "a mixture of experts (router, top-1, ReLU) of int<8> rows to Fixed numbers, by "
          "docs/arithmetic.md",
          {size_parameter("tokens", "rows of x", 16), size_parameter("hidden", "columns of x", 32),
           size_parameter("inner", "columns between an expert's layers", 64),
           size_parameter("experts", "experts", 4),
           fraction_parameter("x_fraction", "fraction of x", 18),
           fraction_parameter("logit_fraction", "fraction of the router's logits", 18),
           fraction_parameter("up_fraction", "fraction of up's result", 18),
           fraction_parameter("relu_fraction", "fraction of ReLU's result", 18),
           fraction_parameter("down_fraction", "fraction of down's result", 18),
           fraction_parameter("y_fraction", "fraction of y", 18)},
          make,
          {base_schedule()}};
}

}  // namespace heddle::kernel
