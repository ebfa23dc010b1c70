// Programs of the system that back ends start, and the folders they work in.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace heddle::kernel {

/// An environment variable's value; empty if it is not set.
std::string environment(const char* name);
/// A program's path, looked for in $PATH unless the name has a folder; empty if there is none.
std::string find_program(const std::string& name);
/// Names one state of a program (path, size and time) without starting it; empty, with errno set,
/// if there is none.
std::string identify_program(const std::string& path);
/// 32 hexadecimal digits that differ for different contents.
std::string content_hash(std::string_view bytes);

/// A folder that vanishes with all that is in it.
class TemporaryFolder {
 public:
  /// Makes one in `parent`, and `parent` if it is missing. Throws UserError.
  explicit TemporaryFolder(const std::filesystem::path& parent);
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

struct ProgramEnd {
  int status = 0;    ///< as waitpid() reports it
  std::string said;  ///< on both outputs
};
/// Runs a program (a path and its arguments) to its end, with `folder` for its temporary files.
/// Throws UserError if it does not start, Interrupted (the program and all it started are then
/// killed).
ProgramEnd run_program(const std::vector<std::string>& command,
                       const std::filesystem::path& folder);

}  // namespace heddle::kernel
