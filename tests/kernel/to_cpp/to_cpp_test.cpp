#include <gtest/gtest.h>

#include "kernel/text.h"
#include "kernel/to_cpp/cases/replay_cases.h"

namespace heddle::kernel {
namespace {

TEST(ToCpp, ItsCppMakesTheSameKernelByTheSameSteps) {
  const std::map<std::string, Schedule> cases = replay_cases();
  ASSERT_EQ(kReplays.size(), cases.size());
  for (const auto& [name, schedule] : cases) {
    SCOPED_TRACE(name);
    const Schedule again = kReplays.at(name)(schedule.original());
    EXPECT_EQ(to_text(*again.kernel()), to_text(*schedule.kernel()));
    EXPECT_EQ(to_text(again.steps()), to_text(schedule.steps()));
  }
}

}  // namespace
}  // namespace heddle::kernel
