#include "cost/roofline.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.h"
#include "base/text.h"

namespace heddle {
namespace {

const BoardMemory& fastest_memory(const Board& board) {
  const auto rate = [](const BoardMemory& memory) {
    return static_cast<double>(memory.channels) * memory.sustained_gb_s.value_or(memory.peak_gb_s);
  };
  if (board.memories.empty()) {
    throw UserError(fmt::format("board {} has no memory", board.name),
                    "describe one in its file (docs/boards.md)");
  }
  return *std::ranges::max_element(board.memories, {}, rate);
}

}  // namespace

const std::vector<Precision>& precisions() {
  static const std::vector<Precision> all = {{"f32", "float32", "float32", 32, 32},
                                             {"bf16", "bfloat16", "bfloat16", 16, 16},
                                             {"w8a8", "int8", "int8", 8, 8},
                                             {"w4a8", "int4", "int8", 4 + 8.0 / 64, 8}};
  return all;
}

const Precision& find_precision(const std::string& name) {
  std::vector<std::string> names;
  for (const Precision& precision : precisions()) {
    if (precision.name == name) return precision;
    names.push_back(precision.name);
  }
  throw UserError(fmt::format("there is no precision {}", quote(name)),
                  fmt::format("choose one of: {}", fmt::join(names, ", ")));
}

Roof roof_of(const Board& board, const Precision& precision, double clock_mhz) {
  const bool is_clock = clock_mhz > 0 && clock_mhz <= 10'000;
  if (!is_clock) {
    throw UserError(fmt::format("a clock of {} MHz", clock_mhz), "give one from 1 to 10000 MHz");
  }
  const auto rule = std::ranges::find_if(board.dsp_rules, [&](const DspRule& one) {
    return one.weights == precision.weights && one.activations == precision.activations;
  });
  if (rule == board.dsp_rules.end()) {
    std::vector<std::string> known;
    known.reserve(board.dsp_rules.size());
    for (const DspRule& one : board.dsp_rules) {
      known.push_back(fmt::format("{} x {}", one.weights, one.activations));
    }
    throw UserError(fmt::format("board {} does not say how many products of {} and {} a DSP makes",
                                board.name, precision.weights, precision.activations),
                    fmt::format("it has rules for {}; choose another precision or add the rule",
                                fmt::join(known, ", ")));
  }
  const BoardMemory& memory = fastest_memory(board);
  Roof roof;
  roof.macs_per_second = board.resources[Resource::kDsp] * rule->products * clock_mhz * 1e6;
  roof.bytes_per_second =
      static_cast<double>(memory.channels) * memory.sustained_gb_s.value_or(memory.peak_gb_s) * 1e9;
  roof.memory = memory.name;
  return roof;
}

Bound bound_of(const StageWork& stage, const Roof& roof, const Precision& precision,
               std::int64_t batch, Fusion fusion) {
  const auto requests = static_cast<double>(batch);
  const std::int64_t activations = fusion == Fusion::kStages ? stage.received + stage.sent
                                                             : stage.work.read + stage.work.written;
  Bound bound;
  bound.macs = requests * static_cast<double>(stage.work.macs);
  bound.weight_bytes = static_cast<double>(stage.work.weights) * precision.weight_bits / 8;
  bound.activation_bytes =
      requests * static_cast<double>(activations) * precision.activation_bits / 8;
  bound.compute_seconds = bound.macs / roof.macs_per_second;
  bound.memory_seconds = bound.bytes() / roof.bytes_per_second;
  return bound;
}

}  // namespace heddle
