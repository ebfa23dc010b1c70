// A pool of threads for one loop at a time.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace heddle {

/// Runs loops whose iterations are independent. The calling thread works too, so a pool of one has
/// no further thread. Iterations are handed out one by one: an uneven loop, or a core that somebody
/// else is using, costs at most one iteration of waiting. Not reentrant, one caller at a time.
class ThreadPool {
 public:
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  [[nodiscard]] int size() const { return static_cast<int>(workers_.size()) + 1; }

  /// Calls body(index, worker) for every index in [0, count); worker in [0, size()) names the
  /// thread, so that a body can own scratch memory per worker. The first exception is rethrown
  /// here.
  void parallel_for(std::size_t count, const std::function<void(std::size_t, int)>& body);

 private:
  void work(int worker);
  void drain(int worker);

  std::vector<std::jthread> workers_;
  std::mutex mutex_;
  std::condition_variable start_;
  std::atomic<unsigned> epoch_{0};
  std::atomic<int> busy_{0};
  std::atomic<std::size_t> next_{0};
  std::size_t count_ = 0;
  const std::function<void(std::size_t, int)>* body_ = nullptr;
  std::exception_ptr failure_;
  bool stopping_ = false;
};

/// The number of threads used when nobody asks for one: the processors this process may run on.
int default_threads();

}  // namespace heddle
