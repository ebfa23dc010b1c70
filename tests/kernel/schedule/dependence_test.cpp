#include "kernel/schedule/dependence.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "kernel/schedule/evaluate.h"
#include "kernel/schedule/memory_support.h"
#include "kernel/schedule/nests.h"
#include "kernel/schedule/place.h"
#include "kernel/text.h"

namespace heddle::kernel {
namespace {

std::optional<Dependence> carried(const KernelPtr& kernel, const std::string& loop,
                                  Reductions reductions = Reductions::kKeepOrder) {
  return carried_dependence(*kernel, find_loop(*kernel, loop).statement, reductions);
}

TEST(Accesses, StandInTheOrderOfTheText) {
  const KernelPtr kernel = nest("gemm_sum");
  std::vector<std::string> list;
  for (const Access& access : accesses(*kernel, kernel->body)) {
    list.push_back((access.write ? "write " : "read ") + access.array);
  }
  EXPECT_EQ(list, (std::vector<std::string>{"write sum", "read a", "read b", "read sum",
                                            "write sum", "read sum", "write c"}));
}

TEST(Accesses, ReductionsAreThoseWhoseOrderDoesNotMatter) {
  const auto reduces = [](const std::string& element, const std::string& statement) {
    const KernelPtr kernel = parse_kernel(
        "kernel k(x: in int<8>[4], f: in float32[4], w: in int<40>[4], "
        "q: in fixed<8,4>[4], s: inout " +
            element + "[1]) { for i in 0..4 { " + statement + " } }",
        "text");
    return accesses(*kernel, kernel->body).back().reduction.has_value();
  };
  EXPECT_TRUE(reduces("int<32>", "s[0] += x[i]"));
  EXPECT_TRUE(reduces("int<32,wrap>", "s[0] *= x[i]"));
  EXPECT_FALSE(reduces("int<32,saturate>", "s[0] += x[i]"));
  EXPECT_TRUE(reduces("int<32,saturate>", "s[0] max= x[i]"));
  EXPECT_FALSE(reduces("int<8,wrap>", "s[0] max= w[i]")) << "the maximum may wrap";
  EXPECT_TRUE(reduces("int<8,wrap>", "s[0] max= x[i]"));
  EXPECT_FALSE(reduces("float32", "s[0] += f[i]"));
  EXPECT_FALSE(reduces("float32", "s[0] max= f[i]"))
      << "of -0 and 0, and of NaNs, the order decides";
  EXPECT_TRUE(reduces("fixed<16,8>", "s[0] += q[i]"));
  EXPECT_FALSE(reduces("fixed<16,14>", "s[0] += q[i]")) << "each sum is rounded";
  EXPECT_FALSE(reduces("int<32>", "s[0] = s[0] + x[i]")) << "not written as a reduction";
}

TEST(Accesses, ACallTouchesTheWindowsOfItsArguments) {
  const KernelPtr kernel = nest("calls");
  const std::vector<Access> all = accesses(*kernel, find_loop(*kernel, "v").statement);
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].array, "x");
  EXPECT_FALSE(all[0].write);
  EXPECT_EQ(all[0].spans.size(), 1U);
  EXPECT_EQ(all[2].array, "s");
  EXPECT_TRUE(all[2].write);
  EXPECT_EQ(all[2].reduction, ReduceOp::kAdd) << "the callee only adds";
}

TEST(Dependences, HaveTheirKindArrayAndDistance) {
  const auto dependence = carried(nest("shift_16"), "i");
  ASSERT_TRUE(dependence);
  EXPECT_EQ(dependence->source.array, "a");
  EXPECT_TRUE(dependence->source.write);
  EXPECT_FALSE(dependence->sink.write);
  EXPECT_EQ(dependence->distance, (std::vector<std::int64_t>{16}));
  EXPECT_TRUE(dependence->constant);
  EXPECT_TRUE(dependence->certain);
  EXPECT_EQ(to_string(*dependence),
            "read after write of a at distance (i: 16): `a[i + 16] = a[i]` reads what it wrote "
            "before");
}

TEST(Dependences, OfManyDistancesShowANearOne) {
  const auto dependence = carried(nest("gemm"), "k");
  ASSERT_TRUE(dependence);
  EXPECT_EQ(dependence->distance, (std::vector<std::int64_t>{1}));
  EXPECT_FALSE(dependence->constant);
}

TEST(Dependences, OfReductionsMatterOnlyAtTheSameTime) {
  EXPECT_TRUE(carried(nest("gemm"), "k", Reductions::kKeepOrder));
  EXPECT_FALSE(carried(nest("gemm"), "k", Reductions::kMayReorder));
  EXPECT_TRUE(carried(nest("gemm_float"), "k", Reductions::kMayReorder));
  EXPECT_TRUE(carried(nest("mixed_ops"), "i", Reductions::kMayReorder)) << "+= and *= mixed";
}

TEST(Dependences, ThatAreOnlyPossibleAreNotCertain) {
  EXPECT_FALSE(carried(nest("scatter"), "i")->certain);
  EXPECT_FALSE(carried(nest("calls"), "p")->certain);
}

TEST(Dependences, ArraysDeclaredInsideArePrivate) {
  EXPECT_FALSE(carried(nest("gemm_sum"), "j"));
  EXPECT_TRUE(carried(nest("shared_sum"), "j"));
  EXPECT_TRUE(carried(nest("gemm_sum"), "k")) << "declared around k";
}

// Against trying all pairs of iterations.

struct Iteration {
  std::int64_t i, j, reads, writes;
};

/// for i in 0..rows: for j in 0..columns: a[writes] = a[reads].
struct RandomNest {
  Expr writes, reads;
  std::int64_t rows, columns;

  [[nodiscard]] std::string text() const {
    return fmt::format(
        "kernel k(a: inout int<32>[64]) {{ for i in 0..{} {{ for j in 0..{} {{ "
        "a[{}] = a[{}] }} }} }}",
        rows, columns, to_string(writes), to_string(reads));
  }
  [[nodiscard]] std::vector<Iteration> iterations() const {
    std::vector<Iteration> list;
    for (std::int64_t i = 0; i < rows; ++i) {
      for (std::int64_t j = 0; j < columns; ++j) {
        const Point point = {{"i", i}, {"j", j}};
        list.push_back({i, j, evaluate(reads, point), evaluate(writes, point)});
      }
    }
    return list;
  }
  /// Whether some pair of iterations that touch one element, the first before the second, is bad.
  template <typename Bad>
  [[nodiscard]] bool has(const Bad& bad) const {
    const std::vector<Iteration> list = iterations();
    for (std::size_t p = 0; p < list.size(); ++p) {
      for (std::size_t q = p + 1; q < list.size(); ++q) {
        const bool conflict = list[p].writes == list[q].writes || list[p].writes == list[q].reads ||
                              list[p].reads == list[q].writes;
        if (conflict && bad(list[p], list[q])) return true;
      }
    }
    return false;
  }
};

/// Whether the step is taken; none if it is refused because nothing could be shown within the
/// limit.
std::optional<bool> verdict(const KernelPtr& kernel, const std::string& step) {
  const std::string message = message_of([&] { replay(kernel, step, "steps"); });
  if (message.find(": possible ") != std::string::npos) return std::nullopt;
  return message.empty();
}

RC_GTEST_PROP(DependenceProperty, VerdictsAreThoseOfTryingAllPairs, ()) {
  const std::vector<std::string> names = {"i", "j"};
  const RandomNest nest{*index_expressions(names, 2), *index_expressions(names, 2),
                        *rc::gen::inRange<std::int64_t>(1, 7),
                        *rc::gen::inRange<std::int64_t>(1, 7)};
  const auto rows = *rc::gen::inRange<std::int64_t>(1, 4);
  const auto columns = *rc::gen::inRange<std::int64_t>(1, 4);
  RC_LOG() << nest.text() << " tile " << rows << " " << columns << "\n";
  const KernelPtr kernel = parse_kernel(nest.text(), "text");
  using I = const Iteration&;

  int unknown = 0;
  const auto check = [&](const std::string& step, bool legal) {
    const std::optional<bool> taken = verdict(kernel, step);
    RC_LOG() << step << "\n";
    if (taken) RC_ASSERT(*taken == legal);
    unknown += taken ? 0 : 1;
  };
  check("parallel i", !nest.has([](I p, I q) { return p.i != q.i; }));
  check("parallel j", !nest.has([](I p, I q) { return p.i == q.i && p.j != q.j; }));
  check("reorder j i", !nest.has([](I p, I q) { return q.j < p.j; }));
  check(fmt::format("tile i j {} {}", rows, columns), !nest.has([&](I p, I q) {
    const auto time = [&](I at) { return std::tuple(at.i / rows, at.j / columns, at.i, at.j); };
    return time(q) < time(p);
  }));
  RC_TAG(fmt::format("{} of 4 unknown", unknown));
}

}  // namespace
}  // namespace heddle::kernel
