// The mixture of experts of exact_moe.h in two launches: one finds each token's expert and gathers
// tokens into tiles, the other runs the tiles through two arrays of multipliers.
#pragma once

#include <functional>
#include <span>

#include "kernel/buffer.h"
#include "kernel/library/exact_moe.h"
#include "kernel/library/perceptron_processes.h"

namespace heddle::kernel {

struct MoeDataflowShape {
  ExactMoeShape layer;          ///< at most 32,768 tokens and 256 experts
  std::int64_t tile_rows = 16;  ///< see PerceptronShape
  std::int64_t width = 64;
  std::int64_t quantised = 2;

  [[nodiscard]] PerceptronShape arrays() const;
  /// The most tiles that tokens can make: each holds tokens of one expert.
  [[nodiscard]] std::int64_t most_tiles() const;
};

/// x, x_mantissa, x_exponent, router_weight, router_weight_mantissa, router_weight_exponent ->
/// share [tokens] uint<16>, tiles [1], tile_expert [most_tiles] and slot_token [most_tiles
/// tile_rows]: of each slot of a tile the token, -1 for none.
KernelPtr moe_route(const MoeDataflowShape& shape, const std::string& name = "moe_route");
/// A word of codes a cycle.
Schedule moe_route_words(const KernelPtr& kernel, const MoeDataflowShape& shape);

/// tiles (how many there are), x, x_mantissa, x_exponent; of up and down the weights of moe_exact;
/// each process's own tile_expert and slot_token, as PROCESS_expert and PROCESS_token; share -> y.
/// Weights of experts that no tile names are not read.
KernelPtr moe_dataflow(const MoeDataflowShape& shape, const std::string& name = "moe_dataflow");
Schedule moe_dataflow_arrays(const KernelPtr& kernel, const MoeDataflowShape& shape, bool packed);

/// A launch of the first or the second kernel on its arguments.
using MoeLaunch = std::function<void(std::size_t kernel, std::span<const Argument> arguments)>;

/// The layer by two launches, in place of moe_exact: `arguments` are those of moe_exact for
/// shape.layer. Returns the number of tiles.
std::int64_t mix_by_launches(const MoeDataflowShape& shape, std::span<const Argument> arguments,
                             const MoeLaunch& launch);

}  // namespace heddle::kernel
