#include "kernel/library/exact_moe_dataflow.h"

#include <map>

#include "base/error.h"
#include "kernel/library/moe.h"

namespace heddle::kernel {
namespace {

Type token_type() {
  return int_type(16);
}
Type expert_type() {
  return uint_type(8);
}

/// What processes know of tiles.
const std::vector<std::string>& processes_with_experts() {
  static const std::vector<std::string> names = {"read_up", "activate", "read_down", "write_y"};
  return names;
}
const std::vector<std::string>& processes_with_tokens() {
  static const std::vector<std::string> names = {"read_x", "activate", "write_y"};
  return names;
}

void check(const MoeDataflowShape& shape, const std::string& name) {
  shape.arrays().check(name);
  const auto require = [&](bool holds, const std::string& what, std::int64_t count,
                           std::int64_t most) {
    if (holds) return;
    throw UserError(fmt::format("{}: {} {}", name, count, what),
                    fmt::format("use at most {}", most));
  };
  require(shape.layer.tokens <= 32768, "tokens", shape.layer.tokens, 32768);
  require(shape.layer.experts <= 256, "experts", shape.layer.experts, 256);
}

class MoeProcesses : public PerceptronProcesses {
 public:
  MoeProcesses(const MoeDataflowShape& shape, const std::string& name)
      : PerceptronProcesses(shape.arrays(), name, "the experts of tiles of tokens, as processes"),
        layer_(shape.layer),
        tile_rows_(shape.tile_rows),
        tiles_(k_.size("tiles")),
        x_(CodeRows::input(k_, "x", layer_.tokens, layer_.hidden)),
        up_(weight("up", layer_.inner, layer_.hidden)),
        down_(weight("down", layer_.hidden, layer_.inner)),
        experts_(tables(processes_with_experts(), "_expert", expert_type(), shape.most_tiles())),
        tokens_(tables(processes_with_tokens(), "_token", token_type(),
                       shape.most_tiles() * tile_rows_)),
        share_(k_.input("share", share_type(), {layer_.tokens})),
        y_(k_.output("y", fixed_number(), {layer_.tokens, layer_.hidden})) {}

  KernelPtr build() {
    write_processes(tiles_, x_, up_, down_);
    return k_.build();
  }

 private:
  using Arrays = std::map<std::string, ArrayHandle>;

  /// A table for each process.
  Arrays tables(const std::vector<std::string>& processes, const std::string& suffix,
                const Type& element, std::int64_t extent) {
    Arrays result;
    for (const std::string& process : processes) {
      result.emplace(process, k_.input(process + suffix, element, {extent}));
    }
    return result;
  }

  Weight weight(const std::string& of, std::int64_t columns, std::int64_t inner) {
    const std::string name = of + "_weight";
    return {k_.input(name, int_type(8), {layer_.experts, columns, inner}),
            k_.input(name + "_mantissa", mantissa_type(), {layer_.experts, columns}),
            k_.input(name + "_exponent", exponent_type(), {layer_.experts, columns}),
            {}};
  }

  [[nodiscard]] Expr token(const std::string& process, const Expr& t, const Expr& r) const {
    return tokens_.at(process)(t * tile_rows_ + r);
  }

  void begin_tile(const std::string& process, const Expr& t) override {
    if (const auto table = experts_.find(process); table != experts_.end()) {
      Element expert = k_.scalar(process + "_tile_expert", expert_type());
      expert = table->second(t);
      expert_.insert_or_assign(process, to_index(Expr(expert)));
    }
    if (process != "write_y") return;
    const ArrayHandle tokens = k_.local("slot_token", token_type(), {tile_rows_});
    const ArrayHandle shares = k_.local("slot_share", share_type(), {tile_rows_});
    k_.loop("slot_r", 0, tile_rows_, [&](const Expr& r) {
      Element of_slot = k_.scalar("token_of_slot", token_type());
      of_slot = token(process, t, r);
      tokens(r) = of_slot;
      shares(r) = share_(to_index(max(Expr(of_slot), 0)));
    });
    slots_.insert_or_assign("token", tokens);
    slots_.insert_or_assign("share", shares);
  }
  std::vector<Expr> in_weight(const std::string& process, std::vector<Expr> indices) override {
    indices.insert(indices.begin(), expert_.at(process));
    return indices;
  }
  /// A slot without a token takes part as the first one.
  Expr row_of(const std::string& process, const Expr& t, const Expr& r) override {
    return to_index(max(token(process, t, r), 0));
  }
  std::function<Expr(const Expr&)> function() override {
    const FunctionPtr relu = relu_fixed("relu_fixed", layer_.up_fraction, layer_.relu_fraction);
    return [relu](const Expr& x) { return apply(relu, {x}); };
  }
  Expr finished(const Expr& value, const Expr& r) override {
    return apply(weigh_by_share(layer_.down_fraction, layer_.y_fraction),
                 {value, slots_.at("share")(r)});
  }
  void store(const Expr& /*t*/, const Expr& r, const Expr& column, const Expr& value) override {
    k_.when(slots_.at("token")(r) >= 0,
            [&] { y_(to_index(Expr(slots_.at("token")(r))), column) = value; });
  }

  ExactMoeShape layer_;
  std::int64_t tile_rows_;
  Expr tiles_;
  CodeRows x_;
  Weight up_;
  Weight down_;
  Arrays experts_;
  Arrays tokens_;
  ArrayHandle share_;
  ArrayHandle y_;
  std::map<std::string, Expr> expert_;  ///< of the tile that a process is at
  Arrays slots_;                        ///< token and share of each slot of that tile
};

}  // namespace

PerceptronShape MoeDataflowShape::arrays() const {
  return {.hidden = layer.hidden,
          .inner = layer.inner,
          .x_fraction = layer.x_fraction,
          .up_fraction = layer.up_fraction,
          .active_fraction = layer.relu_fraction,
          .down_fraction = layer.down_fraction,
          .tile_rows = tile_rows,
          .width = width,
          .quantised = quantised};
}

std::int64_t MoeDataflowShape::most_tiles() const {
  return layer.tokens / tile_rows + std::min(layer.experts, layer.tokens);
}

KernelPtr moe_route(const MoeDataflowShape& shape, const std::string& name) {
  check(shape, name);
  const ExactMoeShape& layer = shape.layer;
  const std::int64_t tokens = layer.tokens;
  KernelBuilder k(name, "each token's expert and share, and tiles of tokens of one expert");
  const CodeRows x = CodeRows::input(k, "x", tokens, layer.hidden);
  const CodeRows router = CodeRows::input(k, "router_weight", layer.experts, layer.hidden);
  const ArrayHandle share = k.output("share", share_type(), {tokens});
  const ArrayHandle tiles = k.output("tiles", list_type(), {1});
  const ArrayHandle tile_expert = k.output("tile_expert", expert_type(), {shape.most_tiles()});
  const ArrayHandle slot_token =
      k.output("slot_token", token_type(), {shape.most_tiles() * shape.tile_rows});

  const FunctionPtr requantise =
      requantise_sum("requantise_router", layer.hidden, layer.x_fraction - layer.logit_fraction);
  const ArrayHandle logits = k.local("logits", fixed_number(), {tokens, layer.experts});
  k.loop("t", 0, tokens, [&](const Expr& t) {
    k.loop("e", 0, layer.experts, [&](const Expr& e) {
      Element sum = k.scalar("sum", int_type(32));
      sum = 0;
      k.loop("w", 0, layer.hidden / shape.width, [&](const Expr& w) {
        k.loop("d", 0, shape.width, [&](const Expr& d) {
          sum += x.codes(t, w * shape.width + d) * router.codes(e, w * shape.width + d);
        });
      });
      logits(t, e) = apply(requantise, {sum, x.mantissa(t), x.exponent(t), router.mantissa(e),
                                        router.exponent(e), 0});
    });
  });
  const ArrayHandle choice = k.local("choice", list_type(), {tokens, 1});
  k.call(route_exact(tokens, layer.experts, layer.logit_fraction),
         {logits.all(), choice.all(), share.all()});
  const ArrayHandle first = k.local("first", list_type(), {layer.experts + 1});
  const ArrayHandle token_of = k.local("token_of", list_type(), {tokens});
  const ArrayHandle place = k.local("place", list_type(), {tokens, 1});
  k.call(sort_by_expert({.tokens = tokens, .experts = layer.experts}),
         {choice.all(), first.all(), token_of.all(), place.all()});
  Element count = k.scalar("count", list_type());
  count = 0;
  k.loop("a", 0, shape.most_tiles(), [&](const Expr& a) { tile_expert(a) = 0; });
  k.loop("b", 0, shape.most_tiles() * shape.tile_rows, [&](const Expr& b) { slot_token(b) = -1; });
  k.loop("expert", 0, layer.experts, [&](const Expr& e) {
    const Expr from = to_index(first(e));
    const Expr of_expert = to_index(first(e + 1)) - from;
    k.loop("i", 0, (of_expert + (shape.tile_rows - 1)) / shape.tile_rows, [&](const Expr& i) {
      tile_expert(to_index(Expr(count))) = cast(expert_type(), e);
      k.loop("r", 0, shape.tile_rows, [&](const Expr& r) {
        const Expr slot = i * shape.tile_rows + r;
        k.when(slot < of_expert, [&] {
          slot_token(to_index(Expr(count)) * shape.tile_rows + r) =
              cast(token_type(), token_of(from + slot));
        });
      });
      count = cast(list_type(), count + 1);
    });
  });
  tiles(0) = count;
  return k.build();
}

Schedule moe_route_words(const KernelPtr& kernel, const MoeDataflowShape& shape) {
  Schedule s(kernel);
  for (const char* array : {"x", "router_weight"}) s.pack(array, shape.width);
  s.pipeline("w");
  s.unroll("d");
  return s;
}

KernelPtr moe_dataflow(const MoeDataflowShape& shape, const std::string& name) {
  check(shape, name);
  return MoeProcesses(shape, name).build();
}

Schedule moe_dataflow_arrays(const KernelPtr& kernel, const MoeDataflowShape& shape, bool packed) {
  Schedule s = perceptron_arrays(kernel, shape.arrays(), packed);
  for (const char* array : {"slot_token", "slot_share"}) s.store_in(array, Storage::kRegister);
  s.pipeline("slot_r");
  return s;
}

std::int64_t mix_by_launches(const MoeDataflowShape& shape, std::span<const Argument> arguments,
                             const MoeLaunch& launch) {
  // moe_exact: x (3), router_weight (3), up_weight (3), down_weight (3), y.
  const auto some = [&](std::size_t first, std::size_t count) {
    return arguments.subspan(first, count);
  };
  Buffer share(share_type(), {shape.layer.tokens});
  Buffer tiles(list_type(), {1});
  Buffer experts(expert_type(), {shape.most_tiles()});
  Buffer tokens(token_type(), {shape.most_tiles() * shape.tile_rows});
  std::vector<Argument> route(arguments.begin(), arguments.begin() + 6);
  route.insert(route.end(), {&share, &tiles, &experts, &tokens});
  launch(0, route);

  const std::int64_t count = tiles.as<std::int32_t>()[0];
  std::vector<Argument> mix = {Scalar{index_type(), count, 0}};
  for (const std::span<const Argument> part : {some(0, 3), some(6, 6)}) {
    mix.insert(mix.end(), part.begin(), part.end());
  }
  mix.insert(mix.end(), processes_with_experts().size(), &experts);
  mix.insert(mix.end(), processes_with_tokens().size(), &tokens);
  mix.emplace_back(&share);
  mix.push_back(arguments[12]);
  launch(1, mix);
  return count;
}

}  // namespace heddle::kernel
