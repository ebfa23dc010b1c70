#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "Words512On512.h"
#include "Words64On64.h"
#include "Words8On32.h"
#include "axi_bus.h"
#include "clocked.h"

namespace heddle::kernel {
namespace {

constexpr std::uint64_t kWordsBase = 0x4'0000'0440;  // No multiple of 4 KB.
constexpr std::size_t kWordsSize = 1 << 15;
constexpr int kWordsMaxCycles = 400'000;

struct Write {
  std::uint64_t index = 0;
  std::vector<std::uint8_t> bytes;
  std::vector<bool> enable;  ///< of each lane
};

template <typename ModelType, std::size_t kWordBytes, std::size_t kLaneCount, std::size_t kBusBytes>
class WordsBench {
 public:
  static constexpr std::size_t kWord = kWordBytes;
  static constexpr std::size_t kLanes = kLaneCount;
  static constexpr std::size_t kBus = kBusBytes;
  static constexpr std::size_t kWords = kWordsSize / kWord;

  explicit WordsBench(const AxiTiming& timing, double stall = 0)
      : memory(random_bytes(kWordsSize, 3)),
        axi("test", kBus, {{kWordsBase, memory}}, timing),
        stall_(stall) {
    model->base = kWordsBase;
    model->rst = 1;
    model->read_valid = model->write_valid = model->data_ready = 0;
    model.tick();
    model.tick();
    model->rst = 0;
  }

  /// Runs accesses until all is done, `gap` cycles apart: the words read land in `read`.
  void run(const std::vector<std::uint64_t>& reads, const std::vector<Write>& writes, int gap = 0) {
    std::size_t next_read = 0, next_write = 0, answered = 0;
    std::int64_t read_from = 0, write_from = 0;
    for (cycles = 0; cycles < kWordsMaxCycles; ++cycles) {
      if (read.size() == reads.size() * kWord && answered == writes.size()) return;
      give(axi.drive(), kBus, *model);
      model->read_valid = next_read < reads.size() && cycles >= read_from && go();
      if (model->read_valid) model->read_index = reads[next_read];
      model->write_valid = next_write < writes.size() && cycles >= write_from && go();
      if (model->write_valid) {
        const Write& write = writes[next_write];
        model->write_index = write.index;
        load(model->write_value, write.bytes.data(), kWord);
        fill(model->write_enable, 0);
        for (std::size_t lane = 0; lane < kLanes; ++lane) {
          if (write.enable[lane]) model->write_enable[lane / 32] |= 1U << (lane % 32);
        }
      }
      model->data_ready = go();
      model.settle();
      axi.clock(taken(*model, kBus));
      if (model->read_valid && model->read_ready) {
        ++next_read;
        read_from = cycles + 1 + gap;
      }
      if (model->write_valid && model->write_ready) {
        ++next_write;
        write_from = cycles + 1 + gap;
      }
      if (model->data_valid && model->data_ready) {
        read.resize(read.size() + kWord);
        store(model->data, &read[read.size() - kWord], kWord);
      }
      if (model->written) {
        ++answered;
        ASSERT_LE(answered, next_write);
        check_landed(writes, answered);
      }
      model.edge();
    }
    FAIL() << "not done after " << cycles << " cycles";
  }

  Clocked<ModelType> model;
  std::vector<std::uint8_t> memory;
  AxiMemory axi;
  std::vector<std::uint8_t> read;
  int cycles = 0;

 private:
  bool go() { return !std::bernoulli_distribution(stall_)(random_); }

  /// A write that is said to have arrived is in memory, unless a later one is there.
  void check_landed(const std::vector<Write>& writes, std::size_t count) {
    const Write& write = writes[count - 1];
    for (std::size_t i = count; i < writes.size(); ++i) {
      if (writes[i].index == write.index) return;
    }
    constexpr std::size_t kLane = kWord / kLanes;
    for (std::size_t byte = 0; byte < kWord; ++byte) {
      if (!write.enable[byte / kLane]) continue;
      ASSERT_EQ(memory[write.index * kWord + byte], write.bytes[byte]);
    }
  }

  double stall_;
  std::mt19937_64 random_{9};
};

template <typename T>
class AxiWords : public testing::Test {};
using WordsWidths =
    testing::Types<WordsBench<Words8On32, 1, 1, 4>, WordsBench<Words64On64, 8, 2, 8>,
                   WordsBench<Words512On512, 64, 64, 64>>;
TYPED_TEST_SUITE(AxiWords, WordsWidths);

/// Runs of neighbours, long and short, and words alone.
std::vector<std::uint64_t> draw_indices(std::mt19937_64& random, std::size_t words) {
  std::vector<std::uint64_t> indices;
  for (int i = 0; i < 30; ++i) {
    const std::size_t most = random() % 3 == 0 ? 1 : random() % 3 == 0 ? 300 : 20;
    const std::size_t count = 1 + random() % most;
    const std::size_t first = random() % (words - count);
    for (std::size_t word = 0; word < count; ++word) indices.push_back(first + word);
  }
  return indices;
}

TYPED_TEST(AxiWords, ReadsWhatIsThere) {
  std::mt19937_64 random(1);
  for (const double stall : {0.0, 0.3, 0.8}) {
    for (const int latency : {1, 40}) {
      const std::vector<std::uint64_t> indices = draw_indices(random, TypeParam::kWords);
      TypeParam bench({.read_latency = latency, .outstanding = 5, .stall = stall}, stall);
      bench.run(indices, {});
      std::vector<std::uint8_t> expected;
      for (const std::uint64_t index : indices) {
        const auto* from = &bench.memory[index * TypeParam::kWord];
        expected.insert(expected.end(), from, from + TypeParam::kWord);
      }
      ASSERT_EQ(bench.read, expected);
      EXPECT_LT(bench.axi.counts().read_bursts, static_cast<std::int64_t>(indices.size()));
    }
  }
}

TYPED_TEST(AxiWords, WritesWhatItShould) {
  std::mt19937_64 random(2);
  constexpr std::size_t kLane = TypeParam::kWord / TypeParam::kLanes;
  for (const double stall : {0.0, 0.3, 0.8}) {
    for (const int latency : {1, 40}) {
      TypeParam bench({.write_latency = latency, .outstanding = 5, .stall = stall}, stall);
      std::vector<std::uint8_t> expected = bench.memory;
      std::vector<Write> writes;
      for (const std::uint64_t index : draw_indices(random, TypeParam::kWords)) {
        Write write{index, random_bytes(TypeParam::kWord, random()), {}};
        for (std::size_t lane = 0; lane < TypeParam::kLanes; ++lane) {
          write.enable.push_back(random() % 4 != 0);
          if (!write.enable.back()) continue;
          std::copy_n(&write.bytes[lane * kLane], kLane,
                      &expected[index * TypeParam::kWord + lane * kLane]);
        }
        writes.push_back(std::move(write));
      }
      bench.run({}, writes);
      ASSERT_EQ(bench.memory, expected);
      EXPECT_LT(bench.axi.counts().write_bursts, static_cast<std::int64_t>(writes.size()));
    }
  }
}

std::vector<std::uint64_t> count_up(std::size_t count) {
  std::vector<std::uint64_t> indices(count);
  for (std::size_t i = 0; i < count; ++i) indices[i] = i;
  return indices;
}

/// Neighbours come at a word a cycle, in bursts of 16 accesses, and slower ones are merged as long
/// as they come within the 4 cycles that a burst waits for the next.
TYPED_TEST(AxiWords, Bursts) {
  constexpr std::size_t kCount = 512;
  TypeParam fast({.read_latency = 20});
  fast.run(count_up(kCount), {});
  EXPECT_LE(fast.cycles, static_cast<int>(kCount) + 20 + 16 + 8);
  const auto bursts = static_cast<std::int64_t>(kCount / 16);
  EXPECT_GE(fast.axi.counts().read_bursts, bursts);
  EXPECT_LE(fast.axi.counts().read_bursts, bursts + 9);  // Blocks end more bursts.
  TypeParam slow({.read_latency = 20});
  slow.run(count_up(kCount), {}, 3);
  EXPECT_LE(slow.axi.counts().read_bursts, 4 * bursts + 9);
  TypeParam slower({.read_latency = 20});
  slower.run(count_up(64), {}, 5);
  EXPECT_EQ(slower.axi.counts().read_bursts, 64);
}

/// Where memory takes few bursts, they grow beyond 16 accesses.
TYPED_TEST(AxiWords, BurstsGrowWhereMemoryWaits) {
  constexpr std::size_t kCount = 1024 * 4 / TypeParam::kWord + 256;
  TypeParam bench({.read_latency = 400, .outstanding = 1});
  bench.run(count_up(std::min(kCount, TypeParam::kWords)), {});
  EXPECT_GT(bench.read.size() / static_cast<std::size_t>(bench.axi.counts().read_bursts),
            32 * TypeParam::kWord);
}

}  // namespace
}  // namespace heddle::kernel
