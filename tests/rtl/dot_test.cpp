#include <gtest/gtest.h>

#include <array>

#include "DotModel.h"
#include "clocked.h"

namespace heddle {
namespace {

constexpr int kBytes = 20;
using Bytes = std::array<std::int8_t, kBytes>;

struct Dots {
  std::int64_t p0 = 0;
  std::int64_t p1 = 0;
  bool operator==(const Dots&) const = default;
};

struct Operands {
  Bytes a{};
  Bytes w0{};
  Bytes w1{};
  [[nodiscard]] Dots dots(int depth) const {
    Dots sum;
    for (int i = 0; i < depth; ++i) {
      sum.p0 += a.at(i) * w0.at(i);
      sum.p1 += a.at(i) * w1.at(i);
    }
    return sum;
  }
};

std::int64_t sign_extend(std::uint64_t bits, int width) {
  return static_cast<std::int64_t>(bits << (64 - width)) >> (64 - width);
}

template <std::size_t N>
void put(const Bytes& bytes, VlWide<N>& port) {
  for (std::size_t i = 0; i < N; ++i) port[i] = 0;
  for (std::size_t i = 0; i < kBytes; ++i) {
    port[i / 4] |= static_cast<std::uint32_t>(static_cast<std::uint8_t>(bytes.at(i)))
                   << (i % 4 * 8);
  }
}

/// Random bytes, or bytes that are all at the ends of the range.
Bytes draw(std::mt19937_64& random) {
  constexpr int kLowest = -128;
  Bytes bytes;
  std::uniform_int_distribution<int> any(kLowest, 127);
  const auto style = random() % 4;
  for (std::int8_t& byte : bytes) {
    const int end = random() % 2 == 0 ? kLowest : 127;
    byte = static_cast<std::int8_t>(style == 0 ? kLowest : style == 1 ? end : any(random));
  }
  return bytes;
}

/// 200,000 steps with random stalls.
TEST(PackedDot, AnyBytes) {
  Clocked<DotModel> model;
  std::mt19937_64 random(7);
  Pipeline<Dots> dot1(5), dot3(7), dot7(11), dot8(12), tree5(9), tree20(14), mac(12);
  Dots total;
  std::int64_t checked = 0;
  for (int step = 0; step < 200000; ++step) {
    const Operands operands{draw(random), draw(random), draw(random)};
    put(operands.a, model->a);
    put(operands.w0, model->w0);
    put(operands.w1, model->w1);
    model->ce = random() % 8 != 0;
    model->first = step == 0 || random() % 10 == 0;
    model.tick();
    if (!model->ce) {
      if (step == 0) --step;
    } else {
      const Dots eight = operands.dots(8);
      total = model->first ? eight : Dots{total.p0 + eight.p0, total.p1 + eight.p1};
      dot1.push(operands.dots(1));
      dot3.push(operands.dots(3));
      dot7.push(operands.dots(7));
      dot8.push(eight);
      tree5.push(operands.dots(5));
      tree20.push(operands.dots(20));
      mac.push(total);
    }
    // Stalled or not, each pipeline shows what it should.
    const auto expect = [&](const Pipeline<Dots>& pipeline, auto p0, auto p1, int width,
                            const char* name) {
      if (!pipeline.full()) return;
      const Dots shown{sign_extend(p0, width), sign_extend(p1, width)};
      ASSERT_EQ(shown, pipeline.shown()) << name << ", step " << step;
      ++checked;
    };
    expect(dot1, model->dot1_p0, model->dot1_p1, 19, "dot1");
    expect(dot3, model->dot3_p0, model->dot3_p1, 19, "dot3");
    expect(dot7, model->dot7_p0, model->dot7_p1, 19, "dot7");
    expect(tree5, model->tree5_p0, model->tree5_p1, 32, "tree5");
    expect(tree20, model->tree20_p0, model->tree20_p1, 32, "tree20");
    expect(dot8, model->dot8_p0, model->dot8_p1, 19, "dot8");
    expect(dot8, model->skewed_p0, model->skewed_p1, 19, "skewed");
    expect(mac, model->mac_acc0, model->mac_acc1, 32, "mac");
    if (testing::Test::HasFatalFailure()) return;
  }
  EXPECT_GT(checked, 1'300'000);
  std::printf("compared %ld pairs of dot products\n", static_cast<long>(checked));
}

TEST(MulAdd, EveryLatency) {
  Clocked<DotModel> model;
  std::mt19937_64 random(3);
  std::array<Pipeline<std::uint64_t>, 4> pipelines{
      Pipeline<std::uint64_t>(1), Pipeline<std::uint64_t>(2), Pipeline<std::uint64_t>(3),
      Pipeline<std::uint64_t>(4)};
  constexpr std::uint64_t kMask = (std::uint64_t{1} << 48) - 1;
  for (int step = 0; step < 200000; ++step) {
    const auto ends = [&](int width) {
      const std::uint64_t mask = (std::uint64_t{1} << width) - 1;
      const auto choice = random() % 4;
      return choice == 0   ? (std::uint64_t{1} << (width - 1))
             : choice == 1 ? mask >> 1
                           : random() & mask;
    };
    model->mul_a = static_cast<std::uint32_t>(ends(27));
    model->mul_b = static_cast<std::uint32_t>(ends(18));
    model->mul_c = ends(48);
    model->ce = random() % 8 != 0;
    model.tick();
    const std::int64_t product = sign_extend(model->mul_a, 27) * sign_extend(model->mul_b, 18);
    const std::uint64_t sum = (static_cast<std::uint64_t>(product) + model->mul_c) & kMask;
    const std::array<std::uint64_t, 4> shown{model->mul1, model->mul2, model->mul3, model->mul4};
    for (std::size_t i = 0; i < 4; ++i) {
      if (model->ce) pipelines.at(i).push(sum);
      if (pipelines.at(i).full())
        ASSERT_EQ(shown.at(i), pipelines.at(i).shown()) << "latency " << i + 1;
    }
  }
}

}  // namespace
}  // namespace heddle
