#include <gtest/gtest.h>

#include "ControlModel.h"
#include "clocked.h"

namespace heddle {
namespace {

class ControlTest : public testing::Test {
 protected:
  void SetUp() override {
    model_->s_axi_awvalid = model_->s_axi_wvalid = model_->s_axi_arvalid = 0;
    model_->s_axi_bready = model_->s_axi_rready = 0;
    model_->ap_done = model_->ap_ready = 0;
    model_->rst = 1;
    model_.tick();
    model_.tick();
    model_->rst = 0;
    model_->ap_idle = 1;
  }

  /// Address and data come in a random order, and the response waits a random while.
  void write(unsigned address, std::uint32_t data, unsigned strobe = 15) {
    const unsigned address_at = random_() % 4;
    const unsigned data_at = random_() % 4;
    bool written = false;
    for (unsigned cycle = 0;; ++cycle) {
      ASSERT_LT(cycle, 50U) << "no answer";
      model_->s_axi_awvalid = !written && cycle >= address_at;
      model_->s_axi_awaddr = address;
      model_->s_axi_wvalid = !written && cycle >= data_at;
      model_->s_axi_wdata = data;
      model_->s_axi_wstrb = strobe;
      model_->s_axi_bready = random_() % 2;
      model_.settle();
      EXPECT_EQ(model_->s_axi_awready, model_->s_axi_wready);
      const bool taken = model_->s_axi_awvalid && model_->s_axi_awready;
      const bool answered = model_->s_axi_bvalid && model_->s_axi_bready;
      EXPECT_TRUE(!model_->s_axi_bvalid || written);
      model_.edge();
      written = written || taken;
      if (answered) break;
    }
    model_->s_axi_awvalid = model_->s_axi_wvalid = 0;
  }

  std::uint32_t read(unsigned address) {
    bool asked = false;
    for (int cycle = 0; cycle < 50; ++cycle) {
      model_->s_axi_arvalid = !asked;
      model_->s_axi_araddr = address;
      model_->s_axi_rready = random_() % 2;
      model_.settle();
      const bool taken = model_->s_axi_arvalid && model_->s_axi_arready;
      const bool answered = model_->s_axi_rvalid && model_->s_axi_rready;
      const std::uint32_t data = model_->s_axi_rdata;
      model_.edge();
      asked = asked || taken;
      model_->s_axi_arvalid = 0;
      if (answered) return data;
    }
    ADD_FAILURE() << "no answer";
    return 0;
  }

  void pulse(bool done, bool ready) {
    model_->ap_done = done;
    model_->ap_ready = ready;
    model_.tick();
    model_->ap_done = model_->ap_ready = 0;
  }

  Clocked<ControlModel> model_;
  std::mt19937_64 random_{2};
};

TEST_F(ControlTest, Arguments) {
  // 64 bits at 0x10 and 0x14; then 0x1c, 0x24, 33 bits at 0x2c and 0x30, 0x38.
  for (int round = 0; round < 200; ++round) {
    const auto low = static_cast<std::uint32_t>(random_());
    const auto high = static_cast<std::uint32_t>(random_());
    write(0x10, low);
    write(0x14, high);
    write(0x18, ~low);  // Reserved.
    write(0x1c, 0xABCDEF00U | (low & 0xFF));
    write(0x24, high);
    write(0x2c, low);
    write(0x30, high);
    write(0x38, high);
    EXPECT_EQ(model_->arg64, std::uint64_t{high} << 32 | low);
    EXPECT_EQ(model_->arg8, low & 0xFF);
    EXPECT_EQ(model_->arg32, high);
    EXPECT_EQ(model_->arg33, std::uint64_t{high & 1} << 32 | low);
    EXPECT_EQ(model_->arg1, high & 1);
    EXPECT_EQ(read(0x10), low);
    EXPECT_EQ(read(0x14), high);
    EXPECT_EQ(read(0x18), 0U);
    EXPECT_EQ(read(0x1c), low & 0xFF);
    EXPECT_EQ(read(0x20), 0U);
    EXPECT_EQ(read(0x30), high & 1);
    EXPECT_EQ(read(0x38), high & 1);
    EXPECT_EQ(read(0x100), 0U);
  }
  write(0x24, 0x11223344);
  write(0x24, 0xAABBCCDD, 0b0101);
  EXPECT_EQ(model_->arg32, 0x11BB33DDU);
}

TEST_F(ControlTest, StartAndDone) {
  EXPECT_EQ(read(0), 4U);  // Idle.
  write(0, 1);
  EXPECT_TRUE(model_->ap_start);
  model_->ap_idle = 0;
  EXPECT_EQ(read(0), 1U);
  pulse(true, true);
  model_->ap_idle = 1;
  EXPECT_FALSE(model_->ap_start);
  EXPECT_EQ(read(0), 4U | 8U | 2U);
  EXPECT_EQ(read(0), 4U);  // Reading cleared done and ready.
  write(0, 0x81);
  pulse(true, true);
  EXPECT_TRUE(model_->ap_start);  // Auto-restart.
  EXPECT_EQ(read(0) & 0x80U, 0x80U);
  write(0, 0);
  pulse(true, true);
  EXPECT_FALSE(model_->ap_start);
}

TEST_F(ControlTest, Interrupts) {
  pulse(true, true);
  EXPECT_FALSE(model_->irq);
  EXPECT_EQ(read(0xc), 0U);
  write(0x8, 1);
  pulse(true, true);
  EXPECT_EQ(read(0xc), 1U);
  EXPECT_FALSE(model_->irq);
  write(0x4, 1);
  EXPECT_TRUE(model_->irq);
  EXPECT_EQ(read(0) & 0x200U, 0x200U);
  write(0xc, 1);  // Toggles.
  EXPECT_FALSE(model_->irq);
  write(0x8, 3);
  pulse(false, true);
  EXPECT_EQ(read(0xc), 2U);
  EXPECT_EQ(read(0x4), 1U);
  EXPECT_EQ(read(0x8), 3U);
}

}  // namespace
}  // namespace heddle
