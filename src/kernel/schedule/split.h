// Splitting a loop in two: what split, tile and unroll by a factor share.
#pragma once

#include <string>

#include "kernel/ir.h"

namespace heddle::kernel {

struct SplitLoop {
  Kernel kernel;
  std::string outer, inner;  ///< the new loops
};
/// Where a pipeline mark goes; parallel goes to the outer loop, unroll to the inner one.
enum class PipelineGoes : std::uint8_t { kInward, kOutward };

/// Throws the refusal of `step`, showing `shown`, if the loop cannot be split by the factor.
SplitLoop split_loop(const Kernel& kernel, const std::string& loop, std::int64_t factor,
                     PipelineGoes pipeline, const std::string& step, const Kernel& shown);

}  // namespace heddle::kernel
