#include "cost/cells.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace heddle::cost {
namespace {

TEST(Cells, CountAsWhatTheyTake) {
  const Resources area = resources_of({{"LUT1", 1},
                                       {"LUT6", 10},
                                       {"MUXF7", 4},
                                       {"INV", 3},
                                       {"SRL16E", 5},
                                       {"RAM32M16", 2},
                                       {"RAM64M", 1},
                                       {"FDRE", 7},
                                       {"FDSE", 1},
                                       {"CARRY4", 5},
                                       {"DSP48E2", 3},
                                       {"RAMB18E2", 3},
                                       {"RAMB36E2", 1},
                                       {"URAM288", 2}});
  using enum Resource;
  EXPECT_EQ(area[kLutAsMemory], 5 + 2 * 8 + 4);
  EXPECT_EQ(area[kLut], 11 + 25) << "LUTs as memory are LUTs too";
  EXPECT_EQ(area[kFf], 8);
  EXPECT_EQ(area[kCarry8], 3) << "half of the CARRY4s, rounded up";
  EXPECT_EQ(area[kDsp], 3);
  EXPECT_EQ(area[kBram36], 2.5) << "an 18 Kb RAM is half of a 36 Kb one";
  EXPECT_EQ(area[kUram], 2);
}

TEST(Cells, NothingIsLeftOutInSilence) {
  EXPECT_THROW(resources_of({{"LUT6", 1}, {"GTYE4_CHANNEL", 1}}), InternalError);
}

}  // namespace
}  // namespace heddle::cost
