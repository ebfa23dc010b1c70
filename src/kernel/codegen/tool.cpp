#include "kernel/codegen/tool.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "base/error.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/text.h"

namespace heddle::kernel {
namespace {

namespace fs = std::filesystem;

struct Hash {
  std::uint64_t a = 0x9E3779B97F4A7C15U;
  std::uint64_t b = 0xC2B2AE3D27D4EB4FU;

  bool operator==(const Hash&) const = default;
};

std::uint64_t mixed(std::uint64_t x) {
  // The finaliser of SplitMix64 (Steele, Lea, Flood 2014).
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9U;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBU;
  return x ^ (x >> 31);
}

Hash hash_of(std::string_view bytes) {
  Hash hash;
  const auto add = [&](std::uint64_t word) {
    hash.a = mixed(hash.a ^ word);
    hash.b = mixed(hash.b + word) + hash.a;
  };
  std::size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, 8);
    add(word);
  }
  std::uint64_t rest = 0;
  std::memcpy(&rest, bytes.data() + at, bytes.size() - at);
  add(rest);
  add(bytes.size());
  return hash;
}

/// A running program, which is killed with all that it started if nobody waited for its end.
class Child {
 public:
  Child(const std::vector<std::string>& command, const fs::path& folder, const fs::path& output) {
    std::vector<std::string> variables = {"TMPDIR=" + folder.string(), "LC_ALL=C"};
    for (char** entry = environ; *entry != nullptr; ++entry) {
      const std::string_view text = *entry;
      if (!text.starts_with("TMPDIR=") && !text.starts_with("LC_ALL="))
        variables.emplace_back(text);
    }
    std::vector<std::string> arguments = command;
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, output.c_str(),
                                     O_WRONLY | O_CREAT | O_APPEND, 0600);
    posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
    // A group of its own: a key pressed at the terminal reaches us, and we end the whole group.
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setpgroup(&attributes, 0);
    const int failure = posix_spawn(&id_, command.front().c_str(), &files, &attributes,
                                    pointers(arguments).data(), pointers(variables).data());
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    if (failure != 0) {
      id_ = -1;
      throw UserError(
          fmt::format("cannot start {}: {}", quote(command.front()), std::strerror(failure)),
          "set HEDDLE_CXX to the path of a C++ compiler");
    }
  }
  ~Child() {
    if (id_ < 0) return;
    kill(-id_, SIGKILL);
    while (waitpid(id_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// The status that waitpid() reports. Throws Interrupted.
  int wait() {
    int status = 0;
    while (true) {
      const pid_t ended = waitpid(id_, &status, WNOHANG);
      if (ended == id_ || (ended < 0 && errno != EINTR)) break;
      check_interrupt();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    id_ = -1;
    return status;
  }

 private:
  static std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> result;
    result.reserve(texts.size() + 1);
    for (std::string& text : texts) result.push_back(text.data());
    result.push_back(nullptr);
    return result;
  }

  pid_t id_ = -1;
};

}  // namespace

std::string environment(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody sets variables
  return value == nullptr ? "" : value;
}

/// A program's path, looked for in $PATH unless the name has a folder; empty if there is none.
std::string find_program(const std::string& name) {
  const auto is_program = [](const std::string& path) {
    std::error_code ignored;
    return fs::is_regular_file(path, ignored) && access(path.c_str(), X_OK) == 0;
  };
  if (name.find('/') != std::string::npos) return is_program(name) ? name : "";
  const std::string folders = environment("PATH");
  for (std::size_t begin = 0; begin <= folders.size();) {
    const std::size_t end = std::min(folders.find(':', begin), folders.size());
    const std::string path = folders.substr(begin, end - begin) + "/" + name;
    if (end > begin && is_program(path)) return path;
    begin = end + 1;
  }
  return "";
}

std::string identify_program(const std::string& path) {
  struct stat status{};
  if (stat(path.c_str(), &status) != 0) return "";
  return fmt::format("{} {} {}.{}", path, status.st_size, status.st_mtim.tv_sec,
                     status.st_mtim.tv_nsec);
}

std::string content_hash(std::string_view bytes) {
  const Hash hash = hash_of(bytes);
  return fmt::format("{:016x}{:016x}", hash.a, hash.b);
}

TemporaryFolder::TemporaryFolder(const fs::path& parent) {
  std::error_code failure;
  fs::create_directories(parent, failure);
  std::string name = (parent / "build-XXXXXX").string();
  if (failure || mkdtemp(name.data()) == nullptr) {
    throw UserError(fmt::format("cannot write compiled kernels to {}: {}", parent.string(),
                                failure ? failure.message() : std::strerror(errno)),
                    "set HEDDLE_CACHE to a folder that you may write to");
  }
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

ProgramEnd run_program(const std::vector<std::string>& command, const fs::path& folder) {
  const fs::path output = folder / "output.txt";
  const int status = Child(command, folder, output).wait();
  return {status, read_file(output)};
}

}  // namespace heddle::kernel
