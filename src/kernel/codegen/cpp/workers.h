// What native code is lent while it runs: threads, and memory for its large arrays.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "base/threads.h"

namespace heddle::kernel::native {

/// Laid out as heddle::Run in the emitted text (prelude.cpp). One for each thread.
struct Run {
  char* top = nullptr;  ///< free memory from here ...
  char* end = nullptr;  ///< ... to here
  void* (*more)(Run*, std::int64_t bytes) = nullptr;
  void (*parallel)(Run*, std::int64_t count,
                   void (*body)(const void*, std::int64_t, std::int64_t, Run*),
                   const void* captured) = nullptr;
};

/// Threads and memory that last from run to run. One run at a time.
class Workers {
 public:
  /// 0 threads: default_threads().
  explicit Workers(int threads);
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  /// Calls an entry of compiled code. Throws UserError if memory runs out.
  void run(void (*entry)(void* const*, Run*), void* const* arguments);

 private:
  struct Worker;
  using Body = void (*)(const void*, std::int64_t, std::int64_t, Run*);
  static void* more(Run* run, std::int64_t bytes);
  static void parallel(Run* run, std::int64_t count, Body body, const void* captured);

  std::mutex mutex_;
  ThreadPool pool_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace heddle::kernel::native
