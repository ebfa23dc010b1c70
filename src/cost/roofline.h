// How long work takes at the least on a board: its multipliers against its memory (Williams,
// Waterman, Patterson: Roofline, CACM 2009).
#pragma once

#include <algorithm>
#include <string>

#include "board/board.h"
#include "cost/precision.h"
#include "cost/work.h"

namespace heddle::cost {

/// What a board can do at most.
struct Roof {
  double dsps = 0;
  double clock_mhz = 0;
  double linear_rate = 0;     ///< multiply-accumulates a second, every DSP in every cycle
  double attention_rate = 0;  ///< the same for products of two activations
  double bandwidth = 0;       ///< bytes a second of its fastest memory, all channels together,
                              ///< sustained where that is known
  bool is_sustained = false;
  std::string memory;        ///< "hbm"
  double memory_bytes = 0;   ///< of that memory
  double on_chip_bytes = 0;  ///< of all block RAMs and UltraRAMs, parity bits included
  /// Where linears and memory take the same time, in multiply-accumulates for a byte.
  [[nodiscard]] double ridge() const { return linear_rate / bandwidth; }
};
/// The DSPs' clock is the fabric's. Throws UserError if the board has no rule for the precision, or
/// no DSP, or for a clock outside 1 ... 5000 MHz or beyond what the DSPs take.
Roof roof_of(const Board& board, const Precision& precision, double clock_mhz);

/// What is to be done: multiply-accumulates and bytes that cross.
struct Load {
  double linear_macs = 0;
  double attention_macs = 0;
  double weight_bytes = 0;
  double activation_bytes = 0;
  [[nodiscard]] double macs() const { return linear_macs + attention_macs; }
  [[nodiscard]] double bytes() const { return weight_bytes + activation_bytes; }
  /// Multiply-accumulates for a byte; 0 if nothing crosses.
  [[nodiscard]] double intensity() const { return bytes() == 0 ? 0 : macs() / bytes(); }
  Load& operator+=(const Load& other);
};
/// Of `batch` requests that share each reading of the weights, `runs` times.
Load load_of(const PartWork& part, const ActivationCount& crossing, const Precision& precision,
             std::int64_t batch, std::int64_t runs);

struct Bound {
  Load load;
  double compute_seconds = 0;
  double memory_seconds = 0;
  [[nodiscard]] double seconds() const { return std::max(compute_seconds, memory_seconds); }
  [[nodiscard]] bool is_compute_bound() const { return compute_seconds >= memory_seconds; }
};
/// From below: nothing but products and memory takes time, and these overlap.
Bound bound_of(const Load& load, const Roof& roof);

}  // namespace heddle::cost
