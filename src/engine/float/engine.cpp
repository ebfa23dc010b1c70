#include "engine/float/engine.h"

#include <cstring>

#include "base/error.h"
#include "engine/float/bind.h"

namespace heddle {

class FloatEngine::Impl final : public StepMaker {
 public:
  Impl(Graph graph, FloatWeights& weights, ThreadPool& pool)
      : weights_(weights),
        pool_(pool),
        runner_(checked(std::move(graph)), fuse, weights.precision() == FloatPrecision::kBF16) {
    runner_.bind(*this);
  }

  RunResult run(const std::map<std::string, Tensor>& inputs, const TapObserver& observer) {
    return runner_.run(inputs, observer);
  }

  BoundStep bind(const FusedNode& node) override {
    return heddle::bind(node, {runner_.program(), weights_, pool_});
  }

  void store(ValueId, const Tensor& input, std::byte* place) override {
    std::memcpy(place, input.bytes.data(), input.bytes.size());
  }

  [[nodiscard]] Tensor load(ValueId value, const std::byte* place) const override {
    const Program& program = runner_.program();
    const Shape& shape = program.graph[value].shape;
    const DType held = program.plan.placements[value.index].narrow ? DType::kBF16 : DType::kF32;
    const auto count = static_cast<std::size_t>(element_count(shape));
    return Tensor::from_floats(shape, to_floats({held, shape, {place, count * size_of(held)}}));
  }

  [[nodiscard]] const std::byte* constant(ValueId value) const override {
    return runner_.program().graph[value].constant.bytes.data();
  }

 private:
  Graph checked(Graph graph) const {
    if (weights_.precision() == FloatPrecision::kBF16 && !kernels().has_bf16) {
      throw UserError("this processor has no bfloat16 instructions (AVX512_BF16)",
                      "use --precision f32");
    }
    for (const Value& value : graph.values) {
      if (value.kind != ValueKind::kWeight) continue;
      const Shape& found = weights_.raw(value.name).shape;
      if (found == value.shape) continue;
      throw UserError(fmt::format("tensor {} has shape {}; the model needs {}", value.name,
                                  to_string(found), to_string(value.shape)),
                      "use the config.json that belongs to this checkpoint");
    }
    return graph;
  }

  FloatWeights& weights_;
  ThreadPool& pool_;
  Runner runner_;
};

FloatEngine::FloatEngine(Graph graph, FloatWeights& weights, ThreadPool& pool)
    : impl_(std::make_unique<Impl>(std::move(graph), weights, pool)) {}
FloatEngine::~FloatEngine() = default;
FloatEngine::FloatEngine(FloatEngine&&) noexcept = default;

RunResult FloatEngine::run(const std::map<std::string, Tensor>& inputs,
                           const TapObserver& observer) {
  return impl_->run(inputs, observer);
}

}  // namespace heddle
