// Two kinds of failure: mistakes the user can mend, and our own.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace heddle {

/// A mistake of the user's: a missing file, a wrong shape, a misspelt option. The program ends with
/// exit code 2 and prints `problem` (what and where) and then `remedy` (what to do about it).
class UserError : public std::runtime_error {
 public:
  UserError(const std::string& problem, std::string remedy)
      : std::runtime_error(problem), remedy_(std::move(remedy)) {}

  /// One sentence that says what to do; may list the legal choices.
  [[nodiscard]] const std::string& remedy() const { return remedy_; }

 private:
  std::string remedy_;
};

/// A mistake of ours: an invariant that does not hold. The program ends with exit code 1.
class InternalError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// The user pressed Ctrl-C or the program was asked to terminate; raised by check_interrupt().
class Interrupted : public std::runtime_error {
 public:
  Interrupted() : std::runtime_error("interrupted") {}
};

/// Throws InternalError with a formatted message unless `holds`.
template <typename... Args>
void ensure(bool holds, fmt::format_string<Args...> message, Args&&... args) {
  if (!holds) throw InternalError(fmt::format(message, std::forward<Args>(args)...));
}

}  // namespace heddle
