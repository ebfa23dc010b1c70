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
/// no further thread. Each thread begins with a part of its own, neighbouring iterations, so that
/// loops over the same rows find them in the same caches; a thread that has done its part takes
/// single iterations from the ends of others'. A loop ends when the last iteration is done, not
/// when every thread has looked: an uneven loop, or a core that somebody else is using, costs at
/// most one iteration of waiting. Not reentrant, one caller at a time.
class ThreadPool {
 public:
  using Body = std::function<void(std::size_t index, int worker)>;

  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  [[nodiscard]] int size() const { return static_cast<int>(workers_.size()) + 1; }

  /// Calls body(index, worker) for every index in [0, count), count below 2^32; worker in
  /// [0, size()) names the thread, so that a body can own scratch memory per worker. After an
  /// exception no further iteration starts, and the first exception is rethrown here.
  void parallel_for(std::size_t count, const Body& body);

 private:
  /// What is left of a thread's part: first iteration in the high half, end in the low half.
  /// Threads take iterations from parts only, so one that is late may well take some of the next
  /// loop's. On a line of the cache of its own: elsewhere, every change would be heard by all
  /// cores.
  struct alignas(64) Part {
    std::atomic<std::uint64_t> left{0};
  };

  void work(int worker);
  void open();
  /// Runs iterations until none is left, and says so in done_.
  void drain(int worker);
  bool take_first(Part& part, std::size_t& index);
  bool take_last(Part& part, std::size_t& index);
  void run(std::size_t index, int worker);

  std::mutex mutex_;
  std::condition_variable opened_;
  std::vector<Part> parts_;
  alignas(64) std::atomic<std::uint32_t> loop_{0};  ///< Counts loops; waiting threads watch it.
  std::atomic<const Body*> body_{nullptr};
  std::atomic<bool> failed_{false};
  std::atomic<bool> stopping_{false};
  alignas(64) std::atomic<std::size_t> done_{0};
  std::exception_ptr failure_;         ///< Guarded by mutex_.
  std::vector<std::jthread> workers_;  ///< Last: joined before what they use goes away.
};

/// The number of threads used when nobody asks for one: the processors this process may run on.
int default_threads();

}  // namespace heddle
