// Compiled text comes from the cache when it can, is whole when it does, and leaves nothing else.
#include <gtest/gtest.h>

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "kernel/codegen/shared_object.h"
#include "support/scratch.h"

namespace heddle::kernel {
namespace {

namespace fs = std::filesystem;

std::string returning(int value) {
  return fmt::format("extern \"C\" int answer() {{ return {}; }}\n", value);
}

int call(const SharedObject& object) {
  return reinterpret_cast<int (*)()>(object.symbol("answer"))();
}

SharedObject compiled(int value, const fs::path& cache,
                      const std::vector<std::string>& flags = {"-O1"}) {
  return {returning(value), find_compiler(), flags, cache};
}

/// The only compiled file of a cache.
fs::path only_object(const fs::path& cache) {
  fs::path found;
  for (const auto& entry : fs::directory_iterator(cache)) {
    if (entry.path().extension() == ".so") found = entry.path();
  }
  return found;
}

/// Sets a variable of the environment for one test.
class Environment {
 public:
  Environment(const char* name, const std::string& value) : name_(name) {
    const char* before = getenv(name);
    was_set_ = before != nullptr;
    if (was_set_) before_ = before;
    setenv(name, value.c_str(), 1);
  }
  ~Environment() {
    if (was_set_) {
      setenv(name_, before_.c_str(), 1);
    } else {
      unsetenv(name_);
    }
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  const char* name_;
  std::string before_;
  bool was_set_ = false;
};

TEST(SharedObject, SecondUseComesFromTheCacheAndOtherTextDoesNot) {
  const Scratch cache;
  EXPECT_FALSE(compiled(7, cache.path()).cached());
  const SharedObject again = compiled(7, cache.path());
  EXPECT_TRUE(again.cached());
  EXPECT_EQ(call(again), 7);
  const SharedObject other = compiled(8, cache.path());
  EXPECT_FALSE(other.cached());
  EXPECT_EQ(call(other), 8);
  EXPECT_EQ(call(again), 7);
  EXPECT_FALSE(compiled(7, cache.path(), {"-O0"}).cached());
}

TEST(SharedObject, CachedUseStartsNoCompilerAndIsFast) {
  const Scratch cache;
  (void)compiled(7, cache.path());
  double best = 1e9;
  for (int i = 0; i < 10; ++i) {
    const auto start = std::chrono::steady_clock::now();
    ASSERT_TRUE(compiled(7, cache.path()).cached());
    const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;
    best = std::min(best, time.count());
  }
  EXPECT_LE(best, 2);
}

TEST(SharedObject, LeavesOnlyTheObjectAndItsTextInTheCache) {
  const Scratch cache;
  (void)compiled(7, cache.path());
  const std::vector<std::string> files = cache.list();
  ASSERT_EQ(files.size(), 2U);
  EXPECT_EQ(fs::path(files[0]).extension(), ".cpp");
  EXPECT_EQ(fs::path(files[1]).extension(), ".so");
  EXPECT_EQ(read_file(cache / files[0]), returning(7));
}

TEST(SharedObject, DamagedFilesAreCompiledAgain) {
  const Scratch cache;
  (void)compiled(7, cache.path());
  const fs::path object = only_object(cache.path());
  const std::string whole = read_file(object);
  std::string flipped = whole;
  flipped[whole.size() / 2] = static_cast<char>(flipped[whole.size() / 2] ^ 1);
  for (const std::string& damaged :
       {std::string(), whole.substr(0, 100), whole.substr(0, whole.size() / 2),
        whole.substr(0, whole.size() - 1), flipped, std::string("not an object")}) {
    write_file(object, damaged);
    const SharedObject mended = compiled(7, cache.path());
    EXPECT_FALSE(mended.cached()) << damaged.size() << " of " << whole.size() << " bytes";
    EXPECT_EQ(call(mended), 7);
  }
  EXPECT_TRUE(compiled(7, cache.path()).cached());
}

TEST(SharedObject, AnotherStateOfTheCompilerMeansAnotherObject) {
  const Scratch cache;
  const Scratch programs;
  const fs::path compiler =
      programs.put("compiler", fmt::format("#!/bin/sh\nexec {} \"$@\"\n", find_compiler()));
  fs::permissions(compiler, fs::perms::owner_all);
  const auto compile = [&] { return SharedObject(returning(1), compiler, {}, cache.path()); };
  EXPECT_FALSE(compile().cached());
  EXPECT_TRUE(compile().cached());
  fs::last_write_time(compiler, fs::last_write_time(compiler) - std::chrono::hours(1));
  EXPECT_FALSE(compile().cached());
}

TEST(SharedObject, ConcurrentUsersOfOneCacheAllGetTheirFunction) {
  const Scratch cache;
  std::vector<std::thread> threads;
  std::atomic<int> right = 0;
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([&, i] {
      if (call(compiled(i % 2, cache.path())) == i % 2) ++right;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 6);
  EXPECT_EQ(cache.list().size(), 4U);
}

TEST(SharedObject, TextThatDoesNotCompileIsOurMistakeAndSaysWhy) {
  const Scratch cache;
  try {
    const SharedObject object("int f() { return nonsense; }\n", find_compiler(), {}, cache.path());
    FAIL() << "it compiled";
  } catch (const InternalError& error) {
    EXPECT_NE(std::string(error.what()).find("nonsense"), std::string::npos) << error.what();
  }
  EXPECT_EQ(cache.list(), std::vector<std::string>());
}

TEST(SharedObject, MissingFunctionsAreOurMistake) {
  const Scratch cache;
  EXPECT_THROW((void)compiled(1, cache.path()).symbol("question"), InternalError);
}

TEST(SharedObject, FolderThatCannotBeWrittenIsTheUsersMistake) {
  const Scratch scratch;
  // A file in the folder's place: permissions do not hold everybody back.
  const fs::path file = scratch.put("file", "");
  try {
    (void)compiled(1, file / "cache");
    FAIL() << "it was written";
  } catch (const UserError& error) {
    EXPECT_NE(std::string(error.what()).find("file/cache"), std::string::npos) << error.what();
    EXPECT_NE(error.remedy().find("HEDDLE_CACHE"), std::string::npos);
  }
}

TEST(SharedObject, InterruptEndsTheCompilerAndLeavesNothing) {
  const Scratch cache;
  const Scratch programs;
  const std::string id = (programs / "id").string();
  const fs::path compiler =
      programs.put("compiler", fmt::format("#!/bin/sh\necho $$ > {0}.new && mv {0}.new {0}\n"
                                           "sleep 60 &\nwait\n",
                                           id));
  fs::permissions(compiler, fs::perms::owner_all);
  // In a process of its own: a signal once received is never forgotten.
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    install_interrupt_handler();
    int result = 1;
    try {
      const SharedObject object(returning(1), compiler, {}, cache.path());
    } catch (const Interrupted&) {
      result = 42;
    } catch (...) {
      result = 2;
    }
    _exit(result);
  }
  for (int i = 0; i < 5000 && !fs::exists(id); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  ASSERT_TRUE(fs::exists(id)) << "the compiler did not start";
  const pid_t group = static_cast<pid_t>(std::stol(read_file(id)));
  kill(child, SIGINT);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 42) << status;
  EXPECT_EQ(cache.list(), std::vector<std::string>());
  // The compiler and what it started are gone (at once, or when their new parent has looked).
  int alive = 0;
  for (int i = 0; i < 2000 && (alive = kill(-group, 0)) == 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_NE(alive, 0);
}

TEST(SharedObject, CompilerIsTheOneThatTheUserNames) {
  {
    const Environment chosen("HEDDLE_CXX", "/no/such/compiler");
    EXPECT_THROW((void)find_compiler(), UserError);
  }
  const std::string found = find_compiler();
  const Environment chosen("HEDDLE_CXX", found);
  EXPECT_EQ(find_compiler(), found);
  const Environment nowhere("PATH", "/no/such/folder");
  EXPECT_EQ(find_compiler(), found);
  const Environment unset("HEDDLE_CXX", "");
  EXPECT_THROW((void)find_compiler(), UserError);
}

TEST(SharedObject, CacheIsWhereTheEnvironmentSays) {
  const Environment home("HOME", "/home/somebody");
  const Environment xdg("XDG_CACHE_HOME", "");
  const Environment cache("HEDDLE_CACHE", "");
  EXPECT_EQ(default_cache(), "/home/somebody/.cache/heddle");
  const Environment other_xdg("XDG_CACHE_HOME", "/caches");
  EXPECT_EQ(default_cache(), "/caches/heddle");
  const Environment other_cache("HEDDLE_CACHE", "/mine");
  EXPECT_EQ(default_cache(), "/mine");
}

}  // namespace
}  // namespace heddle::kernel
