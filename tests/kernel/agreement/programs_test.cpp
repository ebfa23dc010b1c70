// The plain C++ programs compute what their benchmarks are for: checked by definition, not by
// a second copy of the algorithm.
#include <gtest/gtest.h>

#include <algorithm>
#include <complex>
#include <numbers>
#include <set>
#include <string>
#include <vector>

#include "kernel/agreement/all_workloads.h"

namespace heddle::kernel {
namespace {

constexpr double kTolerance = 1e-3;

/// A workload's inputs and what its plain program made of them.
struct PlainRun {
  Operands before;
  Operands after;
};

PlainRun run_plain(const std::string& name) {
  for (const Workload& workload : all_workloads(Size::kSmall)) {
    if (workload.name != name) continue;
    PlainRun run{workload.inputs, workload.inputs};
    workload.reference(run.after);
    return run;
  }
  throw InternalError("no workload " + name);
}

std::vector<std::complex<double>> fourier(const Grid<float>& real, const Grid<float>& imaginary) {
  const int n = real.extent(0);
  std::vector<std::complex<double>> sums;
  for (int f = 0; f < n; ++f) {
    std::complex<double>& sum = sums.emplace_back();
    for (int i = 0; i < n; ++i) {
      sum += std::complex<double>(real(i), imaginary(i)) *
             std::polar(1.0, -2 * std::numbers::pi * f * i / n);
    }
  }
  return sums;
}

TEST(PlainPrograms, StridedFftIsTheFourierTransformInBitReversedOrder) {
  PlainRun run = run_plain("fft/strided");
  const auto sums = fourier(run.before.grid<float>("real"), run.before.grid<float>("img"));
  const auto real = run.after.grid<float>("real");
  const auto img = run.after.grid<float>("img");
  for (int f = 0; f < real.extent(0); ++f) {
    int reversed = 0;
    for (int bit = 1; bit < real.extent(0); bit *= 2) {
      reversed = 2 * reversed + ((f & bit) != 0 ? 1 : 0);
    }
    EXPECT_NEAR(real(reversed), sums[static_cast<std::size_t>(f)].real(), kTolerance);
    EXPECT_NEAR(img(reversed), sums[static_cast<std::size_t>(f)].imag(), kTolerance);
  }
}

TEST(PlainPrograms, TransposingFftIsTheFourierTransform) {
  PlainRun run = run_plain("fft/transpose");
  const auto sums = fourier(run.before.grid<float>("work_x"), run.before.grid<float>("work_y"));
  const auto x = run.after.grid<float>("work_x");
  const auto y = run.after.grid<float>("work_y");
  for (int f = 0; f < x.extent(0); ++f) {
    EXPECT_NEAR(x(f), sums[static_cast<std::size_t>(f)].real(), kTolerance);
    EXPECT_NEAR(y(f), sums[static_cast<std::size_t>(f)].imag(), kTolerance);
  }
}

TEST(PlainPrograms, SortsReturnTheirNumbersInOrder) {
  for (const std::string name : {"sort/merge", "sort/radix"}) {
    PlainRun run = run_plain(name);
    const auto before = run.before.buffer("a").as<std::int32_t>();
    const auto after = run.after.buffer("a").as<std::int32_t>();
    std::vector<std::int32_t> sorted(before.begin(), before.end());
    std::sort(sorted.begin(), sorted.end());
    EXPECT_TRUE(std::equal(sorted.begin(), sorted.end(), after.begin(), after.end())) << name;
    EXPECT_GT(std::set(sorted.begin(), sorted.end()).size(), sorted.size() / 2) << name;
  }
}

TEST(PlainPrograms, KmpCountsEveryOccurrence) {
  PlainRun run = run_plain("kmp");
  const auto pattern = run.before.buffer("pattern").as<std::uint8_t>();
  const auto text = run.before.buffer("text").as<std::uint8_t>();
  int count = 0;
  for (std::size_t i = 0; i + pattern.size() <= text.size(); ++i) {
    count +=
        std::equal(pattern.begin(), pattern.end(), text.begin() + static_cast<long>(i)) ? 1 : 0;
  }
  EXPECT_EQ(run.after.grid<std::int32_t>("matches")(0), count);
  EXPECT_GT(count, 3);
}

TEST(PlainPrograms, NwAlignsBothStrandsWithTheScoreItGives) {
  PlainRun run = run_plain("nw");
  const auto strand = [&](const std::string& name, Operands& operands) {
    const auto letters = operands.buffer(name).as<std::uint8_t>();
    return std::string(letters.begin(), letters.end());
  };
  const auto without_gaps = [](std::string aligned) {
    std::erase_if(aligned, [](char c) { return c == '-' || c == '_'; });
    std::reverse(aligned.begin(), aligned.end());
    return aligned;
  };
  const std::string a = strand("aligned_a", run.after);
  const std::string b = strand("aligned_b", run.after);
  EXPECT_EQ(without_gaps(a), strand("seq_a", run.before));
  EXPECT_EQ(without_gaps(b), strand("seq_b", run.before));
  int score = 0;
  for (std::size_t i = 0; i < a.size() && a[i] != '_'; ++i) score += a[i] == b[i] ? 1 : -1;
  const auto scores = run.after.grid<std::int32_t>("score");
  EXPECT_EQ(score, scores(scores.extent(0) - 1, scores.extent(1) - 1));
}

TEST(PlainPrograms, BfsReachesNodesOneStepFromTheLast) {
  PlainRun run = run_plain("bfs/bulk");
  const auto begin = run.before.grid<std::uint32_t>("edge_begin");
  const auto end = run.before.grid<std::uint32_t>("edge_end");
  const auto target = run.before.grid<std::uint32_t>("target");
  const auto level = run.after.grid<std::int8_t>("level");
  const auto counts = run.after.grid<std::uint32_t>("level_counts");
  std::uint32_t reached = 0;
  for (int n = 0; n < level.extent(0); ++n) {
    if (level(n) == 127) continue;
    ++reached;
    for (std::uint32_t e = begin(n); e < end(n); ++e) EXPECT_LE(level(target(e)), level(n) + 1);
  }
  std::uint32_t counted = 0;
  for (int horizon = 0; horizon < counts.extent(0); ++horizon) counted += counts(horizon);
  EXPECT_EQ(counted, reached);
  EXPECT_GT(reached, 20U);
  EXPECT_LT(reached, 64U);
  EXPECT_EQ(counts(counts.extent(0) - 1), 0U) << "the search ran into the limit of levels";
}

TEST(PlainPrograms, SolversSolve) {
  PlainRun ludcmp = run_plain("ludcmp");
  PlainRun trisolv = run_plain("trisolv");
  PlainRun durbin = run_plain("durbin");
  const auto expect_solution = [](int n, auto coefficient, const Grid<float>& x, auto right) {
    for (int i = 0; i < n; ++i) {
      double sum = 0;
      for (int j = 0; j < n; ++j) sum += coefficient(i, j) * x(j);
      EXPECT_NEAR(sum, right(i), kTolerance);
    }
  };
  const auto a = ludcmp.before.grid<float>("a");
  expect_solution(
      a.extent(0), [&](int i, int j) { return a(i, j); }, ludcmp.after.grid<float>("x"),
      ludcmp.before.grid<float>("b"));
  const auto l = trisolv.before.grid<float>("l");
  expect_solution(
      l.extent(0), [&](int i, int j) { return j > i ? 0 : l(i, j); },
      trisolv.after.grid<float>("x"), trisolv.before.grid<float>("b"));
  const auto r = durbin.before.grid<float>("r");
  expect_solution(
      r.extent(0), [&](int i, int j) { return i == j ? 1.0F : r(std::abs(i - j) - 1); },
      durbin.after.grid<float>("y"), [&](int i) { return -r(i); });
}

TEST(PlainPrograms, FactorsMultiplyToTheMatrix) {
  PlainRun cholesky = run_plain("cholesky");
  PlainRun gramschmidt = run_plain("gramschmidt");
  PlainRun lu = run_plain("lu");
  const auto expect_product = [](const Grid<float>& matrix, bool lower_half, int inner, auto left,
                                 auto right) {
    for (int i = 0; i < matrix.extent(0); ++i) {
      for (int j = 0; j < (lower_half ? i + 1 : matrix.extent(1)); ++j) {
        double sum = 0;
        for (int k = 0; k < inner; ++k) sum += left(i, k) * right(k, j);
        EXPECT_NEAR(sum, matrix(i, j), kTolerance);
      }
    }
  };
  const auto l = cholesky.after.grid<float>("a");
  const auto lower = [&](int i, int j) { return j > i ? 0 : l(i, j); };
  expect_product(cholesky.before.grid<float>("a"), true, l.extent(0), lower,
                 [&](int i, int j) { return lower(j, i); });
  const auto q = gramschmidt.after.grid<float>("q");
  const auto r = gramschmidt.after.grid<float>("r");
  expect_product(gramschmidt.before.grid<float>("a"), false, r.extent(0), q,
                 [&](int i, int j) { return j < i ? 0 : r(i, j); });
  const auto both = lu.after.grid<float>("a");
  expect_product(
      lu.before.grid<float>("a"), false, both.extent(0),
      [&](int i, int j) { return j > i    ? 0
                                 : i == j ? 1.0F
                                          : both(i, j); },
      [&](int i, int j) { return j < i ? 0 : both(i, j); });
}

}  // namespace
}  // namespace heddle::kernel
