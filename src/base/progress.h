// A progress bar for people: drawn on standard error, only when that is a terminal.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace heddle {

class Progress {
 public:
  /// `total` is the number of units of the whole work; nothing is drawn in the first 200 ms.
  Progress(std::string title, std::uint64_t total);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void advance(std::uint64_t units = 1);

 private:
  void draw();

  std::string title_;
  std::uint64_t total_;
  std::uint64_t done_ = 0;
  bool terminal_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point last_;
};

}  // namespace heddle
