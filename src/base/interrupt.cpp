#include "base/interrupt.h"

#include <csignal>

#include "base/error.h"

namespace heddle {
namespace {

// A signal handler has no other way to reach the program than a variable of static storage.
volatile std::sig_atomic_t interrupt_requested = 0;

void request_interrupt(int) {
  interrupt_requested = 1;
}

}  // namespace

void install_interrupt_handler() {
  struct sigaction action{};
  action.sa_handler = request_interrupt;
  action.sa_flags = SA_RESETHAND;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

void check_interrupt() {
  if (interrupt_requested != 0) throw Interrupted();
}

}  // namespace heddle
