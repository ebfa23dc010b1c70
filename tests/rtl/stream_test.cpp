#include <gtest/gtest.h>

#include <array>

#include "StreamModel.h"
#include "clocked.h"

namespace heddle {
namespace {

constexpr std::size_t kStreams = 9;
constexpr std::size_t kSkid = 8;
constexpr std::array<std::size_t, kStreams> kDepths{1, 2, 7, 33, 1, 2, 7, 33, 1};

std::uint16_t word_of(const std::uint32_t* words, std::size_t i) {
  return static_cast<std::uint16_t>(words[i / 2] >> (i % 2 * 16));
}

/// Streams with words offered and taken at the given rates (of 16); in every cycle each queue
/// agrees with a deque.
std::array<int, kStreams> run(unsigned offer, unsigned take, int cycles) {
  Clocked<StreamModel> model;
  std::mt19937_64 random(offer * 17 + take);
  model->rst = 1;
  model->in_valid = 0;
  model->out_ready = 0;
  model.tick();
  model.tick();
  model->rst = 0;
  std::array<std::deque<std::uint16_t>, kStreams> queues;
  std::array<std::uint16_t, kStreams> offered{};
  std::array<int, kStreams> moved{};
  unsigned valid = 0;
  for (int cycle = 0; cycle < cycles; ++cycle) {
    unsigned ready = 0;
    for (std::size_t i = 0; i < kStreams; ++i) {
      // What was offered stays until it is taken.
      if (((valid >> i) & 1) == 0 && random() % 16 < offer) {
        valid |= 1U << i;
        offered.at(i) = static_cast<std::uint16_t>(random());
      }
      if (random() % 16 < take) ready |= 1U << i;
      model->in_data[i / 2] &= i % 2 == 0 ? 0xFFFF0000U : 0x0000FFFFU;
      model->in_data[i / 2] |= static_cast<std::uint32_t>(offered.at(i)) << (i % 2 * 16);
    }
    model->in_valid = static_cast<std::uint16_t>(valid);
    model->out_ready = static_cast<std::uint16_t>(ready);
    model.settle();
    for (std::size_t i = 0; i < kStreams; ++i) {
      std::deque<std::uint16_t>& queue = queues.at(i);
      const bool in_valid = ((valid >> i) & 1) != 0;
      const bool can_take = queue.size() < kDepths.at(i);
      EXPECT_EQ((model->in_ready >> i) & 1, can_take) << "stream " << i << ", cycle " << cycle;
      if (i != kSkid) EXPECT_EQ(word_of(model->count, i), queue.size());
      if (in_valid && can_take) {
        valid &= ~(1U << i);
        if (i == kSkid) queue.push_back(offered.at(i));  // It passes in the same cycle.
      }
      const bool shown = !queue.empty();
      EXPECT_EQ((model->out_valid >> i) & 1, shown) << "stream " << i << ", cycle " << cycle;
      if (shown)
        EXPECT_EQ(word_of(model->out_data, i), queue.front())
            << "stream " << i << ", cycle " << cycle;
      if (shown && ((ready >> i) & 1) != 0) {
        queue.pop_front();
        ++moved.at(i);
      }
      if (i != kSkid && in_valid && can_take) queue.push_back(offered.at(i));
    }
    if (testing::Test::HasFailure()) return moved;
    model.edge();
  }
  return moved;
}

TEST(Streams, QueuesAgreeWithDeques) {
  for (const unsigned offer : {2U, 8U, 14U, 16U}) {
    for (const unsigned take : {2U, 8U, 14U, 16U}) run(offer, take, 20000);
  }
}

TEST(Streams, OneWordACycle) {
  const std::array<int, kStreams> moved = run(16, 16, 1000);
  for (std::size_t i = 0; i < kStreams; ++i) {
    const int full = i == kSkid ? 1000 : 999;
    EXPECT_EQ(moved.at(i), i != kSkid && kDepths.at(i) == 1 ? 500 : full) << "stream " << i;
  }
}

}  // namespace
}  // namespace heddle
