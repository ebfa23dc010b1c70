// The perceptron of exact_mlp.h as processes around two arrays of multipliers.
#pragma once

#include "kernel/library/exact_mlp.h"
#include "kernel/library/perceptron_processes.h"

namespace heddle::kernel {

struct MlpDataflowShape {
  ExactMlpShape layer;
  std::int64_t tile_rows = 16;  ///< see PerceptronShape; divides the rows
  std::int64_t width = 64;
  std::int64_t quantised = 2;

  [[nodiscard]] PerceptronShape arrays() const;
};

/// The arguments and results of mlp_exact, bit for bit. Throws UserError for a shape that does not
/// divide as PerceptronShape says.
KernelPtr mlp_dataflow(const MlpDataflowShape& shape, const std::string& name = "mlp_dataflow");

LibraryKernel mlp_dataflow_entry();

}  // namespace heddle::kernel
