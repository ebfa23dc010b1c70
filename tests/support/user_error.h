// What an action says when the user made a mistake.
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <string_view>

#include "base/error.h"

namespace heddle {

/// The problem and remedy of the UserError that `action` must throw. Every UserError has both.
template <typename Action>
std::string user_error(Action action) {
  try {
    action();
  } catch (const UserError& error) {
    EXPECT_STRNE(error.what(), "");
    EXPECT_NE(error.remedy(), "");
    return std::string(error.what()) + "\n" + error.remedy();
  } catch (const std::exception& error) {
    ADD_FAILURE() << "expected a UserError, got another exception: " << error.what();
    return "";
  }
  ADD_FAILURE() << "expected a UserError, got none";
  return "";
}

/// Checks that `message` contains every one of `parts`.
inline void expect_parts(const std::string& message,
                         std::initializer_list<std::string_view> parts) {
  for (const std::string_view part : parts) {
    EXPECT_NE(message.find(part), std::string::npos)
        << "\"" << part << "\" is missing in: " << message;
  }
}

}  // namespace heddle
