#include "model/operators.h"

#include <array>
#include <cmath>
#include <cstdlib>

#include "base/error.h"

namespace heddle {
namespace {

/// Dispatches on the alternatives of a variant with one lambda each.
template <typename... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};

std::string shapes_text(std::span<const Shape> shapes) {
  std::string text;
  for (const Shape& shape : shapes) text += (text.empty() ? "" : ", ") + to_string(shape);
  return text;
}

/// Shape inference of one operator application; `fit` states what must hold.
class Inference {
 public:
  Inference(const Operator& op, std::span<const Shape> inputs) : op_(op), inputs_(inputs) {}

  Shape run() {
    return std::visit([this](const auto& op) { return infer(op); }, op_);
  }

 private:
  void fit(bool holds, std::string_view condition) const {
    ensure(holds, "{}({}) does not fit {}: needs {}", name_of(op_), parameters_of(op_),
           shapes_text(inputs_), condition);
  }

  const Shape& in(std::size_t index) const { return inputs_[index]; }

  Shape infer(const Linear&) const {
    fit(inputs_.size() == 2 || inputs_.size() == 3, "x, weight and perhaps a bias");
    fit(!in(0).empty() && in(1).size() >= 2, "x[...,K], weight[N,...]");
    fit(element_count(in(1)) == in(1)[0] * in(0).back(), "weight[N,...] with K elements per row");
    fit(inputs_.size() == 2 || in(2) == Shape{in(1)[0]}, "bias[N]");
    Shape shape = in(0);
    shape.back() = in(1)[0];
    return shape;
  }

  Shape infer(const Add&) const {
    fit(inputs_.size() == 2 && in(1).size() <= in(0).size() &&
            std::equal(in(1).rbegin(), in(1).rend(), in(0).rbegin()),
        "two inputs, the second the last extents of the first");
    return in(0);
  }

  Shape same_as_only_input() const {
    fit(inputs_.size() == 1, "one input");
    return in(0);
  }
  Shape infer(const Scale&) const { return same_as_only_input(); }
  Shape infer(const Map&) const { return same_as_only_input(); }

  Shape infer(const Gate&) const {
    fit(inputs_.size() == 2 && in(0) == in(1), "two inputs of one shape");
    return in(0);
  }

  Shape infer(const LayerNorm&) const {
    fit(inputs_.size() == 3 && !in(0).empty(), "x, weight and bias");
    fit(in(1) == Shape{in(0).back()} && in(2) == in(1), "weight[D] and bias[D]");
    return in(0);
  }

  Shape infer(const RmsNorm&) const {
    fit(inputs_.size() == 2 && !in(0).empty() && in(1) == Shape{in(0).back()}, "x, weight[D]");
    return in(0);
  }

  Shape infer(const Rope& op) const {
    fit(inputs_.size() == 1 && in(0).size() == 2 && in(0)[1] % op.head_dim == 0, "x[T,H*head_dim]");
    fit(op.rotary_dim % 2 == 0 && op.rotary_dim <= op.head_dim, "an even rotary_dim <= head_dim");
    return in(0);
  }

  Shape infer(const Attention& op) const {
    fit((inputs_.size() == 3 || inputs_.size() == 4) && in(0).size() >= 2 && in(1) == in(2),
        "q, k and v of one shape, and perhaps a bias");
    fit(op.kv_heads > 0 && op.heads % op.kv_heads == 0, "heads a multiple of kv_heads");
    fit(in(0).back() == op.heads * op.head_dim, "q[...,heads*head_dim]");
    Shape keys = in(0);
    keys[keys.size() - 1] = op.kv_heads * op.head_dim;
    keys[keys.size() - 2] = in(1).size() == keys.size() ? in(1)[keys.size() - 2] : 0;
    fit(in(1) == keys, "k[...,Tk,kv_heads*head_dim]");
    const std::int64_t queries = in(0)[in(0).size() - 2];
    fit(op.visible(0) >= 1 && op.visible(queries - 1) <= keys[keys.size() - 2],
        "between 1 and Tk visible keys for every query");
    fit(inputs_.size() == 3 || in(3) == Shape{op.heads, queries, in(1)[in(1).size() - 2]},
        "bias[heads,Tq,Tk]");
    return in(0);
  }

  Shape infer(const RelativeBias& op) const {
    fit(inputs_.size() == 1 && in(0).size() == 2 && in(0)[0] % 4 == 0,
        "table[buckets,H], the buckets a multiple of 4");
    fit(op.queries > 0 && op.keys > 0 && op.first_query >= 0, "queries, keys and their positions");
    fit(op.max_distance > in(0)[0] / (op.bidirectional ? 4 : 2),
        "a max_distance beyond the buckets of one distance");
    return {in(0)[1], op.queries, op.keys};
  }

  Shape infer(const Experts&) const {
    fit(inputs_.size() >= 4 && inputs_.size() % 2 == 0 && !in(0).empty(),
        "x, a router and two weights for each expert");
    const auto experts = static_cast<std::int64_t>(inputs_.size() - 2) / 2;
    const std::int64_t depth = in(0).back();
    fit(in(1) == Shape{experts, depth}, "router[E,D]");
    for (std::size_t i = 2; i < inputs_.size(); i += 2) {
      fit(in(i) == in(2) && in(i).size() == 2 && in(i)[1] == depth, "wide[F,D] of every expert");
      fit(in(i + 1) == Shape{depth, in(2)[0]}, "narrow[D,F] of every expert");
    }
    return in(0);
  }

  Shape infer(const Embedding&) const {
    fit(inputs_.size() == 2 && in(0).size() == 2 && in(1).size() == 1, "table[V,D], ids[T]");
    return {in(1)[0], in(0)[1]};
  }

  Shape infer(const Patchify& op) const {
    fit(inputs_.size() == 1 && in(0).size() == 4 && in(0)[2] % op.size == 0 &&
            in(0)[3] % op.size == 0,
        "x[B,C,H,W], H and W multiples of the size");
    return {in(0)[0], in(0)[2] / op.size * (in(0)[3] / op.size), in(0)[1] * op.size * op.size};
  }

  Shape infer(const PixelShuffle& op) const {
    fit(inputs_.size() == 1 && in(0).size() == 3, "x[B,T,D]");
    const auto side = static_cast<std::int64_t>(std::lround(std::sqrt(in(0)[1])));
    fit(side * side == in(0)[1] && side % op.factor == 0,
        "a square grid, a multiple of the factor");
    const std::int64_t joined = op.factor * op.factor;
    return {in(0)[0], in(0)[1] / joined, in(0)[2] * joined};
  }

  Shape infer(const Reshape& op) const {
    fit(inputs_.size() == 1 && element_count(op.shape) == element_count(in(0)),
        "as many elements after as before");
    return op.shape;
  }

  Shape infer(const Repeat& op) const {
    fit(inputs_.size() == 1 && op.count > 0, "one input and a positive count");
    Shape shape = in(0);
    shape.insert(shape.begin(), op.count);
    return shape;
  }

  Shape infer(const Concat& op) const {
    fit(!inputs_.empty() && op.axis >= 0 && op.axis < std::ssize(in(0)), "an axis of the inputs");
    const auto axis = static_cast<std::size_t>(op.axis);
    Shape shape = in(0);
    shape[axis] = 0;
    for (const Shape& input : inputs_) {
      Shape rest = input;
      fit(rest.size() == shape.size(), "inputs of one rank");
      rest[axis] = shape[axis];
      fit(rest == shape, "inputs that agree outside the axis");
      shape[axis] += input[axis];
    }
    return shape;
  }

  Shape infer(const Slice& op) const {
    fit(inputs_.size() == 1 && op.axis >= 0 && op.axis < std::ssize(in(0)), "an axis of the input");
    Shape shape = in(0);
    auto& extent = shape[static_cast<std::size_t>(op.axis)];
    fit(0 <= op.begin && op.begin < op.end && op.end <= extent, "0 <= begin < end <= extent");
    extent = op.end - op.begin;
    return shape;
  }

  const Operator& op_;
  std::span<const Shape> inputs_;
};

}  // namespace

std::string_view name_of(Function function) {
  switch (function) {
    case Function::kGeluTanh:
      return "gelu_tanh";
    case Function::kGeluErf:
      return "gelu_erf";
    case Function::kSilu:
      return "silu";
    case Function::kRelu:
      return "relu";
  }
  throw InternalError("function without a name");
}

std::string name_of(const Operator& op) {
  constexpr std::array kNames = {
      "linear",   "add",           "scale",     "map",           "gate",    "layer_norm",
      "rms_norm", "rope",          "attention", "relative_bias", "experts", "embedding",
      "patchify", "pixel_shuffle", "reshape",   "repeat",        "concat",  "slice"};
  static_assert(kNames.size() == std::variant_size_v<Operator>);
  return kNames[op.index()];
}

std::string parameters_of(const Operator& op) {
  return std::visit(Overloaded{
                        [](const Scale& o) { return fmt::format("factor={}", o.factor); },
                        [](const Map& o) { return std::string(name_of(o.function)); },
                        [](const Gate& o) { return std::string(name_of(o.function)); },
                        [](const LayerNorm& o) { return fmt::format("epsilon={}", o.epsilon); },
                        [](const RmsNorm& o) { return fmt::format("epsilon={}", o.epsilon); },
                        [](const Rope& o) {
                          return fmt::format("head_dim={} rotary_dim={} theta={} first_position={}",
                                             o.head_dim, o.rotary_dim, o.theta, o.first_position);
                        },
                        [](const Attention& o) {
                          return fmt::format(
                              "heads={} kv_heads={} head_dim={} scale={} visible_prefix={}{}",
                              o.heads, o.kv_heads, o.head_dim, o.scale, o.visible_prefix,
                              o.causal_offset ? fmt::format(" causal_offset={}", *o.causal_offset)
                                              : std::string());
                        },
                        [](const RelativeBias& o) {
                          return fmt::format("queries={} keys={} first_query={} max_distance={}{}",
                                             o.queries, o.keys, o.first_query, o.max_distance,
                                             o.bidirectional ? " bidirectional" : "");
                        },
                        [](const Experts& o) { return std::string(name_of(o.function)); },
                        [](const Patchify& o) { return fmt::format("size={}", o.size); },
                        [](const PixelShuffle& o) { return fmt::format("factor={}", o.factor); },
                        [](const Repeat& o) { return fmt::format("count={}", o.count); },
                        [](const Concat& o) { return fmt::format("axis={}", o.axis); },
                        [](const Slice& o) {
                          return fmt::format("axis={} begin={} end={}", o.axis, o.begin, o.end);
                        },
                        [](const auto&) { return std::string(); },
                    },
                    op);
}

std::int64_t RelativeBias::bucket(std::int64_t distance, std::int64_t buckets) const {
  const std::int64_t own = bidirectional ? buckets / 2 : buckets;
  const std::int64_t first = bidirectional && distance > 0 ? own : 0;
  const std::int64_t away =
      bidirectional ? std::abs(distance) : std::max<std::int64_t>(-distance, 0);
  const std::int64_t exact = own / 2;
  if (away < exact) return first + away;
  const auto ratio = [&](std::int64_t d) {
    return std::log(static_cast<double>(d) / static_cast<double>(exact));
  };
  const double share = ratio(away) / ratio(max_distance);
  const auto beyond = static_cast<std::int64_t>(share * static_cast<double>(own - exact));
  return first + std::min(exact + beyond, own - 1);
}

Shape result_shape(const Operator& op, std::span<const Shape> inputs) {
  return Inference(op, inputs).run();
}

}  // namespace heddle
