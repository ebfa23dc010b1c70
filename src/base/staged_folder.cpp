#include "base/staged_folder.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>

#include "base/error.h"

namespace heddle {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void cannot(const std::string& what, const fs::path& path,
                         const std::error_code& error) {
  throw UserError(fmt::format("cannot {} {}: {}", what, path.string(), error.message()),
                  "choose another folder, or check that you may write there");
}

/// `target` without a trailing slash, which would make its name empty.
fs::path plain(const fs::path& target) {
  std::error_code error;
  const fs::path absolute = fs::absolute(target, error).lexically_normal();
  if (error) cannot("find", target, error);
  return absolute.has_filename() ? absolute : absolute.parent_path();
}

/// Whether something with content stands where the folder is to be.
bool is_occupied(const fs::path& target) {
  std::error_code error;
  const fs::file_status status = fs::symlink_status(target, error);
  if (!fs::exists(status)) return false;
  if (!fs::is_directory(status)) {
    throw UserError(fmt::format("{} is there and not a folder", target.string()),
                    "choose a name that is free");
  }
  const bool empty = fs::is_empty(target, error);
  if (error) cannot("look into", target, error);
  return !empty;
}

/// A new folder next to `target`, hidden, with the permissions that a plain mkdir would give.
fs::path make_temporary(const fs::path& target) {
  std::string name =
      fmt::format("{}/.{}.XXXXXX", target.parent_path().string(), target.filename().string());
  if (mkdtemp(name.data()) == nullptr) {
    cannot("make a folder next to", target, {errno, std::generic_category()});
  }
  const mode_t mask = umask(0);
  umask(mask);
  chmod(name.c_str(), 0777 & ~mask);
  return name;
}

}  // namespace

StagedFolder::StagedFolder(const fs::path& target, bool replace)
    : target_(plain(target)), replace_(replace) {
  if (is_occupied(target_) && !replace_) {
    throw UserError(
        fmt::format("{} is there and not empty", target_.string()),
        "choose another folder, remove this one, or replace it with --force where there is one");
  }
  std::error_code error;
  fs::create_directories(target_.parent_path(), error);
  if (error) cannot("make", target_.parent_path(), error);
  temporary_ = make_temporary(target_);
}

StagedFolder::~StagedFolder() {
  std::error_code ignored;
  if (!temporary_.empty()) fs::remove_all(temporary_, ignored);
}

void StagedFolder::commit() {
  std::error_code error;
  fs::rename(temporary_, target_, error);
  if (error && replace_ && is_occupied(target_)) {
    // The old folder leaves last, so that one of the two is there at any time but an instant.
    const fs::path old = make_temporary(target_);
    fs::rename(target_, old, error);
    if (!error) {
      fs::rename(temporary_, target_, error);
      std::error_code ignored;
      if (error) fs::rename(old, target_, ignored);
    }
    if (!error) fs::remove_all(old, error);
  }
  if (error) cannot("make", target_, error);
  temporary_.clear();
}

}  // namespace heddle
