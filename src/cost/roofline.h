// How long work takes at the least on a board: its multipliers against its memory (Williams,
// Waterman, Patterson: Roofline, CACM 2009).
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "board/board.h"
#include "cost/work.h"

namespace heddle {

/// The numbers that a model is computed in.
struct Precision {
  std::string name;         ///< "w8a8"
  std::string weights;      ///< as in a board's DSP rules: "int8"
  std::string activations;  ///< "int8"
  double weight_bits = 0;   ///< the scales of groups included
  double activation_bits = 0;
};
/// "f32", "bf16", "w8a8", "w4a8" (4-bit weights in groups of 64 with a scale of 8 bits each).
const std::vector<Precision>& precisions();
/// Throws UserError that lists them.
const Precision& find_precision(const std::string& name);

/// What a board can do at most.
struct Roof {
  double macs_per_second = 0;   ///< every DSP in every cycle
  double bytes_per_second = 0;  ///< of its fastest memory, sustained where that is known
  std::string memory;           ///< "hbm"
  /// Where both take the same time, in multiply-accumulates for a byte.
  [[nodiscard]] double ridge() const { return macs_per_second / bytes_per_second; }
};
/// Throws UserError if the board has no rule for the precision, or the clock is not positive.
Roof roof_of(const Board& board, const Precision& precision, double clock_mhz);

/// How much of a stage's work crosses the memory's boundary.
enum class Fusion {
  kStages,     ///< activations leave the chip between stages only
  kOperators,  ///< each operator reads and writes its own
};

struct Bound {
  double macs = 0;
  double weight_bytes = 0;
  double activation_bytes = 0;
  double compute_seconds = 0;
  double memory_seconds = 0;
  [[nodiscard]] double bytes() const { return weight_bytes + activation_bytes; }
  [[nodiscard]] double intensity() const { return bytes() == 0 ? 0 : macs / bytes(); }
  [[nodiscard]] double seconds() const { return std::max(compute_seconds, memory_seconds); }
  [[nodiscard]] bool is_compute_bound() const { return compute_seconds >= memory_seconds; }
};

/// Of `batch` requests that share each reading of the weights.
Bound bound_of(const StageWork& stage, const Roof& roof, const Precision& precision,
               std::int64_t batch, Fusion fusion);

}  // namespace heddle
