// A function that can stop in the middle and go on later: what the interpreter's processes are.
#pragma once

#include <ucontext.h>

#include <cstddef>
#include <exception>
#include <functional>
#include <memory>

namespace heddle::kernel {

class Fiber {
 public:
  explicit Fiber(std::function<void()> body);
  /// Unwinds a body that has paused: its pause() throws.
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// Runs the body until it pauses or ends. Throws what the body threw.
  void resume();
  /// To be called by the body: resume() returns.
  void pause();
  [[nodiscard]] bool ended() const { return ended_; }

 private:
  static void enter(unsigned high, unsigned low);
  void switch_in();
  void switch_out();

  std::function<void()> body_;
  std::unique_ptr<std::byte[]> stack_;
  ucontext_t own_{};
  ucontext_t caller_{};
  std::exception_ptr error_;
  bool started_ = false;
  bool cancelled_ = false;
  bool ended_ = false;
  /// Where the caller's stack lies, for AddressSanitizer.
  const void* caller_stack_ = nullptr;
  std::size_t caller_stack_bytes_ = 0;
};

}  // namespace heddle::kernel
