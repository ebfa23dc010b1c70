#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "Axi1024On256.h"
#include "Axi32On512.h"
#include "Axi512On512.h"
#include "Axi8On32.h"
#include "axi_bus.h"
#include "base/error.h"
#include "clocked.h"

namespace heddle::kernel {
namespace {

constexpr std::uint64_t kAxiBase = 0x4'0000'0000;
constexpr std::size_t kAxiSize = 1 << 17;
constexpr int kAxiMaxCycles = 4'000'000;

struct Command {
  std::uint64_t address = 0;
  std::uint32_t words = 0;
};

/// An engine pair, the memory behind it, and the streams before it.
template <typename ModelType, std::size_t kWordBytes, std::size_t kBusBytes>
class AxiBench {
 public:
  using Model = ModelType;
  static constexpr std::size_t kWord = kWordBytes;
  static constexpr std::size_t kBus = kBusBytes;

  explicit AxiBench(const AxiTiming& timing, double stall = 0)
      : memory(random_bytes(kAxiSize, 3)),
        axi("test", kBus, {{kAxiBase, memory}}, timing),
        stall_(stall) {
    model->rst = 1;
    model->read_cmd_valid = model->write_cmd_valid = model->in_valid = model->out_ready = 0;
    model.tick();
    model.tick();
    model->rst = 0;
  }

  /// Runs commands until all is done; the words read land in `read`, the words written come from
  /// `written`.
  void run(const std::vector<Command>& reads, const std::vector<Command>& writes,
           const std::vector<std::uint8_t>& written) {
    std::size_t next_read = 0, next_write = 0, next_word = 0;
    bool word_offered = false, read_offered = false, write_offered = false;
    std::size_t words_expected = 0;
    for (const Command& command : reads) words_expected += command.words;
    read.clear();
    for (cycles = 0; cycles < kAxiMaxCycles; ++cycles) {
      give(axi.drive(), kBus, *model);

      read_offered = next_read < reads.size() && (read_offered || go());
      model->read_cmd_valid = read_offered;
      if (model->read_cmd_valid) {
        model->read_cmd_addr = reads[next_read].address;
        model->read_cmd_words = reads[next_read].words;
      }
      write_offered = next_write < writes.size() && (write_offered || go());
      model->write_cmd_valid = write_offered;
      if (model->write_cmd_valid) {
        model->write_cmd_addr = writes[next_write].address;
        model->write_cmd_words = writes[next_write].words;
      }
      word_offered = next_word < written.size() && (word_offered || go());
      model->in_valid = word_offered;
      if (word_offered) load(model->in_data, &written[next_word], kWord);
      fill(model->in_strb, ~0U);
      model->out_ready = go();

      model.settle();
      axi.clock(taken(*model, kBus));
      if (model->out_valid && model->out_ready) {
        read.resize(read.size() + kWord);
        store(model->out_data, &read[read.size() - kWord], kWord);
      }
      if (model->read_cmd_valid && model->read_cmd_ready) {
        ++next_read;
        read_offered = false;
      }
      if (model->write_cmd_valid && model->write_cmd_ready) {
        ++next_write;
        write_offered = false;
      }
      if (word_offered && model->in_ready) {
        next_word += kWord;
        word_offered = false;
      }
      model.edge();
      // Whatever is under way, the engine must not call itself idle.
      model.settle();
      const bool idle = model->read_idle && model->write_idle;
      if (idle) ASSERT_TRUE(axi.idle());
      if (idle && next_read == reads.size() && next_write == writes.size() &&
          read.size() == words_expected * kWord && next_word == written.size()) {
        ++cycles;
        return;
      }
    }
    FAIL() << "not done after " << cycles << " cycles";
  }

  Clocked<Model> model;
  std::vector<std::uint8_t> memory;
  AxiMemory axi;
  std::vector<std::uint8_t> read;
  int cycles = 0;

 private:
  bool go() { return !std::bernoulli_distribution(stall_)(random_); }

  double stall_;
  std::mt19937_64 random_{9};
};

template <typename T>
class Axi : public testing::Test {};
using AxiWidths = testing::Types<AxiBench<Axi8On32, 1, 4>, AxiBench<Axi32On512, 4, 64>,
                                 AxiBench<Axi512On512, 64, 64>, AxiBench<Axi1024On256, 128, 32>>;
TYPED_TEST_SUITE(Axi, AxiWidths);

/// Commands of all lengths, with the words of each at its own place.
std::vector<Command> draw_commands(std::mt19937_64& random, std::size_t word, int count) {
  std::vector<Command> commands;
  for (int i = 0; i < count; ++i) {
    const std::size_t most = random() % 4 == 0 ? 8192 / word + 9 : random() % 3 == 0 ? 2 : 40;
    const auto words = static_cast<std::uint32_t>(random() % (most + 1));
    const std::size_t places = kAxiSize / word - words;
    commands.push_back({kAxiBase + random() % places * word, words});
  }
  return commands;
}

TYPED_TEST(Axi, ReadsWhatIsThere) {
  std::mt19937_64 random(1);
  std::size_t bytes = 0;
  for (const double stall : {0.0, 0.3, 0.8}) {
    for (const int latency : {1, 7, 40}) {
      const std::vector<Command> commands = draw_commands(random, TypeParam::kWord, 60);
      TypeParam bench({.read_latency = latency, .outstanding = 5, .stall = stall}, stall);
      bench.run(commands, {}, {});
      std::vector<std::uint8_t> expected;
      for (const Command& command : commands) {
        const auto* from = &bench.memory[command.address - kAxiBase];
        expected.insert(expected.end(), from, from + command.words * TypeParam::kWord);
      }
      ASSERT_EQ(bench.read, expected);
      EXPECT_FALSE(bench.model->read_error);
      bytes += expected.size();
    }
  }
  std::printf("compared %zu bytes\n", bytes);
}

TYPED_TEST(Axi, WritesWhatItShould) {
  std::mt19937_64 random(2);
  std::size_t bytes = 0;
  for (const double stall : {0.0, 0.3, 0.8}) {
    for (const int latency : {1, 7, 40}) {
      const std::vector<Command> commands = draw_commands(random, TypeParam::kWord, 60);
      std::size_t words = 0;
      for (const Command& command : commands) words += command.words;
      const std::vector<std::uint8_t> written = random_bytes(words * TypeParam::kWord, random());
      TypeParam bench({.write_latency = latency, .outstanding = 5, .stall = stall}, stall);
      std::vector<std::uint8_t> expected = bench.memory;
      const std::uint8_t* from = written.data();
      for (const Command& command : commands) {
        const std::size_t size = command.words * TypeParam::kWord;
        std::copy_n(from, size, &expected[command.address - kAxiBase]);
        from += size;
      }
      bench.run({}, commands, written);
      ASSERT_EQ(bench.memory, expected);
      EXPECT_FALSE(bench.model->write_error);
      bytes += written.size();
    }
  }
  std::printf("compared %zu bytes\n", bytes);
}

/// Long transfers take one cycle for each word or beat, whichever are more, and a fixed start.
TYPED_TEST(Axi, FullRate) {
  constexpr int kLatency = 20;
  constexpr std::size_t kBytes = 65536;
  constexpr int kSteps = static_cast<int>(kBytes / std::min(TypeParam::kWord, TypeParam::kBus));
  const Command all{kAxiBase, static_cast<std::uint32_t>(kBytes / TypeParam::kWord)};
  TypeParam reading({.read_latency = kLatency});
  reading.run({all}, {}, {});
  EXPECT_EQ(reading.cycles, 1 + kLatency + kSteps);
  const int beats = static_cast<int>(kBytes / TypeParam::kBus);
  EXPECT_EQ(reading.axi.counts().read_beats, beats);
  EXPECT_EQ(reading.axi.counts().read_bursts,
            TypeParam::kBus < 16 ? beats / 256 : static_cast<int>(kBytes) / 4096);

  TypeParam writing({.write_latency = kLatency});
  writing.run({}, {all}, random_bytes(kBytes, 1));
  EXPECT_EQ(writing.cycles, 1 + kSteps + kLatency);
  EXPECT_EQ(writing.axi.counts().write_beats, beats);
}

/// Single words at random places: one a cycle, as long as no more than OUTSTANDING must be under
/// way.
TYPED_TEST(Axi, SingleWords) {
  constexpr int kCount = 1000;
  constexpr int kBeats = std::max<int>(1, TypeParam::kWord / TypeParam::kBus);
  std::mt19937_64 random(4);
  std::vector<Command> commands;
  for (int i = 0; i < kCount; ++i) {
    commands.push_back({kAxiBase + random() % (kAxiSize / TypeParam::kWord) * TypeParam::kWord, 1});
  }
  TypeParam reading({.read_latency = 2});
  reading.run(commands, {}, {});
  EXPECT_EQ(reading.cycles, 1 + 2 + kCount * kBeats);
  TypeParam writing({.write_latency = 1});
  writing.run({}, commands, random_bytes(kCount * TypeParam::kWord, 5));
  EXPECT_EQ(writing.cycles, 1 + kCount * kBeats + 1);
}

TYPED_TEST(Axi, OutsideOfMemoryIsAnError) {
  TypeParam reading({});
  reading.run({{kAxiBase - 4096, 1}, {kAxiBase, 1}}, {}, {});
  EXPECT_TRUE(reading.model->read_error);
  TypeParam writing({});
  writing.run({}, {{kAxiBase - 4096, 1}}, random_bytes(TypeParam::kWord, 1));
  EXPECT_TRUE(writing.model->write_error);
}

/// The memory keeps to its bandwidth.
TEST(AxiMemory, Bandwidth) {
  using Whole = AxiBench<Axi512On512, 64, 64>;
  Whole bench({.bytes_per_cycle = 48});
  bench.run({{kAxiBase, 300}}, {}, {});
  EXPECT_NEAR(bench.cycles, 300 * 64 / 48, 3);
}

TEST(AxiMemory, BrokenProtocol) {
  const auto offer = [](std::vector<AxiMaster> cycles) {
    std::vector<std::uint8_t> bytes(8192);
    AxiMemory memory("port", 64, {{0, bytes}}, {});
    for (const AxiMaster& master : cycles) {
      (void)memory.drive();
      memory.clock(master);
    }
  };
  const auto reading = [](std::uint64_t address, std::uint8_t length, std::uint8_t size = 6,
                          std::uint8_t burst = 1) {
    AxiMaster master;
    master.ar = {true, address, length, size, burst};
    return master;
  };
  EXPECT_NO_THROW(offer({reading(4032, 0)}));
  EXPECT_THROW(offer({reading(4032, 1)}), InternalError);     // Crosses 4 KB.
  EXPECT_THROW(offer({reading(0, 0, 5)}), InternalError);     // Not whole beats.
  EXPECT_THROW(offer({reading(0, 0, 6, 2)}), InternalError);  // Not INCR.
  AxiMaster write;
  write.aw = {true, 0, 1, 6, 1};
  write.w.valid = true;
  EXPECT_NO_THROW(offer({write}));
  write.w.last = true;  // Of two beats, the first.
  EXPECT_THROW(offer({write}), InternalError);
  // A memory that takes one burst at a time: the second address must stay.
  std::vector<std::uint8_t> bytes(8192);
  AxiMemory memory("port", 64, {{0, bytes}}, {.read_latency = 9, .outstanding = 1});
  for (const std::uint64_t address : {0, 64}) {
    (void)memory.drive();
    memory.clock(reading(address, 0));
  }
  (void)memory.drive();
  EXPECT_THROW(memory.clock(reading(128, 0)), InternalError);
  EXPECT_THROW(memory.clock(AxiMaster{}), InternalError);
}

}  // namespace
}  // namespace heddle::kernel
