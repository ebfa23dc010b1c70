#include "base/progress.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace heddle {
namespace {

constexpr auto kRedraw = std::chrono::milliseconds(200);
constexpr std::uint64_t kWidth = 30;

}  // namespace

Progress::Progress(std::string title, std::uint64_t total)
    : title_(std::move(title)),
      total_(std::max<std::uint64_t>(total, 1)),
      terminal_(isatty(STDERR_FILENO) == 1),
      last_(std::chrono::steady_clock::now()) {}

Progress::~Progress() {
  if (drawn_) fmt::print(stderr, "\r\033[K");
}

void Progress::advance(std::uint64_t units) {
  done_ = std::min(done_ + units, total_);
  if (terminal_ && std::chrono::steady_clock::now() - last_ >= kRedraw) draw();
}

void Progress::draw() {
  const std::uint64_t filled = done_ * kWidth / total_;
  fmt::print(stderr, "\r{} [{:#<{}}{:<{}}] {:3}%", title_, "", filled, "", kWidth - filled,
             done_ * 100 / total_);
  std::fflush(stderr);
  last_ = std::chrono::steady_clock::now();
  drawn_ = true;
}

}  // namespace heddle
