#include "cost/roofline.h"

#include <fmt/ranges.h>

#include <vector>

#include "base/error.h"

namespace heddle::cost {
namespace {

double rate_of(const BoardMemory& memory) {
  return static_cast<double>(memory.channels) * memory.sustained_gb_s.value_or(memory.peak_gb_s) *
         1e9;
}

/// Products of two types that a DSP makes in a cycle. Throws UserError without a rule.
double products_of(const Board& board, const std::string& weights, const std::string& activations) {
  std::vector<std::string> known;
  known.reserve(board.dsp_rules.size());
  for (const DspRule& rule : board.dsp_rules) {
    if (rule.weights == weights && rule.activations == activations) return rule.products;
    known.push_back(fmt::format("{} x {}", rule.weights, rule.activations));
  }
  throw UserError(fmt::format("board {} does not say how many products of {} and {} a DSP makes",
                              board.name, weights, activations),
                  fmt::format("it has rules for {}; choose another precision or add the rule to "
                              "its file (docs/boards.md)",
                              fmt::join(known, ", ")));
}

void check_clock(const Board& board, double clock_mhz) {
  constexpr double kFastest = 5000;
  const bool is_clock = clock_mhz >= 1 && clock_mhz <= kFastest;  // No NaN is.
  if (!is_clock) {
    throw UserError(fmt::format("a clock of {} MHz", clock_mhz),
                    fmt::format("give one from 1 to {} MHz", kFastest));
  }
  if (clock_mhz <= board.dsp_clock_mhz) return;
  throw UserError(fmt::format("a clock of {} MHz, but the DSPs of {} take {} MHz at most",
                              clock_mhz, board.name, board.dsp_clock_mhz),
                  "give a slower clock");
}

}  // namespace

Roof roof_of(const Board& board, const Precision& precision, double clock_mhz) {
  constexpr double kBram36Bytes = 36 * 1024 / 8.0;
  constexpr double kUramBytes = 288 * 1024 / 8.0;
  check_clock(board, clock_mhz);
  const BoardMemory& memory = *std::ranges::max_element(board.memories, {}, rate_of);
  Roof roof;
  roof.dsps = board.resources[Resource::kDsp];
  if (roof.dsps < 1) {
    throw UserError(fmt::format("board {} has no DSPs", board.name),
                    "give a board with some, or mend \"dsp\" in its \"resources\"");
  }
  roof.clock_mhz = clock_mhz;
  const double cycles = roof.dsps * clock_mhz * 1e6;
  roof.linear_rate = cycles * products_of(board, precision.weights, precision.activations);
  roof.attention_rate = cycles * products_of(board, precision.activations, precision.activations);
  roof.bandwidth = rate_of(memory);
  roof.is_sustained = memory.sustained_gb_s.has_value();
  roof.memory = memory.name;
  roof.memory_bytes =
      static_cast<double>(memory.channels) * static_cast<double>(memory.channel_bytes);
  roof.on_chip_bytes = board.resources[Resource::kBram36] * kBram36Bytes +
                       board.resources[Resource::kUram] * kUramBytes;
  return roof;
}

Load& Load::operator+=(const Load& other) {
  linear_macs += other.linear_macs;
  attention_macs += other.attention_macs;
  weight_bytes += other.weight_bytes;
  activation_bytes += other.activation_bytes;
  return *this;
}

Load load_of(const PartWork& part, const ActivationCount& crossing, const Precision& precision,
             std::int64_t batch, std::int64_t runs) {
  const auto times = static_cast<double>(runs);
  const double requests = times * static_cast<double>(batch);
  Load load;
  load.linear_macs = requests * static_cast<double>(part.operations[Operation::kLinear]);
  load.attention_macs = requests * static_cast<double>(part.operations[Operation::kAttention]);
  load.weight_bytes = times * precision.bytes(part.weights);
  load.activation_bytes = requests * precision.bytes(crossing);
  return load;
}

Bound bound_of(const Load& load, const Roof& roof) {
  return {load, load.linear_macs / roof.linear_rate + load.attention_macs / roof.attention_rate,
          load.bytes() / roof.bandwidth};
}

}  // namespace heddle::cost
