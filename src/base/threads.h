// A pool of threads for one loop at a time.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace heddle {

/// Runs loops whose iterations are independent. The calling thread works too, so a pool of one has
/// no further thread. Iterations are handed out one by one, and a loop ends when the last is done,
/// not when every thread has looked: an uneven loop, or a core that somebody else is using, costs
/// at most one iteration of waiting. Not reentrant, one caller at a time.
class ThreadPool {
 public:
  using Body = std::function<void(std::size_t index, int worker)>;

  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  [[nodiscard]] int size() const { return static_cast<int>(workers_.size()) + 1; }

  /// Calls body(index, worker) for every index in [0, count), count below 2^32 - 1; worker in
  /// [0, size()) names the thread, so that a body can own scratch memory per worker. After an
  /// exception no further iteration starts, and the first exception is rethrown here.
  void parallel_for(std::size_t count, const Body& body);

 private:
  void work(int worker);
  void drain(std::uint32_t loop, int worker);
  void run(std::size_t index, int worker);
  void open(std::uint32_t loop, std::uint32_t next);

  std::mutex mutex_;
  std::condition_variable opened_;
  /// The loop's number in the high half, its next iteration in the low half: taking an iteration
  /// and checking that the loop is still the same one is a single exchange.
  std::atomic<std::uint64_t> ticket_{0};
  std::atomic<std::size_t> done_{0};
  std::atomic<std::size_t> count_{0};
  std::atomic<const Body*> body_{nullptr};
  std::atomic<bool> failed_{false};
  std::exception_ptr failure_;  ///< Guarded by mutex_.
  std::atomic<bool> stopping_{false};
  std::vector<std::jthread> workers_;  ///< Last: joined before what they use goes away.
};

/// The number of threads used when nobody asks for one: the processors this process may run on.
int default_threads();

}  // namespace heddle
