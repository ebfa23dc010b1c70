// The layers that `heddle ablation` knows, and the levels of each: from the plain kernel to arrays
// of multipliers.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "kernel/buffer.h"
#include "kernel/ir.h"

namespace heddle {

/// Launches kernel number `kernel` of a level.
using LaunchKernel =
    std::function<void(std::size_t kernel, std::span<const kernel::Argument> arguments)>;

struct AblationLevel {
  std::string name;
  std::string summary;
  std::vector<kernel::KernelPtr> kernels;  ///< scheduled
  /// Computes the layer by launches, on the arguments of its plain kernel.
  std::function<void(std::span<const kernel::Argument> arguments, const LaunchKernel& launch)> run;
  double work_per_cycle = 1;  ///< of its multipliers or lanes, at most
};

struct AblationLayer {
  std::string name;
  std::string shape;         ///< "1024 rows, 768 -> 3072 -> 768"
  kernel::KernelPtr plain;   ///< of docs/exact-kernels.md
  double work = 0;           ///< what the layer takes, in `unit`
  std::string unit = "MAC";  ///< multiply-adds of int8; else what goes through the layer
  std::vector<AblationLevel> levels;
};

/// "attention", "mlp", "moe", "norm".
const std::vector<std::string>& ablation_layers();
/// A layer at a small size or at that of real models (1,024 tokens of 768, 12 heads, 3,072 between;
/// a mixture of 8 experts for 128 tokens).
AblationLayer ablation_layer(const std::string& name, bool is_full);

/// Random inputs of a layer's plain kernel: codes, Scales with which values have about 22 bits,
/// Fixed numbers of 21 bits, factors of about 1.
void fill_layer_input(kernel::Buffer& buffer, const std::string& name, std::uint64_t seed);

}  // namespace heddle
