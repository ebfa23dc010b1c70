#include "kernel/fiber.h"

#include <bit>
#include <cstdint>
#include <utility>

#include "base/error.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

namespace heddle::kernel {
namespace {

// Kernels nest a few hundred levels at most; pages that are not touched cost nothing.
constexpr std::size_t kStackBytes = 1 << 20;

struct Cancelled {};

// AddressSanitizer wants to know on which stack a thread is.
#if defined(__SANITIZE_ADDRESS__)
void leave_stack(void** kept, const void* to, std::size_t bytes) {
  __sanitizer_start_switch_fiber(kept, to, bytes);
}
void enter_stack(void* kept, const void** from, std::size_t* bytes) {
  __sanitizer_finish_switch_fiber(kept, from, bytes);
}
#else
void leave_stack(void** /*kept*/, const void* /*to*/, std::size_t /*bytes*/) {}
void enter_stack(void* /*kept*/, const void** /*from*/, std::size_t* /*bytes*/) {}
#endif

}  // namespace

Fiber::Fiber(std::function<void()> body)
    : body_(std::move(body)), stack_(std::make_unique_for_overwrite<std::byte[]>(kStackBytes)) {
  ensure(getcontext(&own_) == 0, "getcontext failed");
  own_.uc_stack.ss_sp = stack_.get();
  own_.uc_stack.ss_size = kStackBytes;
  own_.uc_link = nullptr;
  // makecontext passes ints: the pointer travels in two halves.
  const auto address = reinterpret_cast<std::uintptr_t>(this);
  makecontext(&own_, reinterpret_cast<void (*)()>(&Fiber::enter), 2,
              static_cast<unsigned>(address >> 32), static_cast<unsigned>(address));
}

Fiber::~Fiber() {
  if (!started_ || ended_) return;
  cancelled_ = true;
  switch_in();
}

void Fiber::enter(unsigned high, unsigned low) {
  auto* fiber = std::bit_cast<Fiber*>(static_cast<std::uintptr_t>(high) << 32 | low);
  enter_stack(nullptr, &fiber->caller_stack_, &fiber->caller_stack_bytes_);
  try {
    fiber->body_();
  } catch (const Cancelled&) {
    // The stack is unwound, which is all that the destructor waits for.
    fiber->error_ = nullptr;
  } catch (...) {
    fiber->error_ = std::current_exception();
  }
  fiber->ended_ = true;
  fiber->switch_out();
}

void Fiber::switch_in() {
  started_ = true;
  void* kept = nullptr;
  leave_stack(&kept, stack_.get(), kStackBytes);
  swapcontext(&caller_, &own_);
  enter_stack(kept, nullptr, nullptr);
}

void Fiber::switch_out() {
  void* kept = nullptr;
  leave_stack(ended_ ? nullptr : &kept, caller_stack_, caller_stack_bytes_);
  swapcontext(&own_, &caller_);
  enter_stack(kept, &caller_stack_, &caller_stack_bytes_);
}

void Fiber::resume() {
  switch_in();
  if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
}

void Fiber::pause() {
  switch_out();
  if (cancelled_) throw Cancelled();
}

}  // namespace heddle::kernel
