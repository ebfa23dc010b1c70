// Places for labels.
#include "report/label_placer.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace heddle::report {
namespace {

constexpr Box kArea = {0, 0, 300, 200};

RC_GTEST_PROP(LabelPlacer, LabelsCoverNeitherLabelsNorMarks, ()) {
  LabelPlacer placer(kArea);
  std::vector<Box> taken;
  std::vector<Point> marks;
  const int count = *rc::gen::inRange(1, 40);
  for (int i = 0; i < count; ++i) {
    const Point mark = {static_cast<double>(*rc::gen::inRange(0, 300)),
                        static_cast<double>(*rc::gen::inRange(0, 200))};
    marks.push_back(mark);
    taken.push_back({mark.x - 4, mark.y - 4, 8, 8});
    placer.block(taken.back());
  }
  for (const Point mark : marks) {
    const auto place = placer.place_beside(mark, *rc::gen::inRange(5, 90));
    if (!place) continue;
    RC_ASSERT(place->box.x >= 0 && place->box.right() <= 300);
    RC_ASSERT(place->box.y >= 0 && place->box.bottom() <= 200);
    for (const Box& other : taken) RC_ASSERT(!overlap(place->box, other));
    taken.push_back(place->box);
  }
}

TEST(LabelPlacer, TakesTheFirstFreePlace) {
  LabelPlacer placer(kArea);
  const std::vector<Box> places = {{10, 10, 50, 10}, {100, 10, 50, 10}};
  EXPECT_EQ(placer.place(places)->x, 10);
  EXPECT_EQ(placer.place(places)->x, 100);
  EXPECT_FALSE(placer.place(places));
}

TEST(LabelPlacer, KeepsOffLinesWhereItCan) {
  LabelPlacer placer(kArea);
  placer.avoid({0, 15}, {80, 15});
  const std::vector<Box> places = {{10, 10, 50, 10}, {100, 10, 50, 10}};
  EXPECT_EQ(placer.place(places)->x, 100);
  EXPECT_EQ(placer.place(places)->x, 10);
}

TEST(LabelPlacer, NoLeadingLineCrossesAMark) {
  LabelPlacer placer(kArea);
  placer.block({110, 0, 10, 200});  // A wall right of the mark, with free places behind it.
  placer.block({0, 0, 95, 200});
  EXPECT_FALSE(placer.place_beside({105, 100}, 40));
}

}  // namespace
}  // namespace heddle::report
