// C++ text turned into functions that can be called: compiled by the system, cached, loaded.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace heddle::kernel {

/// The system's C++ compiler: $HEDDLE_CXX if set, else the first of clang++, clang++-19 ...
/// clang++-14, g++ in $PATH. `for_models` looks for g++ first: it compiles Verilator's models of
/// large arrays in a tenth of clang's time (docs/measured.md). Throws UserError if there is none.
std::string find_compiler(bool for_models = false);

/// A loaded shared object; unloaded with the last copy.
class SharedObject {
 public:
  /// Compiles `source` with `compiler` and `flags` (plus -std=c++20 -shared -fPIC), or takes what
  /// an earlier call with the same text, compiler (path, size and time of the program) and flags
  /// left in `cache`: files named by the content's hash, written whole or not at all, safe under
  /// concurrent use. An empty `cache` is default_cache(). Throws UserError if the folder cannot be
  /// written, and InternalError with the compiler's first error lines if the text does not compile.
  SharedObject(const std::string& source, const std::string& compiler,
               const std::vector<std::string>& flags, const std::filesystem::path& cache);

  /// Throws InternalError if there is no such function.
  [[nodiscard]] void* symbol(const std::string& name) const;
  /// Whether the compiled code was found in the cache.
  [[nodiscard]] bool cached() const { return cached_; }

 private:
  std::shared_ptr<void> handle_;
  bool cached_ = false;
};

/// $HEDDLE_CACHE, else $XDG_CACHE_HOME/heddle, else ~/.cache/heddle.
std::filesystem::path default_cache();

}  // namespace heddle::kernel
