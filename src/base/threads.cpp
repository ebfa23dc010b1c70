#include "base/threads.h"

#include <immintrin.h>
#include <sched.h>

#include <utility>

namespace heddle {
namespace {

// Loops of a network follow one another within microseconds, and waking a sleeping thread costs
// several: wait this many polls (tens of microseconds) before going to sleep.
constexpr int kSpins = 2000;

/// No loop has this many iterations: a ticket that says so is closed.
constexpr std::uint32_t kClosed = UINT32_MAX;

std::uint32_t loop_of(std::uint64_t ticket) {
  return static_cast<std::uint32_t>(ticket >> 32);
}

}  // namespace

ThreadPool::ThreadPool(int threads) {
  open(0, kClosed);
  for (int worker = 1; worker < threads; ++worker) {
    workers_.emplace_back([this, worker] { work(worker); });
  }
}

ThreadPool::~ThreadPool() {
  stopping_ = true;
  open(loop_of(ticket_) + 1, kClosed);
}

void ThreadPool::open(std::uint32_t loop, std::uint32_t next) {
  {
    // The lock keeps a worker from missing the change between its last look and its sleep.
    const std::lock_guard lock(mutex_);
    ticket_ = std::uint64_t{loop} << 32 | next;
  }
  opened_.notify_all();
}

void ThreadPool::parallel_for(std::size_t count, const Body& body) {
  count_ = count;
  body_ = &body;
  done_ = 0;
  failed_ = false;
  const std::uint32_t loop = loop_of(ticket_) + 1;
  if (count > 1) {
    open(loop, 0);
  } else {
    ticket_ = std::uint64_t{loop} << 32;  // Nobody else is needed: let them sleep.
  }
  drain(loop, 0);
  for (int spin = 0; done_ != count; ++spin) {
    if (spin < kSpins) {
      _mm_pause();
    } else {
      std::this_thread::yield();
    }
  }
  // Closed before the next loop's count is set: a late worker must not take an iteration of both.
  ticket_ = std::uint64_t{loop} << 32 | kClosed;
  if (failed_) {
    const std::lock_guard lock(mutex_);
    std::rethrow_exception(std::exchange(failure_, nullptr));
  }
}

void ThreadPool::drain(std::uint32_t loop, int worker) {
  std::uint64_t ticket = ticket_;
  while (loop_of(ticket) == loop) {
    const auto index = static_cast<std::uint32_t>(ticket);
    if (index == kClosed || index >= count_) return;
    if (!ticket_.compare_exchange_weak(ticket, ticket + 1)) continue;
    run(index, worker);
    ++done_;
    ticket = ticket_;
  }
}

void ThreadPool::run(std::size_t index, int worker) {
  if (failed_) return;
  try {
    (*body_.load())(index, worker);
  } catch (...) {
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = std::current_exception();
    failed_ = true;
  }
}

void ThreadPool::work(int worker) {
  std::uint32_t seen = 0;
  while (true) {
    for (int spin = 0; spin < kSpins && loop_of(ticket_) == seen; ++spin) _mm_pause();
    if (loop_of(ticket_) == seen) {
      std::unique_lock lock(mutex_);
      opened_.wait(lock, [&] { return loop_of(ticket_) != seen; });
    }
    if (stopping_) return;
    seen = loop_of(ticket_);
    drain(seen, worker);
  }
}

int default_threads() {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return 1;
  return CPU_COUNT(&allowed);
}

}  // namespace heddle
