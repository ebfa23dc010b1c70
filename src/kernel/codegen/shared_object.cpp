#include "kernel/codegen/shared_object.h"

#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#else
#include <sys/utsname.h>
#endif

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <span>
#include <string_view>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "kernel/codegen/tool.h"

namespace heddle::kernel {
namespace {

namespace fs = std::filesystem;

/// What stands behind the code in a cached file, so that a damaged one is noticed before it is
/// loaded: a mark, then the hash of all before it.
constexpr std::string_view kMark = "HEDDLE-OBJECT-1\n";
constexpr std::uint64_t kMaxObjectBytes = 1ULL << 28;

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

std::vector<std::string> all_flags(const std::vector<std::string>& flags) {
  std::vector<std::string> all = {"-std=c++20", "-shared", "-fPIC"};
  all.insert(all.end(), flags.begin(), flags.end());
  return all;
}

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
  write_file(text, source);
  std::vector<std::string> command = {compiler};
  command.insert(command.end(), flags.begin(), flags.end());
  command.insert(command.end(), {"-o", object.string(), text.string()});
  const auto [status, said] = run_program(command, folder);
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
  return std::string(kMark) + content_hash(object) + key;
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

std::string find_compiler(bool for_models) {
  if (const std::string chosen = environment("HEDDLE_CXX"); !chosen.empty()) {
    const std::string path = find_program(chosen);
    if (path.empty()) {
      throw UserError(fmt::format("HEDDLE_CXX names {}, which is not a program", quote(chosen)),
                      "set HEDDLE_CXX to a C++ compiler, or unset it to have one looked for");
    }
    return path;
  }
  std::vector<const char*> names = {"clang++",    "clang++-19", "clang++-18", "clang++-17",
                                    "clang++-16", "clang++-15", "clang++-14", "g++"};
  if (for_models) std::rotate(names.begin(), names.end() - 1, names.end());
  for (const char* name : names) {
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
  const std::string program = identify_program(compiler);
  if (program.empty()) {
    throw UserError(
        fmt::format("the compiler {} cannot be found: {}", quote(compiler), std::strerror(errno)),
        "set HEDDLE_CXX to the path of a C++ compiler, or install clang or g++");
  }
  std::string made_from = processor() + program + "\n";
  for (const std::string& flag : all) made_from += flag + "\n";
  const std::string key = content_hash(made_from + source);
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
