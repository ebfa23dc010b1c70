#include <gtest/gtest.h>

#include "kernel/rewrite.h"
#include "kernel/schedule/memory.h"
#include "kernel/schedule/memory_support.h"
#include "kernel/text.h"
#include "kernel/verify.h"

namespace heddle::kernel {
namespace {

using PartitionKind = Partition::Kind;

constexpr std::string_view kLocals = R"(
kernel locals(n: index, x: in int<8>[4, 12], y: out int<8>[4, 12], z: in float32[n]) {
  table w: int<8>[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}
  var t: int<8>[4, 12]
  var s: int<8>
  var big: int<8>[300, 300]
  for i in 0..4 {
    for j in 0..12 {
      s = w[j]
      t[i, j] = x[i, j]
      y[i, j] = t[i, j]
    }
  }
}
)";

KernelPtr locals() {
  return kernel_of(kLocals);
}

template <typename StepFunction>
std::string refusal_of(const StepFunction& step) {
  const KernelPtr kernel = locals();
  return message_of([&] { step(*kernel); });
}

TEST(PartitionArray, MarksOneDimensionAfterTheOther) {
  Kernel kernel = partition(*locals(), "t", 1, {PartitionKind::kCyclic, 4});
  EXPECT_TRUE(has(body_text(kernel), "var t: int<8>[4, 12] partition(none, cyclic(4))"));
  kernel = partition(kernel, "t", 0, {PartitionKind::kComplete, 7});
  EXPECT_TRUE(has(body_text(kernel), "partition(complete, cyclic(4))"));
  EXPECT_EQ(difference(*locals(), kernel, {{"n", 1}}), "");
}

TEST(PartitionArray, ReplacesWhatTheDimensionHadAndTakesItBack) {
  Kernel kernel = partition(*locals(), "t", 1, {PartitionKind::kCyclic, 4});
  kernel = partition(kernel, "t", 1, {PartitionKind::kBlock, 3});
  EXPECT_TRUE(has(body_text(kernel), "partition(none, block(3))"));
  kernel = partition(kernel, "t", 1, {PartitionKind::kNone, 1});
  EXPECT_TRUE(equal(kernel, *locals()));
}

TEST(PartitionArray, RefusesGlobalMemory) {
  const std::string message =
      refusal_of([](const Kernel& k) { partition(k, "x", 1, {PartitionKind::kCyclic, 4}); });
  EXPECT_TRUE(has(message, "cannot partition x 1 cyclic 4: x lies in global memory"));
  EXPECT_TRUE(has(message, "stage it first"));
}

TEST(PartitionArray, DividesAnArgumentThatLiesOnTheChip) {
  const KernelPtr kernel = kernel_of(R"(
kernel unit(x: in int<8>[8] @bram, y: out int<8>[8]) {
  for i in 0..8 {
    y[i] = x[i]
  }
}
)");
  EXPECT_EQ(difference(*kernel, partition(*kernel, "x", 0, {PartitionKind::kBlock, 2})), "");
}

TEST(PartitionArray, RefusesDimensionsAndFactorsThatDoNotExist) {
  const auto with = [](int dimension, PartitionKind kind, std::int64_t factor) {
    return refusal_of([&](const Kernel& k) { partition(k, "t", dimension, {kind, factor}); });
  };
  EXPECT_TRUE(has(with(2, PartitionKind::kComplete, 1), "t has no dimension 2"));
  EXPECT_TRUE(has(with(2, PartitionKind::kComplete, 1), "its dimensions are 0 to 1"));
  EXPECT_TRUE(has(with(-1, PartitionKind::kComplete, 1), "t has no dimension -1"));
  EXPECT_TRUE(has(with(1, PartitionKind::kCyclic, 13), "use a factor from 1 to 12"));
  EXPECT_TRUE(has(with(1, PartitionKind::kBlock, 0), "use a factor from 1 to 12"));
  EXPECT_TRUE(has(with(1, PartitionKind::kBlock, 0), "var t: int<8>[4, 12]  # <-- here"));
  EXPECT_TRUE(
      has(refusal_of([](const Kernel& k) { partition(k, "s", 0, {PartitionKind::kComplete, 1}); }),
          "s is a scalar"));
}

TEST(StoreIn, ChoosesAMemoryForALocalArray) {
  for (const Storage storage :
       {Storage::kUram, Storage::kBram, Storage::kLutram, Storage::kRegister, Storage::kAuto}) {
    const Kernel kernel = store_in(*locals(), "t", storage);
    EXPECT_EQ(find_array(kernel, "t")->storage, storage);
    EXPECT_EQ(difference(*locals(), kernel, {{"n", 1}}), "");
  }
}

TEST(StoreIn, RefusesArgumentsAndMemoryOffTheChip) {
  EXPECT_TRUE(has(refusal_of([](const Kernel& k) { store_in(k, "x", Storage::kBram); }),
                  "x is an argument"));
  EXPECT_TRUE(has(refusal_of([](const Kernel& k) { store_in(k, "t", Storage::kGlobal); }),
                  "a local array lies on the chip"));
}

TEST(StoreIn, RefusesMoreRegistersThanAChipHas) {
  EXPECT_TRUE(has(refusal_of([](const Kernel& k) { store_in(k, "big", Storage::kRegister); }),
                  "90000 elements are too many for registers"));
}

TEST(StoreIn, KeepsTablesInMemoriesThatHaveValuesFromTheStart) {
  EXPECT_EQ(refusal_of([](const Kernel& k) { verify(store_in(k, "w", Storage::kBram)); }), "");
  EXPECT_EQ(refusal_of([](const Kernel& k) { verify(store_in(k, "w", Storage::kLutram)); }), "");
  EXPECT_TRUE(has(refusal_of([](const Kernel& k) { store_in(k, "w", Storage::kUram); }),
                  "uram cannot be made with values"));
  EXPECT_TRUE(has(refusal_of([](const Kernel& k) { store_in(k, "w", Storage::kRegister); }),
                  "choose bram or lutram"));
}

TEST(Bank, PlacesAnArgument) {
  const Kernel kernel = bank(*locals(), "x", 3);
  EXPECT_TRUE(has(to_text(kernel), "x: in int<8>[4, 12] @global(3)"));
  EXPECT_EQ(difference(*locals(), kernel, {{"n", 1}}), "");
}

TEST(Bank, RefusesLocalArraysAndNegativeNumbers) {
  EXPECT_TRUE(has(refusal_of([](const Kernel& k) { bank(k, "t", 0); }), "t is a local array"));
  EXPECT_TRUE(has(refusal_of([](const Kernel& k) { bank(k, "x", -1); }), "there is no bank -1"));
}

TEST(Pack, MakesWordsOfTheLastDimension) {
  const Kernel kernel = pack(pack(*locals(), "x", 4), "t", 6);
  EXPECT_TRUE(has(to_text(kernel), "x: in int<8>[4, 12] lanes(4)"));
  EXPECT_TRUE(has(to_text(kernel), "var t: int<8>[4, 12] lanes(6)"));
  EXPECT_EQ(difference(*locals(), kernel, {{"n", 1}}), "");
  EXPECT_TRUE(equal(pack(pack(kernel, "x", 1), "t", 1), *locals()));
}

TEST(Pack, RefusesWordsThatDoNotFit) {
  EXPECT_TRUE(has(refusal_of([](const Kernel& k) { pack(k, "x", 5); }),
                  "words of 5 elements do not divide its last extent 12"));
  EXPECT_TRUE(has(refusal_of([](const Kernel& k) { pack(k, "x", 0); }), "use a divisor"));
  EXPECT_TRUE(has(refusal_of([](const Kernel& k) { pack(k, "z", 4); }), "is no literal"));
  EXPECT_TRUE(has(refusal_of([](const Kernel& k) { pack(k, "s", 1); }), "s is a scalar"));
  const KernelPtr wide = kernel_of(R"(
kernel wide(x: in float32[256], y: out float32[256]) {
  for i in 0..256 {
    y[i] = x[i]
  }
}
)");
  EXPECT_EQ(message_of([&] { pack(*wide, "x", 128); }), "");
  EXPECT_TRUE(has(message_of([&] { pack(*wide, "x", 256); }), "pack at most 128 elements"));
}

TEST(Pack, AndPartitionDoNotMeetInOneDimension) {
  const KernelPtr kernel = locals();
  EXPECT_TRUE(has(
      message_of([&] { pack(partition(*kernel, "t", 1, {PartitionKind::kCyclic, 2}), "t", 2); }),
      "its last dimension is partitioned"));
  EXPECT_TRUE(has(
      message_of([&] { partition(pack(*kernel, "t", 2), "t", 1, {PartitionKind::kCyclic, 2}); }),
      "dimension 1 is packed into words of 2"));
  EXPECT_EQ(message_of([&] {
              verify(partition(pack(*kernel, "t", 2), "t", 0, {PartitionKind::kComplete, 1}));
            }),
            "");
}

}  // namespace
}  // namespace heddle::kernel
