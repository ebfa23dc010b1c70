// The thread pool: every iteration once, whatever the number of threads.
#include "base/threads.h"

#include <gtest/gtest.h>

#include <numeric>
#include <stdexcept>

namespace heddle {
namespace {

class ThreadPoolTest : public testing::TestWithParam<int> {
 protected:
  ThreadPool pool_{GetParam()};
};

INSTANTIATE_TEST_SUITE_P(Sizes, ThreadPoolTest, testing::Values(1, 2, 3, 8, 33));

TEST_P(ThreadPoolTest, RunsEveryIterationOnceOnANamedWorker) {
  EXPECT_EQ(pool_.size(), GetParam());
  for (const std::size_t count : {0U, 1U, 2U, 7U, 1000U}) {
    std::vector<std::atomic<int>> runs(count);
    std::atomic<int> strangers{0};
    pool_.parallel_for(count, [&](std::size_t index, int worker) {
      ++runs[index];
      if (worker < 0 || worker >= pool_.size()) ++strangers;
    });
    for (const auto& times : runs) EXPECT_EQ(times, 1);
    EXPECT_EQ(strangers, 0);
  }
}

TEST_P(ThreadPoolTest, GivesTheSameResultAsASerialLoop) {
  constexpr std::size_t kCount = 5000;
  const auto value = [](std::size_t index) { return 1.0F / static_cast<float>(index + 1); };
  std::vector<float> expected(kCount);
  for (std::size_t i = 0; i < kCount; ++i) expected[i] = value(i) * value(i);
  std::vector<float> actual(kCount);
  pool_.parallel_for(kCount, [&](std::size_t i, int) { actual[i] = value(i) * value(i); });
  EXPECT_EQ(actual, expected);
}

TEST_P(ThreadPoolTest, ScratchPerWorkerIsNeverShared) {
  std::vector<std::uint64_t> sums(static_cast<std::size_t>(pool_.size()), 0);
  pool_.parallel_for(10'000, [&](std::size_t index, int worker) {
    sums[static_cast<std::size_t>(worker)] += index;
  });
  EXPECT_EQ(std::accumulate(sums.begin(), sums.end(), std::uint64_t{0}), 49'995'000U);
}

TEST_P(ThreadPoolTest, RethrowsAnExceptionAndStaysUsable) {
  for (int round = 0; round < 20; ++round) {
    try {
      pool_.parallel_for(100, [](std::size_t index, int) {
        if (index == 57) throw std::runtime_error("iteration 57");
      });
      FAIL() << "the exception was lost";
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "iteration 57");
    }
    std::atomic<int> runs{0};
    pool_.parallel_for(100, [&](std::size_t, int) { ++runs; });
    EXPECT_EQ(runs, 100);
  }
}

TEST_P(ThreadPoolTest, ManySmallLoopsFollowOneAnother) {
  constexpr int kLoops = 500;
  std::vector<int> values(4, 0);
  for (int loop = 0; loop < kLoops; ++loop) {
    // Every loop reads what the one before wrote: a loop that returned early would show.
    pool_.parallel_for(values.size(), [&](std::size_t i, int) { values[i] += 1; });
  }
  EXPECT_EQ(values, std::vector<int>(4, kLoops));
}

TEST(ThreadPool, MayEndWithoutEverRunning) {
  for (int round = 0; round < 50; ++round) const ThreadPool pool(4);
}

TEST(Threads, DefaultIsAtLeastOne) {
  EXPECT_GE(default_threads(), 1);
}

}  // namespace
}  // namespace heddle
