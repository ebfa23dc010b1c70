#include "kernel/library/moe.h"

#include "base/error.h"
#include "kernel/library/elementwise.h"
#include "kernel/library/math.h"
#include "kernel/library/matrix.h"
#include "kernel/library/projection.h"
#include "kernel/library/rows.h"
#include "kernel/library/schedules.h"

namespace heddle::kernel {
namespace {

void check(const MoeShape& shape) {
  if (shape.top_k <= shape.experts) return;
  throw UserError(fmt::format("top_k={} of experts={}", shape.top_k, shape.experts),
                  "a token cannot go to more experts than there are");
}

/// One of an expert's two layers on rows first <= i < last: x, weight, (multiplier, shift), first,
/// last -> y, where for int8 the int<32> sums are requantised.
KernelPtr expert_layer(std::int64_t rows, std::int64_t columns, std::int64_t inner, Number number,
                       const std::string& name) {
  const LinearShape shape{
      .rows = rows, .columns = columns, .inner = inner, .number = number, .range = Rows::kRange};
  if (number != Number::kInt8) return linear(shape, name);
  KernelBuilder k(name, "y = requantise(x weight^T) on a range of rows");
  const ArrayHandle x = k.input("x", element_type(number), {rows, inner});
  const ArrayHandle weight = k.input("weight", element_type(number), {columns, inner});
  const ArrayHandle multiplier = k.input("multiplier", multiplier_type(), {columns});
  const ArrayHandle shift = k.input("shift", shift_type(), {columns});
  const Expr first = k.size("first");
  const Expr last = k.size("last");
  const ArrayHandle y = k.inout("y", element_type(number), {rows, columns});
  const ArrayHandle sums = k.local("sums", int_type(32), {rows, columns});
  k.call(linear(shape, name + "_sums"), {x.all(), weight.all(), first, last, sums.all()});
  k.call(
      requantise_matrix({.rows = rows, .columns = columns, .per_channel = true, .is_range = true},
                        name + "_requantise"),
      {sums.all(), multiplier.all(), shift.all(), first, last, y.all()});
  return k.build();
}

/// The weights of all experts' layer NAME.
struct ExpertWeights {
  ArrayHandle weight;
  std::optional<ArrayHandle> multiplier;
  std::optional<ArrayHandle> shift;

  ExpertWeights(KernelBuilder& k, const std::string& name, std::int64_t columns, std::int64_t inner,
                const MoeShape& shape)
      : weight(k.input(name + "_weight", element_type(shape.number),
                       {shape.experts, columns, inner})) {
    if (shape.number != Number::kInt8) return;
    multiplier = k.input(name + "_multiplier", multiplier_type(), {shape.experts, columns});
    shift = k.input(name + "_shift", shift_type(), {shape.experts, columns});
  }

  /// x and the weights of expert e.
  [[nodiscard]] CallArguments arguments(const ArrayHandle& x, const Expr& e) const {
    CallArguments list = {x.all(), weight.slice({e})};
    if (multiplier) list.emplace_back(multiplier->slice({e}));
    if (shift) list.emplace_back(shift->slice({e}));
    return list;
  }
};

/// The parameters that moe and moe_dense have alike, and what both do with them.
struct MoeBuilder {
  KernelBuilder k;
  MoeShape shape;
  ArrayHandle x;
  ArrayHandle router;
  ExpertWeights up;
  ExpertWeights down;
  Expr router_scale;
  ArrayHandle y;

  MoeBuilder(const MoeShape& s, const std::string& name, const std::string& summary)
      : k(name, summary),
        shape(s),
        x(k.input("x", element_type(s.number), {s.tokens, s.hidden})),
        router(k.input("router_weight", float32_type(), {s.experts, s.hidden})),
        up(k, "up", s.inner, s.hidden, s),
        down(k, "down", s.hidden, s.inner, s),
        router_scale(is_int8() ? k.scalar_argument("router_scale", float32_type()) : Expr(1.0)),
        y(k.output("y", element_type(s.number), {s.tokens, s.hidden})) {}

  [[nodiscard]] bool is_int8() const { return shape.number == Number::kInt8; }

  ArrayHandle local(const std::string& name, const Type& type, std::int64_t rows,
                    std::int64_t columns) {
    return k.local(name, type, {rows, columns});
  }

  /// choice and share of each token.
  std::pair<ArrayHandle, ArrayHandle> route() {
    const ArrayHandle logits = local("logits", float32_type(), shape.tokens, shape.experts);
    const ArrayHandle probabilities =
        local("probabilities", float32_type(), shape.tokens, shape.experts);
    const ArrayHandle choice = local("choice", list_type(), shape.tokens, shape.top_k);
    const ArrayHandle share = local("share", float32_type(), shape.tokens, shape.top_k);
    const ArrayHandle real = is_int8() ? as_float() : x;
    k.call(
        linear({.rows = shape.tokens, .columns = shape.experts, .inner = shape.hidden}, "router"),
        {real.all(), router.all(), logits.all()});
    k.call(softmax({.rows = shape.tokens, .columns = shape.experts}),
           {logits.all(), router_scale, probabilities.all()});
    k.call(choose_experts(shape), {probabilities.all(), choice.all(), share.all()});
    return {choice, share};
  }

  ArrayHandle as_float() {
    const ArrayHandle real = local("real", float32_type(), shape.tokens, shape.hidden);
    k.loop("t", 0, shape.tokens, [&](const Expr& t) {
      k.loop("c", 0, shape.hidden,
             [&](const Expr& c) { real(t, c) = cast(float32_type(), x(t, c)); });
    });
    return real;
  }

  /// Rows first <= p < last of `to` become expert e's results for those of `from`; `middle` holds
  /// what lies between the layers.
  void run_expert(const Expr& e, const Expr& first, const Expr& last, const ArrayHandle& from,
                  const ArrayHandle& middle, const ArrayHandle& to, std::int64_t rows) {
    const auto layer = [&](const ExpertWeights& weights, const ArrayHandle& in,
                           const ArrayHandle& out, const KernelPtr& kernel) {
      CallArguments arguments = weights.arguments(in, e);
      arguments.insert(arguments.end(), {first, last, out.all()});
      k.call(kernel, arguments);
    };
    layer(up, from, middle, expert_layer(rows, shape.inner, shape.hidden, shape.number, "up"));
    k.loop("p", first, last, [&](const Expr& p) {
      k.loop("n", 0, shape.inner, [&](const Expr& n) { rectify(middle(p, n)); });
    });
    layer(down, middle, to, expert_layer(rows, shape.hidden, shape.inner, shape.number, "down"));
  }

  void rectify(Element element) const {
    const Expr value = element;
    element = is_int8() ? max(value, 0) : apply(relu_function(), {value});
  }

  /// What the shares times results are summed in.
  [[nodiscard]] Type mix_type() const { return is_int8() ? fixed_type(32, 17) : float32_type(); }
  [[nodiscard]] Expr weighted(const Expr& share, const Expr& result) const {
    if (!is_int8()) return share * result;
    const Type narrow = ufixed_type(16, 1, Rounding::kNearestEven, Overflow::kSaturate);
    return cast(narrow, share) * result;
  }
  [[nodiscard]] Expr mixed(const Expr& sum) const { return is_int8() ? saturate_int8(sum) : sum; }
};

std::vector<LibraryParameter> moe_parameters() {
  return {size_parameter("tokens", "rows of x", 16),
          size_parameter("hidden", "columns of x", 32),
          size_parameter("inner", "columns between an expert's layers", 64),
          size_parameter("experts", "experts", 4),
          size_parameter("top_k", "experts of a token, at most experts", 1),
          type_parameter()};
}

MoeShape moe_of(const LibraryArguments& a) {
  return {.tokens = a.number("tokens"),
          .hidden = a.number("hidden"),
          .inner = a.number("inner"),
          .experts = a.number("experts"),
          .top_k = a.number("top_k"),
          .number = number_of(a)};
}

}  // namespace

Type list_type() {
  return int_type(32);
}

KernelPtr choose_experts(const MoeShape& shape, const std::string& name) {
  check(shape);
  KernelBuilder k(name, "the top_k most probable experts of each token");
  const ArrayHandle probabilities =
      k.input("probabilities", float32_type(), {shape.tokens, shape.experts});
  const ArrayHandle choice = k.output("choice", list_type(), {shape.tokens, shape.top_k});
  const ArrayHandle share = k.output("share", float32_type(), {shape.tokens, shape.top_k});
  k.loop("t", 0, shape.tokens, [&](const Expr& t) {
    Element taken = k.scalar("taken", list_type());
    taken = 0;
    k.loop("e", 0, shape.experts, [&](const Expr& e) {
      Element rank = k.scalar("rank", list_type());  // how many come before e
      rank = 0;
      k.loop("o", 0, shape.experts, [&](const Expr& o) {
        const Expr own = probabilities(t, e);
        const Expr other = probabilities(t, o);
        rank += select(other > own || (other == own && o < e), 1, 0);
      });
      // Ranks differ but for NaNs, which all have rank 0: hence the second condition.
      k.when(rank < shape.top_k && taken < shape.top_k, [&] {
        choice(t, taken) = cast(list_type(), e);
        share(t, taken) = probabilities(t, e);
        taken += 1;
      });
    });
  });
  return k.build();
}

KernelPtr sort_by_expert(const MoeShape& shape, const std::string& name) {
  KernelBuilder k(name, "slots of tokens sorted by expert");
  const ArrayHandle choice = k.input("choice", list_type(), {shape.tokens, shape.top_k});
  const ArrayHandle first = k.output("first", list_type(), {shape.experts + 1});
  const ArrayHandle token_of = k.output("token_of", list_type(), {shape.slots()});
  const ArrayHandle place = k.output("place", list_type(), {shape.tokens, shape.top_k});
  const ArrayHandle next = k.local("next", list_type(), {shape.experts});
  const auto for_each_choice = [&](const std::function<void(const Expr&, const Expr&)>& body) {
    k.loop("t", 0, shape.tokens,
           [&](const Expr& t) { k.loop("s", 0, shape.top_k, [&](const Expr& s) { body(t, s); }); });
  };
  k.loop("z", 0, shape.experts + 1, [&](const Expr& z) { first(z) = 0; });
  for_each_choice([&](const Expr& t, const Expr& s) { first(to_index(choice(t, s)) + 1) += 1; });
  k.loop("e", 0, shape.experts, [&](const Expr& e) {
    next(e) = first(e);
    first(e + 1) += first(e);
  });
  for_each_choice([&](const Expr& t, const Expr& s) {
    place(t, s) = next(choice(t, s));
    token_of(place(t, s)) = cast(list_type(), t);
    next(choice(t, s)) += 1;
  });
  return k.build();
}

KernelPtr moe(const MoeShape& shape, const std::string& name) {
  MoeBuilder m(shape, name, "a mixture of experts, tokens gathered by expert");
  KernelBuilder& k = m.k;
  const auto [choice, share] = m.route();
  const ArrayHandle first = k.local("first", list_type(), {shape.experts + 1});
  const ArrayHandle token_of = k.local("token_of", list_type(), {shape.slots()});
  const ArrayHandle place = m.local("place", list_type(), shape.tokens, shape.top_k);
  k.call(sort_by_expert(shape), {choice.all(), first.all(), token_of.all(), place.all()});

  const Type element = element_type(shape.number);
  const ArrayHandle gathered = m.local("gathered", element, shape.slots(), shape.hidden);
  k.loop("g", 0, shape.slots(), [&](const Expr& p) {
    k.loop("c", 0, shape.hidden, [&](const Expr& c) { gathered(p, c) = m.x(token_of(p), c); });
  });
  const ArrayHandle middle = m.local("middle", element, shape.slots(), shape.inner);
  const ArrayHandle results = m.local("results", element, shape.slots(), shape.hidden);
  k.loop("e", 0, shape.experts, [&](const Expr& e) {
    const Expr from = to_index(first(e));
    const Expr to = to_index(first(e + 1));
    k.when(from < to, [&] { m.run_expert(e, from, to, gathered, middle, results, shape.slots()); });
  });
  k.loop("t", 0, shape.tokens, [&](const Expr& t) {
    k.loop("c", 0, shape.hidden, [&](const Expr& c) {
      Element sum = k.scalar("sum", m.mix_type());
      sum = 0;
      k.loop("s", 0, shape.top_k,
             [&](const Expr& s) { sum += m.weighted(share(t, s), results(place(t, s), c)); });
      m.y(t, c) = m.mixed(sum);
    });
  });
  return k.build();
}

KernelPtr moe_dense(const MoeShape& shape, const std::string& name) {
  MoeBuilder m(shape, name, "a mixture of experts, every expert computed for every token");
  KernelBuilder& k = m.k;
  const auto [choice, share] = m.route();
  const ArrayHandle shares = m.local("shares", float32_type(), shape.tokens, shape.experts);
  const ArrayHandle sums = m.local("sums", m.mix_type(), shape.tokens, shape.hidden);
  k.loop("t", 0, shape.tokens, [&](const Expr& t) {
    k.loop("e", 0, shape.experts, [&](const Expr& e) { shares(t, e) = 0; });
    k.loop("s", 0, shape.top_k, [&](const Expr& s) { shares(t, choice(t, s)) = share(t, s); });
    k.loop("c", 0, shape.hidden, [&](const Expr& c) { sums(t, c) = 0; });
  });
  const Type element = element_type(shape.number);
  const ArrayHandle middle = m.local("middle", element, shape.tokens, shape.inner);
  const ArrayHandle results = m.local("results", element, shape.tokens, shape.hidden);
  k.loop("e", 0, shape.experts, [&](const Expr& e) {
    m.run_expert(e, to_index(0), to_index(shape.tokens), m.x, middle, results, shape.tokens);
    k.loop("t", 0, shape.tokens, [&](const Expr& t) {
      k.loop("c", 0, shape.hidden,
             [&](const Expr& c) { sums(t, c) += m.weighted(shares(t, e), results(t, c)); });
    });
  });
  k.loop("t", 0, shape.tokens, [&](const Expr& t) {
    k.loop("c", 0, shape.hidden, [&](const Expr& c) { m.y(t, c) = m.mixed(sums(t, c)); });
  });
  return k.build();
}

LibraryKernel moe_entry() {
  const auto make = [](const LibraryArguments& a) { return moe(moe_of(a)); };
  return {"moe", "mixture of experts (router, top_k, experts, combine), gathered by expert",
          moe_parameters(), make, all_schedules()};
}

LibraryKernel moe_dense_entry() {
  const auto make = [](const LibraryArguments& a) { return moe_dense(moe_of(a)); };
  return {"moe_dense", "mixture of experts by computing every expert for every token",
          moe_parameters(), make, all_schedules()};
}

}  // namespace heddle::kernel
