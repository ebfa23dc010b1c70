#include "model/smolvla/random_weights.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/progress.h"
#include "base/random.h"
#include "tensor/safetensors.h"

namespace heddle::smolvla {
namespace {

/// Elements that one thread makes at a time.
constexpr std::size_t kBlock = 1 << 15;

/// The mean and the standard deviation of a tensor's elements.
struct Spread {
  double mean = 0;
  double deviation = 0;
};

/// Values of unit size stay so through a projection with deviation 1/sqrt(fan in); branches that
/// are added to the residual stream are damped, so that many layers do not make it grow.
Spread spread_of(const WeightSpec& spec) {
  const auto out = static_cast<double>(spec.shape.front());
  const auto fan_in = static_cast<double>(element_count(spec.shape)) / out;
  switch (spec.role) {
    case WeightRole::kProjection:
      return {0, 1 / std::sqrt(fan_in)};
    case WeightRole::kScaled:
      return {0, 1 / std::sqrt(fan_in * out)};
    case WeightRole::kResidual:
      return {0, 0.4 / std::sqrt(fan_in)};
    case WeightRole::kBias:
      return {0, 0.05};
    case WeightRole::kGain:
      return {1, 0.1};
    case WeightRole::kEmbedding:
      return {0, 1 / std::sqrt(fan_in)};
    case WeightRole::kPosition:
      return {0, 0.5};
  }
  throw InternalError("a weight without a role");
}

/// How much larger than its role says each output channel of a tensor is.
class Growth {
 public:
  Growth(const WeightSpec& spec, const RandomRecipe& recipe) {
    if (!recipe.outliers || spec.stream.empty()) return;
    const bool has_columns =
        spec.role == WeightRole::kEmbedding || spec.role == WeightRole::kPosition;
    const auto width =
        static_cast<std::size_t>(has_columns ? spec.shape.back() : spec.shape.front());
    neighbours_ = has_columns ? 1 : static_cast<std::size_t>(element_count(spec.shape)) / width;
    factors_.assign(width, 1);
    const RandomStream stream(recipe.seed, "outliers of " + spec.stream);
    const std::size_t count = std::clamp<std::size_t>(width / 128, 1, 4);
    for (std::size_t i = 0; i < count; ++i) {
      // One in each part of the channels, so that no two are the same.
      const std::size_t part = width / count;
      factors_[i * part + stream.word(2 * i) % part] =
          static_cast<int>(40 + stream.word(2 * i + 1) % 41);
    }
  }

  [[nodiscard]] int of(std::size_t element) const {
    return factors_.empty() ? 1 : factors_[element / neighbours_ % factors_.size()];
  }

 private:
  std::vector<int> factors_;    ///< by channel; empty if all are 1
  std::size_t neighbours_ = 1;  ///< elements of one channel that lie side by side
};

/// Elements [first, first + count) of a tensor into its bytes.
template <typename Element, typename Convert>
void fill(std::span<std::byte> bytes, std::size_t first, std::size_t count,
          const RandomStream& stream, const Spread& spread, const Growth& growth, Convert convert) {
  // With a factor of 24 bits the products, and the sums with 1, are exact in float64, so it does
  // not matter whether a compiler fuses them; so are those with a growth of 7 bits, as what grows
  // has mean 0. Then each is rounded once.
  const double factor =
      static_cast<float>(spread.deviation / std::sqrt(RandomStream::kBellVariance));
  for (std::size_t i = first; i < first + count; ++i) {
    const double value = growth.of(i) * (spread.mean + factor * stream.bell(i));
    const Element element = convert(static_cast<float>(value));
    std::memcpy(bytes.data() + i * sizeof(Element), &element, sizeof(Element));
  }
}

}  // namespace

std::vector<std::byte> random_weight(const WeightSpec& spec, const RandomRecipe& recipe,
                                     ThreadPool& pool) {
  ensure(spec.dtype == DType::kF32 || spec.dtype == DType::kBF16, "{} has dtype {}", spec.name,
         name_of(spec.dtype));
  const auto elements = static_cast<std::size_t>(element_count(spec.shape));
  std::vector<std::byte> bytes(elements * size_of(spec.dtype));
  const RandomStream stream(recipe.seed, spec.name);
  const Spread spread = spread_of(spec);
  const Growth growth(spec, recipe);
  pool.parallel_for((elements + kBlock - 1) / kBlock, [&](std::size_t block, int) {
    const std::size_t first = block * kBlock;
    const std::size_t count = std::min(kBlock, elements - first);
    if (spec.dtype == DType::kF32) {
      fill<float>(bytes, first, count, stream, spread, growth, [](float value) { return value; });
    } else {
      fill<std::uint16_t>(bytes, first, count, stream, spread, growth, f32_to_bf16);
    }
  });
  return bytes;
}

void write_random_weights(const std::filesystem::path& path, const WeightTable& table,
                          const RandomRecipe& recipe, ThreadPool& pool) {
  std::vector<TensorSpec> specs;
  std::uint64_t total = 0;
  for (const WeightSpec& spec : table.all()) {
    specs.push_back({spec.name, spec.dtype, spec.shape});
    total += specs.back().bytes();
  }
  SafeTensorsWriter writer(path, std::move(specs), {{"format", "pt"}});
  Progress progress("random weights", total);
  for (const TensorSpec& tensor : writer.order()) {
    check_interrupt();
    writer.write(tensor.name, random_weight(table.at(tensor.name), recipe, pool));
    progress.advance(tensor.bytes());
  }
  writer.commit();
}

}  // namespace heddle::smolvla
