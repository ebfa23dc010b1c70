// Kernels as native code: C++ text for this processor, compiled, cached and loaded.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kernel/buffer.h"
#include "kernel/codegen/shared_object.h"
#include "kernel/ir.h"

namespace heddle::kernel {

struct NativeOptions {
  /// Threads for loops marked parallel; 0: default_threads().
  int threads = 1;
  /// Whether instructions are written as their native text where this processor has the features
  /// they need; else, and without, as their bodies.
  bool intrinsics = true;
  /// Where compiled code is kept; empty: default_cache().
  std::filesystem::path cache;
};

/// The C++ text of kernels: one function per kernel (for each way its arguments are laid out) and
/// Function, and for kernel number n an entry
/// `extern "C" void heddle_run_<n>(void* const* arguments, heddle::Run* run)`, see workers.h. The
/// same text for the same kernels and options.
std::string emit_cpp(std::span<const KernelPtr> kernels, const NativeOptions& options = {});

namespace native {
struct Run;
class Workers;
}  // namespace native

/// Compiled kernels. They give the interpreter's bits for every run that the interpreter accepts
/// and check nothing inside of the kernel.
class NativeLibrary {
 public:
  /// All kernels in one object, which compiles faster than one each. Throws UserError if there is
  /// no compiler, or the cache cannot be written.
  explicit NativeLibrary(std::vector<KernelPtr> kernels, const NativeOptions& options = {});

  /// Runs kernel number `kernel`. Throws UserError unless the arguments fit, see check_arguments(),
  /// and no buffer that is written is given twice. Of several callers (copies included) one runs at
  /// a time.
  void run(std::span<const Argument> arguments, std::size_t kernel = 0) const;
  [[nodiscard]] bool cached() const { return object_.cached(); }

 private:
  using Entry = void (*)(void* const*, native::Run*);

  std::vector<KernelPtr> kernels_;
  NativeOptions options_;
  SharedObject object_;
  std::shared_ptr<native::Workers> workers_;
  std::vector<Entry> entries_;
};

}  // namespace heddle::kernel
