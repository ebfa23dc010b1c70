#include "kernel/codegen/shared_object.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#else
#include <sys/utsname.h>
#endif

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>
#include <span>
#include <string_view>
#include <thread>

#include "base/error.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/text.h"

namespace heddle::kernel {
namespace {

namespace fs = std::filesystem;

/// What stands behind the code in a cached file, so that a damaged one is noticed before it is
/// loaded: a mark, then the hash of all before it.
constexpr std::string_view kMark = "HEDDLE-OBJECT-1\n";
constexpr std::uint64_t kMaxObjectBytes = 1ULL << 28;

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

std::string to_text(const Hash& hash) {
  return fmt::format("{:016x}{:016x}", hash.a, hash.b);
}

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

/// What tells one processor's instructions from another's: -march=native depends on it.
std::string identify_processor() {
#if defined(__x86_64__)
  std::string text;
  for (const unsigned leaf : {0U, 1U, 7U, 0x80000001U}) {
    std::array<unsigned, 4> r{};
    __get_cpuid_count(leaf, 0, r.data(), &r[1], &r[2], &r[3]);
    // Of leaf 1, EBX names the core that asks, and a bit of ECX how the system is set up.
    if (leaf == 1) r[1] = 0;
    if (leaf == 1) r[2] &= ~(1U << 27U);
    text += fmt::format("{:08x}{:08x}{:08x}{:08x} ", r[0], r[1], r[2], r[3]);
  }
  return text;
#else
  utsname system{};
  uname(&system);
  std::ifstream information("/proc/cpuinfo");
  std::string text = system.machine;
  for (std::string line; std::getline(information, line) && !line.empty();) text += line + "\n";
  return text;
#endif
}

const std::string& processor() {
  static const std::string text = identify_processor();
  return text;
}

/// Names one state of a program without starting it.
std::string identify_program(const std::string& path) {
  struct stat status{};
  if (stat(path.c_str(), &status) != 0) {
    throw UserError(
        fmt::format("the compiler {} cannot be found: {}", quote(path), std::strerror(errno)),
        "set HEDDLE_CXX to the path of a C++ compiler, or install clang or g++");
  }
  return fmt::format("{} {} {}.{}", path, status.st_size, status.st_mtim.tv_sec,
                     status.st_mtim.tv_nsec);
}

std::vector<std::string> all_flags(const std::vector<std::string>& flags) {
  std::vector<std::string> all = {"-std=c++20", "-shared", "-fPIC"};
  all.insert(all.end(), flags.begin(), flags.end());
  return all;
}

/// A folder that vanishes with all that is in it.
class TemporaryFolder {
 public:
  explicit TemporaryFolder(const fs::path& parent) {
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
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

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
      throw UserError(fmt::format("cannot start the compiler {}: {}", quote(command.front()),
                                  std::strerror(failure)),
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

/// The lines that say what is wrong, at most so many.
std::string first_errors(const std::string& output) {
  constexpr std::size_t kLines = 5;
  std::string result;
  std::size_t count = 0;
  for (std::size_t begin = 0; begin < output.size() && count < kLines;) {
    const std::size_t end = std::min(output.find('\n', begin), output.size());
    const std::string line = output.substr(begin, end - begin);
    if (line.find("error") != std::string::npos) {
      result += "\n  " + shorten(line, 300);
      ++count;
    }
    begin = end + 1;
  }
  if (output.empty()) return " it says nothing";
  return result.empty() ? "\n  " + shorten(output, 300) : result;
}

/// What the compiler said, and whether it made the object.
struct Compilation {
  bool succeeded = false;
  std::string said;
};

Compilation try_to_compile(const std::string& source, const std::string& compiler,
                           const std::vector<std::string>& flags, const fs::path& folder,
                           const fs::path& object) {
  const fs::path text = folder / "kernels.cpp";
  const fs::path output = folder / "output.txt";
  write_file(text, source);
  std::vector<std::string> command = {compiler};
  command.insert(command.end(), flags.begin(), flags.end());
  command.insert(command.end(), {"-o", object.string(), text.string()});
  const int status = Child(command, folder, output).wait();
  const std::string said = read_file(output);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {fs::exists(object), said};
  if (said.find("No space left on device") != std::string::npos) {
    throw UserError(
        fmt::format("no space is left to compile kernels in {}", folder.parent_path().string()),
        "free disk space, or set HEDDLE_CACHE to a folder elsewhere");
  }
  if (WIFSIGNALED(status)) {
    throw UserError(
        fmt::format("the compiler {} was ended by signal {}", quote(compiler), WTERMSIG(status)),
        "free some memory and try again");
  }
  return {false, said};
}

void compile(const std::string& source, const std::string& compiler,
             const std::vector<std::string>& flags, const fs::path& folder,
             const fs::path& object) {
  const Compilation kernels = try_to_compile(source, compiler, flags, folder, object);
  if (kernels.succeeded) return;
  // It is our text that is wrong, unless nothing at all compiles.
  if (!try_to_compile("#include <cstdint>\n", compiler, flags, folder, object).succeeded) {
    throw UserError(fmt::format("the compiler {} compiles not even an empty text:{}",
                                quote(compiler), first_errors(kernels.said)),
                    "set HEDDLE_CXX to a C++20 compiler (clang++ or g++), or unset it to have one "
                    "looked for");
  }
  throw InternalError(fmt::format("emitted C++ does not compile:{}", first_errors(kernels.said)));
}

/// A cached file is the object, kMark, and the hash of the object and of what it was made from.
std::string trailer(std::string_view object, const std::string& key) {
  return std::string(kMark) + to_text(hash_of(object)) + key;
}

/// Whether the file is there and whole.
bool is_intact(const fs::path& path, const std::string& key) {
  std::error_code missing;
  if (!fs::is_regular_file(path, missing)) return false;
  const std::string content = read_file(path, kMaxObjectBytes);
  const std::size_t size = trailer("", key).size();
  if (content.size() <= size) return false;
  const std::string_view object = std::string_view(content).substr(0, content.size() - size);
  return std::string_view(content).substr(object.size()) == trailer(object, key);
}

void* open_object(const fs::path& path) {
  return dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
}

/// Compiles into a folder beside the cached file and gives the result its name when it is whole.
void build(const std::string& source, const std::string& compiler,
           const std::vector<std::string>& flags, const fs::path& path, const std::string& key) {
  const TemporaryFolder folder(path.parent_path());
  const fs::path object = folder.path() / "kernels.so";
  compile(source, compiler, flags, folder.path(), object);
  const std::string code = read_file(object, kMaxObjectBytes);
  // Beside the code, for whoever debugs it; nothing reads it.
  fs::path text = path;
  write_file(text.replace_extension(".cpp"), source);
  AtomicFile file(path);
  file.write(code);
  file.write(trailer(code, key));
  file.commit();
}

}  // namespace

std::string find_compiler() {
  if (const std::string chosen = environment("HEDDLE_CXX"); !chosen.empty()) {
    const std::string path = find_program(chosen);
    if (path.empty()) {
      throw UserError(fmt::format("HEDDLE_CXX names {}, which is not a program", quote(chosen)),
                      "set HEDDLE_CXX to a C++ compiler, or unset it to have one looked for");
    }
    return path;
  }
  for (const char* name : {"clang++", "clang++-19", "clang++-18", "clang++-17", "clang++-16",
                           "clang++-15", "clang++-14", "g++"}) {
    if (std::string path = find_program(name); !path.empty()) return path;
  }
  throw UserError("there is no C++ compiler in $PATH",
                  "install clang or g++, or set HEDDLE_CXX to the path of one");
}

fs::path default_cache() {
  if (const std::string folder = environment("HEDDLE_CACHE"); !folder.empty()) return folder;
  if (const std::string folder = environment("XDG_CACHE_HOME"); !folder.empty()) {
    return fs::path(folder) / "heddle";
  }
  const std::string home = environment("HOME");
  if (home.empty()) {
    throw UserError("there is no folder to keep compiled kernels in: HOME is not set",
                    "set HEDDLE_CACHE to a folder that you may write to");
  }
  return fs::path(home) / ".cache" / "heddle";
}

SharedObject::SharedObject(const std::string& source, const std::string& compiler,
                           const std::vector<std::string>& flags, const fs::path& cache) {
  const std::vector<std::string> all = all_flags(flags);
  std::string made_from = processor() + identify_program(compiler) + "\n";
  for (const std::string& flag : all) made_from += flag + "\n";
  const std::string key = to_text(hash_of(made_from + source));
  const fs::path folder = cache.empty() ? default_cache() : cache;
  const fs::path path = fs::absolute(folder) / (key + ".so");
  cached_ = is_intact(path, key);
  void* object = cached_ ? open_object(path) : nullptr;
  if (object == nullptr) {
    cached_ = false;
    build(source, compiler, all, path, key);
    object = open_object(path);
  }
  ensure(object != nullptr, "compiled kernels cannot be loaded: {}", dlerror());
  handle_ = std::shared_ptr<void>(object, [](void* handle) { dlclose(handle); });
}

void* SharedObject::symbol(const std::string& name) const {
  void* const address = dlsym(handle_.get(), name.c_str());
  ensure(address != nullptr, "compiled kernels have no function {}", name);
  return address;
}

}  // namespace heddle::kernel
