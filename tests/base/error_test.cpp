// The two kinds of failure.
#include "base/error.h"

#include <gtest/gtest.h>

namespace heddle {
namespace {

TEST(Error, UserErrorHoldsProblemAndRemedy) {
  const UserError error("a.json: no key", "add the key");
  EXPECT_STREQ(error.what(), "a.json: no key");
  EXPECT_EQ(error.remedy(), "add the key");
}

TEST(Error, EnsureThrowsOnlyWhenTheConditionFails) {
  EXPECT_NO_THROW(ensure(true, "{} is wrong", 1));
  try {
    ensure(false, "{} is not {}", 1, 2);
    FAIL() << "ensure(false) returned";
  } catch (const InternalError& error) {
    EXPECT_STREQ(error.what(), "1 is not 2");
  }
}

TEST(Error, KindsAreDistinct) {
  // A handler for one kind must not catch another.
  EXPECT_FALSE((std::is_base_of_v<UserError, InternalError>));
  EXPECT_FALSE((std::is_base_of_v<InternalError, UserError>));
  EXPECT_FALSE((std::is_base_of_v<UserError, Interrupted>));
}

}  // namespace
}  // namespace heddle
