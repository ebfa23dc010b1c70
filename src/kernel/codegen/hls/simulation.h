// C simulation of emitted HLS C++: compiled by the system's compiler with our stand-in headers.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "kernel/buffer.h"
#include "kernel/codegen/shared_object.h"
#include "kernel/ir.h"

namespace heddle::kernel {

/// The C++ text of HlsSimulation: the stand-in types, then each kernel in a namespace of its own
/// and an entry `extern "C" void heddle_run_<n>(void* const* arguments)` for those that can be
/// launched.
std::string hls_simulation_text(std::span<const KernelPtr> kernels);

class HlsSimulation {
 public:
  /// All kernels in one object. The stand-in types lie in memory as Buffer's elements do, so the
  /// kernels work on the buffers themselves. Throws UserError for what HLS C++ cannot say.
  explicit HlsSimulation(std::vector<KernelPtr> kernels, const std::filesystem::path& cache = {});

  /// Throws UserError unless the arguments fit, see check_arguments().
  void run(std::span<const Argument> arguments, std::size_t kernel = 0) const;

 private:
  std::vector<KernelPtr> kernels_;
  SharedObject object_;
};

}  // namespace heddle::kernel
