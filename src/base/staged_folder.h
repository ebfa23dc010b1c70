// A folder under construction, which nobody sees before it is complete.
#pragma once

#include <filesystem>

namespace heddle {

/// A temporary neighbour of `target` that takes its name on commit() and vanishes, with all that is
/// in it, if it is destroyed before that.
class StagedFolder {
 public:
  /// Makes the temporary folder, and the folders above it that are missing. A target that is there
  /// is accepted if it is empty; what to do about one that is not is the caller's `replace`: true
  /// if commit() may delete it. Throws UserError.
  StagedFolder(const std::filesystem::path& target, bool replace);
  ~StagedFolder();
  StagedFolder(const StagedFolder&) = delete;
  StagedFolder& operator=(const StagedFolder&) = delete;

  /// Where to put the files.
  [[nodiscard]] const std::filesystem::path& path() const { return temporary_; }

  /// Gives the folder its name. Throws UserError if that fails; then nothing has changed.
  void commit();

 private:
  std::filesystem::path target_;
  std::filesystem::path temporary_;
  bool replace_;
};

}  // namespace heddle
