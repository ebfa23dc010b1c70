// The norm of exact_norm.h as processes in a row, each a row of its input behind the one before.
#pragma once

#include "kernel/library/exact_norm.h"

namespace heddle::kernel {

struct NormDataflowShape {
  ExactNormShape layer;     ///< its block does not matter
  std::int64_t lanes = 16;  ///< columns treated in a cycle: divides the columns
};

/// The arguments and results of norm_exact, bit for bit. Throws UserError for lanes that do not
/// divide the columns, and for more than 65,536 columns.
KernelPtr norm_dataflow(const NormDataflowShape& shape, const std::string& name = "norm_dataflow");

/// A word of columns in each cycle, in each process: `lanes` is then a power of two, at most 32.
Schedule norm_lanes(const KernelPtr& kernel, std::int64_t lanes);

LibraryKernel norm_dataflow_entry();

}  // namespace heddle::kernel
