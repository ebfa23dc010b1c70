#include "base/threads.h"

#include <immintrin.h>
#include <sched.h>

namespace heddle {
namespace {

// Loops of a network follow one another within microseconds, and waking a sleeping thread costs
// several: wait this many polls (tens of microseconds) before going to sleep.
constexpr int kSpins = 2000;

}  // namespace

ThreadPool::ThreadPool(int threads) {
  for (int worker = 1; worker < threads; ++worker) {
    workers_.emplace_back([this, worker] { work(worker); });
  }
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    ++epoch_;
  }
  start_.notify_all();
}

void ThreadPool::parallel_for(std::size_t count,
                              const std::function<void(std::size_t, int)>& body) {
  count_ = count;
  body_ = &body;
  failure_ = nullptr;
  next_ = 0;
  if (count > 1 && !workers_.empty()) {
    busy_ = static_cast<int>(workers_.size());
    {
      const std::lock_guard lock(mutex_);
      ++epoch_;
    }
    start_.notify_all();
  }
  drain(0);
  for (int spin = 0; busy_.load(std::memory_order_acquire) != 0; ++spin) {
    if (spin < kSpins) {
      _mm_pause();
    } else {
      std::this_thread::yield();
    }
  }
  if (failure_) std::rethrow_exception(failure_);
}

void ThreadPool::drain(int worker) {
  try {
    for (std::size_t index = next_++; index < count_; index = next_++) (*body_)(index, worker);
  } catch (...) {
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = std::current_exception();
    next_ = count_;
  }
}

void ThreadPool::work(int worker) {
  unsigned seen = 0;
  while (true) {
    for (int spin = 0; spin < kSpins && epoch_.load(std::memory_order_acquire) == seen; ++spin) {
      _mm_pause();
    }
    {
      std::unique_lock lock(mutex_);
      start_.wait(lock, [&] { return epoch_ != seen; });
      seen = epoch_;
      if (stopping_) return;
    }
    drain(worker);
    busy_.fetch_sub(1, std::memory_order_release);
  }
}

int default_threads() {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return 1;
  return CPU_COUNT(&allowed);
}

}  // namespace heddle
