#include "engine/quant/quantise.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <set>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/progress.h"
#include "engine/arith/operators.h"
#include "engine/float/finite.h"
#include "engine/quant/roles.h"
#include "engine/quant/rounding.h"
#include "engine/quant/sizes.h"

namespace heddle {
namespace {

using arith::Scale;

/// Fixed values have this much room above the greatest magnitude that was seen: 2^4.
constexpr int kHeadroomBits = 4;
/// The rest of a checkpoint is copied if it is as small as statistics are.
constexpr std::uint64_t kSmall = 64 << 10;

/// The greatest fraction at which `magnitude` takes at most `bits` bits.
int fraction_for(double magnitude, int bits) {
  if (magnitude == 0) return std::min(bits, arith::kMaxFraction);
  int exponent = 0;
  std::frexp(magnitude, &exponent);
  return std::clamp(bits - exponent, arith::kMinFraction, arith::kMaxFraction);
}

float greatest(std::span<const float> numbers) {
  float most = 0;
  for (const float x : numbers) most = std::max(most, std::abs(x));
  return most;
}

/// A float weight as its quantised form wants it: smoothed, with finite elements.
class FloatSource {
 public:
  FloatSource(const SafeTensors& weights, const Smoothing& smoothing)
      : weights_(weights), smoothing_(smoothing) {}

  [[nodiscard]] std::vector<float> read(const std::string& name) const {
    std::vector<float> numbers = to_floats(weights_.get(name));
    require_finite(name, numbers, 0);
    const auto columns = smoothing_.columns.find(name);
    if (columns != smoothing_.columns.end()) {
      const std::vector<float>& factors = columns->second;
      for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] *= factors[i % factors.size()];
    }
    const auto elements = smoothing_.elements.find(name);
    if (elements != smoothing_.elements.end()) {
      for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] /= elements->second[i];
    }
    weights_.release(name);
    return numbers;
  }

 private:
  const SafeTensors& weights_;
  const Smoothing& smoothing_;
};

/// The tensors of one weight, under the names that they are stored by.
using Stored = std::map<std::string, Tensor>;

template <typename T, typename From>
Tensor tensor_of(DType dtype, Shape shape, const std::vector<From>& values) {
  Tensor tensor(dtype, std::move(shape));
  auto* to = reinterpret_cast<T*>(tensor.bytes.data());
  for (std::size_t i = 0; i < values.size(); ++i) to[i] = static_cast<T>(values[i]);
  return tensor;
}

void store_scales(Stored& stored, const std::string& name, const std::vector<Scale>& scales) {
  std::vector<std::int32_t> mantissas;
  std::vector<std::int32_t> exponents;
  for (const Scale& scale : scales) {
    mantissas.push_back(scale.mantissa);
    exponents.push_back(scale.exponent);
  }
  const Shape shape = {std::ssize(scales)};
  stored.emplace(name + ".mantissa", tensor_of<std::uint16_t>(DType::kU16, shape, mantissas));
  stored.emplace(name + ".exponent", tensor_of<std::int8_t>(DType::kI8, shape, exponents));
}

/// Two 4-bit codes a byte, the lower half first.
std::vector<std::uint8_t> pack(const std::vector<std::int8_t>& codes) {
  std::vector<std::uint8_t> bytes(codes.size() / 2);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>((codes[2 * i] & 15) | ((codes[2 * i + 1] & 15) << 4));
  }
  return bytes;
}

WeightReport report_on(const std::string& name, const RoundedRows& rounded, int bits, int unit) {
  WeightReport report{.name = name, .bits = bits};
  double noise = 0;
  double signal = 0;
  std::int64_t clipped = 0;
  report.least_scale = std::numeric_limits<double>::infinity();
  for (std::size_t row = 0; row < rounded.scales.size(); ++row) {
    const double of_code = arith::real(rounded.scales[row]) * unit;
    report.least_scale = std::min(report.least_scale, of_code);
    report.greatest_scale = std::max(report.greatest_scale, of_code);
    noise += rounded.noise[row];
    signal += rounded.signal[row];
    clipped += rounded.clipped[row];
  }
  report.clipped = static_cast<double>(clipped) / static_cast<double>(rounded.codes.size());
  report.signal_to_noise = 10 * std::log10(signal / noise);
  return report;
}

class Quantiser {
 public:
  Quantiser(const Graph& graph, const SafeTensors& weights, const ValueStatistics& statistics,
            const QuantisationOptions& options, ThreadPool& pool)
      : graph_(graph),
        weights_(weights),
        statistics_(statistics),
        options_(options),
        pool_(pool),
        roles_(weight_roles(graph)),
        smoothing_(plan_smoothing(graph, weights, statistics, options.smoothing)),
        source_(weights, smoothing_) {
    format_.weight_bits = options.weight_bits;
    format_.group = options.weight_bits == 4 ? options.group : 0;
  }

  QuantisationReport write(const std::filesystem::path& folder) {
    choose_fractions();
    std::vector<TensorSpec> specs;
    for (const Value& value : graph_.values) {
      if (value.kind == ValueKind::kWeight) declare(value, specs);
    }
    for (const std::string& name : copied()) {
      const TensorView& view = weights_.get(name);
      specs.push_back({name, view.dtype, view.shape});
    }
    SafeTensorsWriter writer(folder / "model.safetensors", specs);
    write_tensors(writer);
    writer.commit();
    write_quantisation(folder, format_);
    return std::move(report_);
  }

 private:
  [[nodiscard]] WeightRole role(const std::string& name) const { return roles_.at(name); }

  [[nodiscard]] bool has_four_bits(const Value& weight) const {
    if (options_.weight_bits != 4 || role(weight.name) != WeightRole::kMatrix) return false;
    return element_count(weight.shape) / weight.shape.front() % options_.group == 0;
  }

  void declare(const Value& weight, std::vector<TensorSpec>& specs) const {
    const std::string& name = weight.name;
    const std::int64_t rows = weight.shape.front();
    if (role(name) == WeightRole::kFixed) {
      specs.push_back({name, DType::kI32, weight.shape});
      return;
    }
    const std::int64_t depth = element_count(weight.shape) / rows;
    if (has_four_bits(weight)) {
      specs.push_back({name, DType::kU8, {rows, depth / 2}});
      specs.push_back({name + ".steps", DType::kU8, {rows, depth / options_.group}});
    } else {
      specs.push_back({name, DType::kI8, weight.shape});
    }
    specs.push_back({name + ".mantissa", DType::kU16, {rows}});
    specs.push_back({name + ".exponent", DType::kI8, {rows}});
  }

  /// What the checkpoint holds besides the Graph's weights and is small.
  [[nodiscard]] std::vector<std::string> copied() const {
    std::vector<std::string> names;
    for (const std::string& name : weights_.names()) {
      const bool is_small = weights_.get(name).bytes.size() <= kSmall;
      if (is_small && !roles_.contains(name)) names.push_back(name);
    }
    return names;
  }

  /// The writer wants the tensors of one dtype after those of another: each weight is rounded when
  /// the first of its tensors is due, and what is due later is kept.
  void write_tensors(SafeTensorsWriter& writer) {
    Stored kept;
    std::set<std::string> done;
    std::map<std::string, const Value*> owner;
    for (const Value& value : graph_.values) {
      if (value.kind != ValueKind::kWeight) continue;
      for (const char* part : {"", ".steps", ".mantissa", ".exponent"}) {
        owner[value.name + part] = &value;
      }
    }
    Progress progress("quantising", writer.order().size());
    for (const TensorSpec& spec : writer.order()) {
      check_interrupt();
      const auto of = owner.find(spec.name);
      if (of == owner.end()) {
        writer.write(spec.name, weights_.get(spec.name).bytes);
      } else {
        if (done.insert(of->second->name).second) kept.merge(stored(*of->second));
        writer.write(spec.name, kept.at(spec.name).bytes);
        kept.erase(spec.name);
      }
      progress.advance();
    }
  }

  Stored stored(const Value& weight) {
    const std::string& name = weight.name;
    const std::vector<float> numbers = source_.read(name);
    Stored stored;
    switch (role(name)) {
      case WeightRole::kFixed: {
        std::vector<std::int32_t> fixed(numbers.size());
        arith::from_reals(numbers, {fixed, format_.fractions.at(name)});
        stored.emplace(name, tensor_of<std::int32_t>(DType::kI32, weight.shape, fixed));
        return stored;
      }
      case WeightRole::kFactors: {
        std::vector<std::int32_t> signs;
        std::vector<Scale> scales;
        for (const float x : numbers) {
          signs.push_back(x < 0 ? -1 : 1);
          scales.push_back(arith::nearest_scale(std::abs(x)));
        }
        stored.emplace(name, tensor_of<std::int8_t>(DType::kI8, weight.shape, signs));
        store_scales(stored, name, scales);
        return stored;
      }
      case WeightRole::kMatrix:
      case WeightRole::kTable:
        break;
    }
    const bool four_bits = has_four_bits(weight);
    const RowFormat format = {.unit = role(name) == WeightRole::kMatrix ? 127 : 1,
                              .group = four_bits ? options_.group : 0};
    const std::optional<ErrorFeedback> feedback = feedback_for(name);
    const RoundedRows rounded =
        round_rows(numbers, weight.shape.front(), format, feedback ? &*feedback : nullptr, pool_);
    report_.weights.push_back(report_on(name, rounded, four_bits ? 4 : 8, format.unit));
    store_scales(stored, name, rounded.scales);
    if (four_bits) {
      const std::int64_t rows = weight.shape.front();
      const std::int64_t depth = element_count(weight.shape) / rows;
      stored.emplace(name,
                     tensor_of<std::uint8_t>(DType::kU8, {rows, depth / 2}, pack(rounded.codes)));
      stored.emplace(
          name + ".steps",
          tensor_of<std::uint8_t>(DType::kU8, {rows, depth / options_.group}, rounded.steps));
    } else {
      stored.emplace(name, tensor_of<std::int8_t>(DType::kI8, weight.shape, rounded.codes));
    }
    return stored;
  }

  [[nodiscard]] std::optional<ErrorFeedback> feedback_for(const std::string& name) const {
    const SecondMoments* moments = statistics_.moments(name);
    if (moments == nullptr) return std::nullopt;
    const auto divisors = smoothing_.columns.find(name);
    return ErrorFeedback(*moments, divisors == smoothing_.columns.end() ? std::span<const float>()
                                                                        : divisors->second);
  }

  void choose_fractions() {
    std::map<std::string, double> magnitudes;
    for (const Value& value : graph_.values) {
      if (value.dtype != DType::kF32) continue;
      if (value.kind != ValueKind::kWeight) {
        magnitudes[value.name] = magnitude(value);
      } else if (role(value.name) == WeightRole::kFixed) {
        // A Fixed weight is known: it needs no more room than rounding takes.
        format_.fractions[value.name] = fraction_for(greatest(source_.read(value.name)), 25);
      }
    }
    for (const Node& node : graph_.nodes) {
      if (const auto* loop = std::get_if<Loop>(&node.what)) tie(*loop, magnitudes);
    }
    for (const auto& [name, magnitude] : magnitudes) {
      format_.fractions[name] = fraction_for(magnitude, 26 - kHeadroomBits);
    }
  }

  /// Of a value as it is after smoothing; 0 for what only a loop hands on, see tie().
  [[nodiscard]] double magnitude(const Value& value) const {
    const std::vector<float>& channels = statistics_.channels(value.name);
    const auto divisors = smoothing_.values.find(value.name);
    if (divisors == smoothing_.values.end()) return greatest(channels);
    double most = 0;
    for (std::size_t j = 0; j < channels.size(); ++j) {
      most = std::max(most, double{channels[j]} / divisors->second[j]);
    }
    return most;
  }

  /// Values that take each other's place have one fraction.
  void tie(const Loop& loop, std::map<std::string, double>& magnitudes) const {
    const auto tie = [&](std::initializer_list<ValueId> ids) {
      double most = 0;
      for (const ValueId id : ids) most = std::max(most, magnitudes.at(graph_[id].name));
      for (const ValueId id : ids) magnitudes[graph_[id].name] = most;
    };
    for (const auto& carried : loop.carried) {
      tie({carried.initial, carried.current, carried.next, carried.result});
    }
    for (const auto& scanned : loop.scanned) tie({scanned.source, scanned.row});
  }

  const Graph& graph_;
  const SafeTensors& weights_;
  const ValueStatistics& statistics_;
  const QuantisationOptions& options_;
  ThreadPool& pool_;
  std::map<std::string, WeightRole> roles_;
  Smoothing smoothing_;
  FloatSource source_;
  QuantisationFormat format_;
  QuantisationReport report_;
};

}  // namespace

QuantisationReport quantise(const Graph& graph, const SafeTensors& weights,
                            const ValueStatistics& statistics, const QuantisationOptions& options,
                            ThreadPool& pool, const std::filesystem::path& folder) {
  check_sizes(graph);
  return Quantiser(graph, weights, statistics, options, pool).write(folder);
}

}  // namespace heddle
