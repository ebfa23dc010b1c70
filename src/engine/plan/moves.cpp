#include "engine/plan/moves.h"

#include <cmath>

namespace heddle {
namespace {

/// Elements per step along `axis`, and its extent.
struct Along {
  std::int64_t inner = 1;
  std::int64_t extent = 0;
};
Along along(const Shape& shape, std::int64_t axis) {
  Along along;
  for (auto i = static_cast<std::size_t>(axis) + 1; i < shape.size(); ++i) along.inner *= shape[i];
  along.extent = shape[static_cast<std::size_t>(axis)];
  return along;
}

class Mover {
 public:
  Mover(const std::vector<Shape>& inputs, const Shape& output)
      : inputs_(inputs), elements_(element_count(output)) {}

  std::vector<Move> operator()(const Patchify& op) const {
    const std::int64_t size = op.size;
    const std::int64_t channels = inputs_[0][1];
    const std::int64_t height = inputs_[0][2];
    const std::int64_t width = inputs_[0][3];
    return in_order(size, [=](std::int64_t i) {
      const std::int64_t y = i % size;
      const std::int64_t channel = i / size % channels;
      const std::int64_t patch = i / size / channels;
      const std::int64_t column = patch % (width / size);
      const std::int64_t row = patch / (width / size) % (height / size);
      const std::int64_t image = patch / (width / size) / (height / size);
      return ((image * channels + channel) * height + row * size + y) * width + column * size;
    });
  }

  std::vector<Move> operator()(const PixelShuffle& op) const {
    const std::int64_t factor = op.factor;
    const std::int64_t depth = inputs_[0][2];
    const auto side =
        static_cast<std::int64_t>(std::lround(std::sqrt(static_cast<double>(inputs_[0][1]))));
    // The tokens of one row of a square are neighbours in the input and in the output.
    return in_order(factor * depth, [=](std::int64_t i) {
      const std::int64_t y = i % factor;
      const std::int64_t column = i / factor % (side / factor);
      const std::int64_t row = i / factor / (side / factor) % (side / factor);
      const std::int64_t image = i / (side * side / factor);
      return ((image * side + row * factor + y) * side + column * factor) * depth;
    });
  }

  std::vector<Move> operator()(const Reshape&) const {
    // Rows, so that threads can share them.
    const std::int64_t run = inputs_[0].empty() ? 1 : inputs_[0].back();
    return in_order(run, [run](std::int64_t i) { return i * run; });
  }

  std::vector<Move> operator()(const Repeat&) const {
    return in_order(element_count(inputs_[0]), [](std::int64_t) { return std::int64_t{0}; });
  }

  std::vector<Move> operator()(const Slice& op) const {
    const auto [inner, extent] = along(inputs_[0], op.axis);
    const std::int64_t stride = extent * inner;
    const std::int64_t begin = op.begin * inner;
    return in_order((op.end - op.begin) * inner,
                    [=](std::int64_t i) { return i * stride + begin; });
  }

  std::vector<Move> operator()(const Concat& op) const {
    std::vector<Move> moves;
    std::int64_t stride = 0;
    for (const Shape& input : inputs_) stride += along(input, op.axis).extent;
    stride *= along(inputs_[0], op.axis).inner;
    std::int64_t at = 0;
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      const auto [inner, extent] = along(inputs_[i], op.axis);
      const std::int64_t run = inner * extent;
      moves.push_back({i, run, elements_ / stride, [run](std::int64_t j) { return j * run; },
                       [stride, at](std::int64_t j) { return j * stride + at; }});
      at += run;
    }
    return moves;
  }

  template <typename Other>
  std::vector<Move> operator()(const Other&) const {
    return {};
  }

 private:
  /// The output is one run after the other.
  [[nodiscard]] std::vector<Move> in_order(std::int64_t run,
                                           std::function<std::int64_t(std::int64_t)> source) const {
    return {
        {0, run, elements_ / run, std::move(source), [run](std::int64_t i) { return i * run; }}};
  }

  const std::vector<Shape>& inputs_;
  std::int64_t elements_;
};

}  // namespace

std::vector<Move> moves_of(const FusedNode& node, const Graph& graph) {
  std::vector<Shape> inputs;
  inputs.reserve(node.inputs.size());
  for (const ValueId id : node.inputs) inputs.push_back(graph[id].shape);
  return std::visit(Mover(inputs, graph[node.output].shape), node.op);
}

}  // namespace heddle
