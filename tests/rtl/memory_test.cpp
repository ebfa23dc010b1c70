#include <gtest/gtest.h>

#include <array>

#include "MemoryModel.h"
#include "clocked.h"

namespace heddle {
namespace {

constexpr unsigned kDepth = 50;

/// A memory as it should be: words, and the read pipeline of one or two registers.
template <typename Word>
struct Reference {
  explicit Reference(int read_latency) : latency(read_latency) {}
  std::array<Word, kDepth> words{};
  Word first{};
  Word shown{};
  int latency;
  void read(bool enabled, unsigned address) {
    if (latency == 2) shown = first;
    if (enabled) first = words.at(address);
    if (latency == 1) shown = first;
  }
  void write(std::uint64_t mask, unsigned address, std::uint64_t data) {
    words.at(address) = static_cast<Word>((words.at(address) & ~mask) | (data & mask));
  }
};

std::uint64_t lanes(unsigned enables, int count, int width) {
  std::uint64_t mask = 0;
  for (int i = 0; i < count; ++i) {
    if (((enables >> i) & 1) != 0) mask |= ((std::uint64_t{1} << width) - 1) << (i * width);
  }
  return mask;
}

TEST(Memories, OneWriteOneReadPort) {
  Clocked<MemoryModel> model;
  std::mt19937_64 random(5);
  Reference<std::uint32_t> block(1), ultra(2), distributed(1), registers(2);
  Reference<std::uint16_t> rom1(1), rom2(2);
  constexpr std::array<std::uint16_t, 10> kTable{0xbeef, 0xdead, 0x3210, 0x7654, 0xba98,
                                                 0xfedc, 0xcdef, 0x89ab, 0x4567, 0x0123};
  for (unsigned i = 0; i < kDepth; ++i) rom1.words.at(i) = rom2.words.at(i) = kTable.at(i % 10);
  model->a_en = model->b_en = 0;
  for (int step = 0; step < 200000; ++step) {
    const bool filling = step < 100;
    model->ce = filling || random() % 8 != 0;
    model->we = filling ? 15 : random() % 16;
    model->waddr = filling ? step % kDepth : random() % kDepth;
    model->wdata = static_cast<std::uint32_t>(random());
    model->re = filling || random() % 4 != 0;
    model->raddr = random() % 4 == 0 ? model->waddr : random() % kDepth;
    model.tick();
    if (model->ce) {
      for (auto* memory : {&block, &ultra, &distributed, &registers})
        memory->read(model->re, model->raddr);
      for (auto* memory : {&rom1, &rom2}) memory->read(model->re, model->raddr);
      block.write(lanes(model->we, 4, 8), model->waddr, model->wdata);
      ultra.write(lanes(model->we, 1, 32), model->waddr, model->wdata);
      distributed.write(lanes(model->we, 1, 32), model->waddr, model->wdata);
      registers.write(lanes(model->we, 2, 16), model->waddr, model->wdata);
    }
    if (filling) continue;
    ASSERT_EQ(model->block_data, block.shown) << step;
    ASSERT_EQ(model->ultra_data, ultra.shown) << step;
    ASSERT_EQ(model->distributed_data, distributed.shown) << step;
    ASSERT_EQ(model->registers_data, registers.shown) << step;
    ASSERT_EQ(model->rom1_data, rom1.shown) << step;
    ASSERT_EQ(model->rom2_data, rom2.shown) << step;
  }
}

TEST(Memories, TwoPorts) {
  Clocked<MemoryModel> model;
  std::mt19937_64 random(6);
  // The ports share the words; each has its own read pipeline.
  std::array<Reference<std::uint16_t>, 4> ports{
      Reference<std::uint16_t>(1), Reference<std::uint16_t>(1), Reference<std::uint16_t>(2),
      Reference<std::uint16_t>(2)};
  model->re = 0;
  model->we = 0;
  for (int step = 0; step < 200000; ++step) {
    const bool filling = step < 100;
    model->ce = filling || random() % 8 != 0;
    model->a_en = filling || random() % 4 != 0;
    model->b_en = filling || random() % 4 != 0;
    model->a_we = filling || random() % 2 == 0;
    model->b_we = !filling && random() % 2 == 0;
    model->a_addr = filling ? step % kDepth : random() % kDepth;
    model->b_addr = random() % kDepth;
    if (model->b_addr == model->a_addr) model->b_addr = (model->a_addr + 1) % kDepth;
    model->a_wdata = static_cast<std::uint16_t>(random());
    model->b_wdata = static_cast<std::uint16_t>(random());
    model.tick();
    if (model->ce) {
      for (std::size_t i = 0; i < 4; ++i) {
        ports.at(i).read(i % 2 == 0 ? model->a_en : model->b_en,
                         i % 2 == 0 ? model->a_addr : model->b_addr);
      }
      for (auto& port : ports) {
        if (model->a_en && model->a_we) port.write(0xFFFF, model->a_addr, model->a_wdata);
        if (model->b_en && model->b_we) port.write(0xFFFF, model->b_addr, model->b_wdata);
      }
    }
    if (filling) continue;
    ASSERT_EQ(model->a1_rdata, ports[0].shown) << step;
    ASSERT_EQ(model->b1_rdata, ports[1].shown) << step;
    ASSERT_EQ(model->a2_rdata, ports[2].shown) << step;
    ASSERT_EQ(model->b2_rdata, ports[3].shown) << step;
  }
}

}  // namespace
}  // namespace heddle
