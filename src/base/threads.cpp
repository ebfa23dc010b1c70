#include "base/threads.h"

#include <immintrin.h>
#include <sched.h>

#include <algorithm>
#include <utility>

namespace heddle {
namespace {

// Loops of a network follow one another within microseconds, and waking a sleeping thread costs
// several: wait this many polls (tens of microseconds) before going to sleep.
constexpr int kSpins = 2000;

std::uint64_t pack(std::uint64_t first, std::uint64_t end) {
  return first << 32 | end;
}

}  // namespace

ThreadPool::ThreadPool(int threads) : parts_(static_cast<std::size_t>(std::max(1, threads))) {
  for (int worker = 1; worker < threads; ++worker) {
    workers_.emplace_back([this, worker] { work(worker); });
  }
}

ThreadPool::~ThreadPool() {
  stopping_ = true;
  open();
}

void ThreadPool::open() {
  {
    // The lock keeps a worker from missing the change between its last look and its sleep.
    const std::lock_guard lock(mutex_);
    ++loop_;
  }
  opened_.notify_all();
}

void ThreadPool::parallel_for(std::size_t count, const Body& body) {
  body_ = &body;
  done_ = 0;
  failed_ = false;
  const std::size_t parts = parts_.size();
  for (std::size_t i = 0; i < parts; ++i) {
    parts_[i].left = pack(count * i / parts, count * (i + 1) / parts);
  }
  if (count > 1) open();  // For one iteration nobody else is needed: let them sleep.
  drain(0);
  for (int spin = 0; done_ != count; ++spin) {
    if (spin < kSpins) {
      _mm_pause();
    } else {
      std::this_thread::yield();
    }
  }
  if (failed_) {
    const std::lock_guard lock(mutex_);
    std::rethrow_exception(std::exchange(failure_, nullptr));
  }
}

bool ThreadPool::take_first(Part& part, std::size_t& index) {
  std::uint64_t left = part.left;
  do {
    index = left >> 32;
    if (index >= static_cast<std::uint32_t>(left)) return false;
  } while (!part.left.compare_exchange_weak(left, left + pack(1, 0)));
  return true;
}

bool ThreadPool::take_last(Part& part, std::size_t& index) {
  std::uint64_t left = part.left;
  do {
    const auto end = static_cast<std::uint32_t>(left);
    if (left >> 32 >= end) return false;
    index = end - 1;
  } while (!part.left.compare_exchange_weak(left, left - 1));
  return true;
}

void ThreadPool::drain(int worker) {
  const auto own = static_cast<std::size_t>(worker);
  std::size_t taken = 0;
  std::size_t index = 0;
  for (; take_first(parts_[own], index); ++taken) run(index, worker);
  for (std::size_t i = 1; i < parts_.size(); ++i) {
    Part& other = parts_[(own + i) % parts_.size()];
    for (; take_last(other, index); ++taken) run(index, worker);
  }
  // Once: the loop cannot end, nor the next begin, before.
  if (taken != 0) done_ += taken;
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
    for (int spin = 0; spin < kSpins && loop_ == seen; ++spin) _mm_pause();
    if (loop_ == seen) {
      std::unique_lock lock(mutex_);
      opened_.wait(lock, [&] { return loop_ != seen; });
    }
    if (stopping_) return;
    seen = loop_;
    drain(worker);
  }
}

int default_threads() {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return 1;
  return CPU_COUNT(&allowed);
}

}  // namespace heddle
