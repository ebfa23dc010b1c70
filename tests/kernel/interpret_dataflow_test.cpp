#include <gtest/gtest.h>

#include "kernel/interpret_support.h"
#include "kernel/text.h"

namespace heddle::kernel {
namespace {

using Values = std::vector<double>;

/// Numbers through three processes: out[i] = 2 x[i] + 1.
KernelPtr chain(std::int64_t count, std::int64_t depth) {
  KernelBuilder k("chain");
  const ArrayHandle x = k.input("x", kInt32, {count});
  const ArrayHandle out = k.output("out", kInt32, {count});
  const StreamHandle a = k.stream("a", kInt32, depth);
  const StreamHandle b = k.stream("b", kInt32, depth);
  k.dataflow({{"read", [&] { k.loop("i", 0, count, [&](const Expr& i) { a.put(x(i)); }); }},
              {"work",
               [&] {
                 k.loop("j", 0, count, [&](const Expr&) {
                   Element value = k.scalar("value", kInt32);
                   a.get(value);
                   b.put(cast(kInt32, Expr(value) * 2 + 1));
                 });
               }},
              {"write", [&] { k.loop("l", 0, count, [&](const Expr& l) { b.get(out(l)); }); }}});
  return k.build();
}

TEST(InterpretDataflow, GivesTheSequentialResultForAnyDepth) {
  for (const std::int64_t depth : {1, 2, 3, 100}) {
    Buffer x(kInt32, {50});
    Buffer out(kInt32, {50});
    for (std::int64_t i = 0; i < 50; ++i) x.set(i, static_cast<double>(i * i));
    const InterpretReport report = interpret(*chain(50, depth), std::vector<Argument>{&x, &out});
    for (std::int64_t i = 0; i < 50; ++i)
      EXPECT_EQ(out.real(i), static_cast<double>(2 * i * i + 1));
    EXPECT_EQ(report.statements, 200U);
    EXPECT_LE(report.peak_fill.at("a"), depth);
    EXPECT_GE(report.peak_fill.at("a"), 1);
  }
}

TEST(InterpretDataflow, LetsReadersOfAnArrayWaitForItsWriter) {
  KernelBuilder k("handed_over");
  const ArrayHandle out = k.output("out", kInt32, {8});
  const ArrayHandle local = k.local("local", kInt32, {8});
  const StreamHandle s = k.stream("s", kInt32, 1);
  k.dataflow({{"feed", [&] { k.loop("f", 0, 8, [&](const Expr&) { s.put(3); }); }},
              {"fill", [&] { k.loop("i", 0, 8, [&](const Expr& i) { s.get(local(i)); }); }},
              {"use", [&] { k.loop("j", 0, 8, [&](const Expr& j) { out(j) = local(7 - j); }); }}});
  Buffer out_buffer(kInt32, {8});
  interpret(*k.build(), std::vector<Argument>{&out_buffer});
  EXPECT_EQ(values_of(out_buffer), Values(8, 3));
}

TEST(InterpretDataflow, RunsAnUnrolledProcessAsOnePerIteration) {
  // Each of the grid's processes adds its place to what passes; none could go on alone.
  const KernelPtr kernel = parse_kernel(R"(
kernel systolic(out: out int<32>[2, 5]) {
  stream s: int<32>[2, 4] depth(1)
  dataflow {
    process feed {
      for t in 0..5 {
        for r in 0..2 {
          put s[r, 0], t
        }
      }
    }
    process pe {
      for p in 0..2 unroll {
        for q in 0..3 unroll {
          for u in 0..5 {
            var x: int<32>
            get s[p, q], x
            put s[p, q + 1], int<32>(x + int<32>(p * 10 + q))
          }
        }
      }
    }
    process drain {
      for v in 0..5 {
        for w in 0..2 {
          get s[w, 3], out[w, v]
        }
      }
    }
  }
}
)",
                                        "systolic");
  Buffer out(kInt32, {2, 5});
  interpret(*kernel, std::vector<Argument>{&out});
  EXPECT_EQ(values_of(out), (Values{3, 4, 5, 6, 7, 33, 34, 35, 36, 37}));
}

TEST(InterpretDataflow, RunsInLoopsAndInCalledKernels) {
  const KernelPtr kernel = parse_kernel(R"(
kernel produce(n: index, x: in int<32>[4], s: out stream int<32>) {
  for i in 0..n {
    put s, x[i]
  }
}
kernel pass(n: index, s: in stream int<32>, y: out int<32>[4]) {
  stream inner: int<32> depth(1)
  dataflow {
    process take {
      for i in 0..n {
        var x: int<32>
        get s, x
        put inner, x
      }
    }
    process give {
      for j in 0..n {
        get inner, y[j]
      }
    }
  }
}
kernel main(x: in int<32>[3, 4], y: out int<32>[3, 4]) {
  for r in 0..3 {
    stream lanes: int<32>[2] depth(2)
    dataflow {
      process p {
        call produce(4, x[r, 0:], lanes[1])
      }
      process q {
        call pass(4, lanes[1], y[r, 0:])
      }
    }
  }
}
)",
                                        "nested");
  Buffer x(kInt32, {3, 4});
  Buffer y(kInt32, {3, 4});
  for (std::int64_t i = 0; i < 12; ++i) x.set(i, static_cast<double>(i + 1));
  const InterpretReport report = interpret(*kernel, std::vector<Argument>{&x, &y});
  EXPECT_EQ(values_of(y), values_of(x));
  EXPECT_EQ(report.statements, 3U * 4 * 4);
}

TEST(InterpretDataflow, PassesWholeStreamsToCalls) {
  const KernelPtr kernel = parse_kernel(R"(
kernel produce(s: out stream int<32>[3]) {
  for i in 0..3 {
    put s[i], i * 2
  }
}
kernel consume(s: in stream int<32>[3], y: out int<32>[3]) {
  for i in 0..3 {
    get s[i], y[2 - i]
  }
}
kernel main(y: out int<32>[3]) {
  stream s: int<32>[3] depth(1)
  dataflow {
    process p {
      call produce(s)
    }
    process q {
      call consume(s, y)
    }
  }
}
)",
                                        "whole");
  Buffer y(kInt32, {3});
  interpret(*kernel, std::vector<Argument>{&y});
  EXPECT_EQ(values_of(y), (Values{4, 2, 0}));
}

TEST(InterpretDataflow, ConvertsWhatIsPut) {
  KernelBuilder k("narrowed");
  const ArrayHandle out = k.output("out", kInt32, {1});
  const StreamHandle s = k.stream("s", int_type(8, Overflow::kSaturate), 1);
  k.dataflow({{"p", [&] { s.put(cast(int_type(16), to_index(1000))); }}, {"q", [&] {
                                                                            Element x = k.scalar(
                                                                                "x", int_type(8));
                                                                            s.get(x);
                                                                            out(0) = x;
                                                                          }}});
  Buffer buffer(kInt32, {1});
  interpret(*k.build(), std::vector<Argument>{&buffer});
  EXPECT_EQ(buffer.real(0), 127);
}

// Deadlocks.

/// The writer fills stream a before b; the reader wants b first.
KernelPtr crossed(std::int64_t count, std::int64_t depth) {
  KernelBuilder k("crossed");
  const ArrayHandle out = k.output("out", kInt32, {2, count});
  const StreamHandle s = k.stream("s", kInt32, depth, {2});
  k.dataflow({{"writer",
               [&] {
                 k.loop("c", 0, 2, [&](const Expr& c) {
                   k.loop("i", 0, count, [&](const Expr& i) { s.put({c}, cast(kInt32, i)); });
                 });
               }},
              {"reader", [&] {
                 k.loop("d", 0, 2, [&](const Expr& d) {
                   k.loop("j", 0, count, [&](const Expr& j) { s.get({1 - d}, out(d, j)); });
                 });
               }}});
  return k.build();
}

TEST(InterpretDeadlock, NamesEveryBlockedProcessAndTheDepthThatWouldDo) {
  Buffer out(kInt32, {2, 5});
  const std::string text = mistake(crossed(5, 2), {&out});
  EXPECT_TRUE(
      says(text,
           {"kernel crossed: deadlock",
            "\n  writer waits to write s[0] (2 of 2 full) at c=0, i=2, in `put s[c], int<32>(i)`",
            "2 put, 0 taken",
            "\n  reader waits to read s[1] (0 of 2 full) at d=0, j=0, in `get s[1 - d], out[d, j]`",
            "no process has written it", "give stream s a larger depth: 5 (now 2)"}));
  EXPECT_EQ(mistake(crossed(5, 5), {&out}), "");
  EXPECT_NE(mistake(crossed(5, 4), {&out}), "");
}

TEST(InterpretDeadlock, FindsLargeDepths) {
  Buffer out(kInt32, {2, 3000});
  const std::string text = mistake(crossed(3000, 2), {&out});
  const std::size_t at = text.find("larger depth: ");
  ASSERT_NE(at, std::string::npos) << text;
  const std::int64_t depth = std::stoll(text.substr(at + 14));
  EXPECT_GE(depth, 3000);
  EXPECT_EQ(mistake(crossed(3000, depth), {&out}), "");
}

TEST(InterpretDeadlock, NamesAWriterThatEndedTooEarly) {
  KernelBuilder k("short");
  const ArrayHandle out = k.output("out", kInt32, {4});
  const StreamHandle s = k.stream("s", kInt32, 2);
  k.dataflow({{"writer", [&] { k.loop("i", 0, 3, [&](const Expr&) { s.put(1); }); }},
              {"reader", [&] { k.loop("j", 0, 4, [&](const Expr& j) { s.get(out(j)); }); }}});
  Buffer buffer(kInt32, {4});
  const std::string text = mistake(k.build(), {&buffer});
  EXPECT_TRUE(says(text, {"reader waits to read s (0 of 2 full) at j=3", "3 put, 3 taken",
                          "its writer writer has ended", "at j=3",
                          "put as many elements into s as are taken from it"}));
  EXPECT_EQ(text.find("larger depth"), std::string::npos) << text;
}

TEST(InterpretDeadlock, NamesProcessesThatWaitForOthersToEnd) {
  KernelBuilder k("stuck");
  const ArrayHandle out = k.output("out", kInt32, {2});
  const ArrayHandle local = k.local("local", kInt32, {1});
  const StreamHandle s = k.stream("s", kInt32, 1);
  k.dataflow({{"fill",
               [&] {
                 local(0) = 1;
                 s.put(1);
                 s.put(2);
               }},
              {"use", [&] {
                 out(0) = local(0);
                 s.get(out(0));
                 s.get(out(1));
               }}});
  Buffer buffer(kInt32, {2});
  EXPECT_TRUE(says(mistake(k.build(), {&buffer}),
                   {"fill waits to write s (1 of 1 full)",
                    "use waits for process fill to end, which writes an array",
                    "give stream s a larger depth: 2 (now 1)"}));
}

TEST(InterpretDeadlock, NamesProcessesInsideOfProcessesAndIterations) {
  const KernelPtr kernel = parse_kernel(R"(
kernel main(y: out int<32>[3]) {
  stream s: int<32>[3] depth(1)
  dataflow {
    process source {
      for i in 0..3 {
        put s[i], 7
      }
    }
    process outer {
      stream t: int<32>[3] depth(1)
      dataflow {
        process pe {
          for p in 0..3 unroll {
            var x: int<32>
            get s[p], x
            if p != 1 {
              put t[p], x
            }
          }
        }
        process sink {
          for j in 0..3 {
            get t[j], y[j]
          }
        }
      }
    }
  }
}
)",
                                        "inner");
  Buffer y(kInt32, {3});
  const std::string text = mistake(kernel, {&y});
  EXPECT_TRUE(says(text, {"outer waits for its own processes to end",
                          "sink waits to read t[1] (0 of 1 full) at j=1"}));
  EXPECT_EQ(text.find("pe["), std::string::npos) << text;
}

TEST(InterpretDeadlock, HappensInOneProcessToo) {
  KernelBuilder k("alone");
  const ArrayHandle out = k.output("out", kInt32, {3});
  const StreamHandle s = k.stream("s", kInt32, 2);
  k.loop("i", 0, 3, [&](const Expr&) { s.put(1); });
  k.loop("j", 0, 3, [&](const Expr& j) { s.get(out(j)); });
  Buffer buffer(kInt32, {3});
  EXPECT_TRUE(says(mistake(k.build(), {&buffer}),
                   {"alone waits to write s (2 of 2 full) at i=2", "a larger depth: 3 (now 2)"}));
}

TEST(InterpretStreams, MayNotHoldElementsAtTheirEnd) {
  KernelBuilder k("left");
  const ArrayHandle out = k.output("out", kInt32, {2});
  const StreamHandle s = k.stream("s", kInt32, 9, {2});
  k.dataflow({{"writer", [&] { k.loop("i", 0, 4, [&](const Expr&) { s.put({1}, 1); }); }},
              {"reader", [&] { k.loop("j", 0, 2, [&](const Expr& j) { s.get({1}, out(j)); }); }}});
  Buffer buffer(kInt32, {2});
  EXPECT_TRUE(says(mistake(k.build(), {&buffer}),
                   {"2 elements of stream s[1] were put and never taken (4 put, 2 taken)",
                    "take as many elements as are put"}));
}

TEST(InterpretStreams, NameChannelsThatAreOutside) {
  KernelBuilder k("outside");
  const ArrayHandle out = k.output("out", kInt32, {1});
  const Expr n = k.size("n");
  const StreamHandle s = k.stream("s", kInt32, 1, {2});
  k.dataflow({{"p", [&] { s.put({n}, 1); }}, {"q", [&] { s.get({1}, out(0)); }}});
  Buffer buffer(kInt32, {1});
  EXPECT_EQ(mistake(k.build(), {&buffer, index_value(1)}), "");
  EXPECT_TRUE(says(mistake(k.build(), {&buffer, index_value(2)}),
                   {"channel index 0 of s is 2, outside of 0 ... 1"}));
}

}  // namespace
}  // namespace heddle::kernel
