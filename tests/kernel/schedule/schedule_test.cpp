#include "kernel/schedule/schedule.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>

#include "base/error.h"
#include "kernel/schedule/memory_support.h"
#include "kernel/schedule/nests.h"
#include "kernel/text.h"

namespace heddle::kernel {
namespace {

const char* const kSteps = R"(split i 8
tile j k 4 8
reorder i_o j_o
unroll k_i
parallel i_o
)";

const char* const kCaller = R"(
kernel row(x: in int<16>[16], y: out int<16>[16]) { for t in 0..16 { y[t] = x[t] } }
kernel caller(x: in int<16>[32, 16], y: out int<16>[32, 16]) {
  for i in 0..32 { call row(x[i, 0 :], y[i, 0 :]) }
}
)";

const char* const kComposed = R"(compose row {
  split t 4
  unroll t_i
}
parallel i
)";

TEST(Schedule, ReplaysItsText) {
  const Schedule schedule = scheduled("gemm", kSteps);
  EXPECT_EQ(to_text(schedule.steps()), kSteps);
  const Schedule again = replay(schedule.original(), to_text(schedule.steps()), "steps");
  EXPECT_EQ(again.steps(), schedule.steps());
  EXPECT_TRUE(equal(*again.kernel(), *schedule.kernel()));
}

TEST(Schedule, CommentsAndEmptyLinesAreLeftOut) {
  EXPECT_EQ(to_text(scheduled("gemm", "# first\n\n  split k 8  # in eights\n\t\n").steps()),
            "split k 8\n");
}

TEST(Schedule, MethodsTakeTheStepsThatAreRecorded) {
  Schedule s(nest("gemm"));
  EXPECT_EQ(s.split("i", 8), (std::pair<std::string, std::string>("i_o", "i_i")));
  s.tile("j", "k", 4, 8);
  s.reorder({"i_o", "j_o"});
  s.unroll("k_i");
  s.parallel("i_o");
  EXPECT_EQ(to_text(s.steps()), kSteps);
  EXPECT_EQ(to_cpp(s.steps()), R"(s.split("i", 8);
s.tile("j", "k", 4, 8);
s.reorder({"i_o", "j_o"});
s.unroll("k_i");
s.parallel("i_o");
)");
  EXPECT_TRUE(equal(*s.kernel(), *scheduled("gemm", kSteps).kernel()));
}

TEST(Schedule, EveryKindOfArgumentHasItsCpp) {
  const std::vector<Step> steps = {{"partition", {"a", "1", "cyclic", "4"}, {}},
                                   {"partition", {"a", "0", "complete"}, {}},
                                   {"store_in", {"a", "lutram"}, {}},
                                   {"reshape", {"a", "4", "8"}, {}},
                                   {"stage", {"a", "k", "uram"}, {}},
                                   {"pipeline", {"k", "2"}, {}},
                                   {"dataflow", {}, {}},
                                   {"replace", {"k", "dot4"}, {}},
                                   {"inline", {"row"}, {}}};
  EXPECT_EQ(to_cpp(steps, "schedule"), R"(schedule.partition("a", 1, {Partition::Kind::kCyclic, 4});
schedule.partition("a", 0, {Partition::Kind::kComplete, 1});
schedule.store_in("a", Storage::kLutram);
schedule.reshape("a", {4, 8});
schedule.stage("a", "k", Storage::kUram);
schedule.pipeline("k", 2);
schedule.dataflow();
schedule.replace("k", dot4);
schedule.inline_call("row");
)");
}

TEST(Schedule, ComposeCarriesStepsToTheCaller) {
  const KernelPtr caller = parse_kernel(kCaller, "text");
  Schedule s(caller);
  {
    Schedule row_of_s(find_callee(*s.kernel(), "row"));
    row_of_s.split("t", 4);
    row_of_s.unroll("t_i");
    s.compose(row_of_s);
  }
  s.parallel("i");
  EXPECT_EQ(to_text(s.steps()), kComposed);
  EXPECT_EQ(to_cpp(s.steps()), R"({
  Schedule row_of_s(find_callee(*s.kernel(), "row"));
  row_of_s.split("t", 4);
  row_of_s.unroll("t_i");
  s.compose(row_of_s);
}
s.parallel("i");
)");
  const Schedule again = replay(caller, kComposed, "steps");
  EXPECT_TRUE(equal(*again.kernel(), *s.kernel()));
  EXPECT_NE(to_text(*s.kernel()).find("for t_i in 0..4 unroll"), std::string::npos);
  EXPECT_EQ(difference(*caller, *s.kernel()), "");
}

TEST(Schedule, UndoTakesBackTheLastStep) {
  Schedule schedule = replay(parse_kernel(kCaller, "text"), kComposed, "steps");
  const KernelPtr all = schedule.kernel();
  schedule.undo();
  EXPECT_EQ(to_text(schedule.steps()), "compose row {\n  split t 4\n  unroll t_i\n}\n");
  schedule.parallel("i");
  EXPECT_TRUE(equal(*schedule.kernel(), *all));
  schedule.undo();
  schedule.undo();
  EXPECT_TRUE(equal(*schedule.kernel(), *schedule.original()));
  EXPECT_NE(message_of([&] { schedule.undo(); }).find("has no step to undo"), std::string::npos);
}

TEST(Schedule, AnIllegalStepLeavesItAsItWas) {
  Schedule schedule = scheduled("skewed", "split j 4");
  const KernelPtr before = schedule.kernel();
  EXPECT_NE(message_of([&] { schedule.parallel("i"); }), "");
  EXPECT_EQ(schedule.kernel(), before);
  EXPECT_EQ(schedule.steps().size(), 1U);
}

TEST(Schedule, ACopyGoesItsOwnWay) {
  const Schedule first = scheduled("gemm", "split k 8");
  Schedule second = first;
  second.unroll("k_i");
  EXPECT_EQ(first.steps().size(), 1U);
  EXPECT_FALSE(equal(*first.kernel(), *second.kernel()));
}

TEST(ScheduleFile, MistakesNameTheLineAndTheForm) {
  const auto expect = [](const std::string& steps, const std::vector<std::string>& parts) {
    const std::string message = refusal("gemm", steps);
    for (const std::string& part : parts) {
      EXPECT_NE(message.find(part), std::string::npos)
          << "missing: " << part << "\nin: " << message;
    }
  };
  expect("\nsplitt k 8", {"steps:2: there is no primitive \"splitt\"", "did you mean split"});
  expect("split k", {"steps:1: split: FACTOR is missing", "split LOOP FACTOR"});
  expect("split k 8 9", {"too many words", "split LOOP FACTOR"});
  expect("split k eight", {"\"eight\" is no number"});
  expect("split k 99999999999999999999", {"is no number"});
  expect("split", {"LOOP is missing"});
  expect("reorder", {"LOOPS is missing", "reorder LOOPS..."});
  expect("partition a 0 cyclik 4", {"\"cyclik\" is no kind of partition"});
  expect("partition a 0 cyclic", {"cyclic needs a FACTOR"});
  expect("store_in a ram", {"\"ram\" is no storage"});
  expect("split k 8\nsplit k 8", {"steps:2: ", "has no loop called \"k\"", "k_o"});
  expect("compose row", {"a compose block does not begin like this", "compose CALLEE { STEPS }"});
  expect("compose row {\n}",
         {"steps:1: gemm calls no kernel \"row\"", "it calls no kernel at all"});
  expect("}", {"closes no compose block"});
  expect("replace k dot4", {"no instruction is called \"dot4\""});
  expect("pipeline k 99999999999", {"steps:1: "});
}

TEST(ScheduleFile, MistakesInsideOfABlockNameTheirLine) {
  const KernelPtr caller = parse_kernel(kCaller, "text");
  const auto message = [&](const std::string& steps) {
    return message_of([&] { replay(caller, steps, "steps"); });
  };
  EXPECT_NE(message("compose row {\n  split t 4\n  split q 4\n}").find("steps:3: "),
            std::string::npos);
  EXPECT_NE(
      message("compose row {\n  split t 4\n").find("steps:1: this compose block is not closed"),
      std::string::npos);
  EXPECT_NE(message("compose row {\n} }").find("something stands behind }"), std::string::npos);
}

TEST(Primitives, AreEachListedOnceWithAForm) {
  std::vector<std::string> names;
  for (const PrimitiveHelp& help : primitives()) {
    names.push_back(help.name);
    EXPECT_EQ(help.form.substr(0, help.name.size()), help.name);
    EXPECT_FALSE(help.summary.empty());
  }
  for (const char* name :
       {"split",    "tile",     "reorder",    "fuse",      "fission",  "unroll",
        "pipeline", "parallel", "inline",     "partition", "reshape",  "pack",
        "stage",    "reuse_at", "compute_at", "stream",    "dataflow", "systolic",
        "replace",  "bank",     "store_in",   "compose"}) {
    EXPECT_EQ(std::count(names.begin(), names.end(), name), 1) << name;
  }
}

TEST(ScheduleSpeed, ATiledStagedUnrolledGemmTakesLittleTime) {
  const KernelPtr gemm = parse_kernel(R"(
kernel gemm(a: in int<8>[1024, 768], b: in int<8>[768, 3072], c: out int<32>[1024, 3072]) {
  for i in 0..1024 { for j in 0..3072 { c[i, j] = 0 } }
  for p in 0..1024 { for q in 0..3072 { for k in 0..768 { c[p, q] += a[p, k] * b[k, q] } } }
})",
                                      "text");
  const char* const steps = R"(tile p q 32 64
split k 64
reorder k_o p_i q_i
stage a k_o
stage b k_o
stage c q_o
split k_i 4
reorder q_i k_i_o
unroll k_i_i
pipeline q_i
parallel p_o
partition b_tile 0 cyclic 4
)";
  std::clock_t best = 10 * CLOCKS_PER_SEC;
  for (int repeat = 0; repeat < 3; ++repeat) {
    const std::clock_t start = std::clock();
    const Schedule schedule = replay(gemm, steps, "steps");
    best = std::min(best, std::clock() - start);
    ASSERT_EQ(schedule.steps().size(), 12U);
  }
  EXPECT_LT(best, CLOCKS_PER_SEC / 10);
}

}  // namespace
}  // namespace heddle::kernel
