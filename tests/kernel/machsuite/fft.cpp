// Fast Fourier transforms. Sines and cosines are inputs.
#include "kernel/builder.h"
#include "kernel/machsuite/machsuite.h"

#include <array>
#include <cmath>
#include <numbers>

namespace heddle::kernel {
namespace {

// fft/strided: radix 2, in place; butterflies reach over `span` elements, which halves every round

KernelPtr fft_strided_kernel() {
  KernelBuilder k("fft_strided", "the Fourier transform of 2^rounds numbers, in place");
  const Expr n = k.size("n");
  const Expr rounds = k.size("rounds");
  ArrayHandle real = k.inout("real", float32_type(), {n});
  ArrayHandle img = k.inout("img", float32_type(), {n});
  ArrayHandle real_twid = k.input("real_twid", float32_type(), {n / 2});
  ArrayHandle img_twid = k.input("img_twid", float32_type(), {n / 2});
  Element span = k.scalar("span", uint_type(32));
  Element temp = k.scalar("temp", float32_type());
  Element root = k.scalar("root", uint_type(32));

  span = cast(uint_type(32), n);
  k.loop("round", 0, rounds, [&](Expr round) {
    span = span >> 1;
    // The upper element of every pair has the bit `span` in its number, the lower one has not.
    k.loop("odd", span, n, [&](Expr odd) {
      const Expr number = cast(uint_type(32), odd);
      k.when((number & span) != 0, [&] {
        const Expr even = number ^ span;
        temp = real(even) + real(odd);
        real(odd) = real(even) - real(odd);
        real(even) = temp;
        temp = img(even) + img(odd);
        img(odd) = img(even) - img(odd);
        img(even) = temp;
        root = (even << round) & cast(uint_type(32), n - 1);
        k.when(root != 0, [&] {
          temp = real_twid(root) * real(odd) - img_twid(root) * img(odd);
          img(odd) = real_twid(root) * img(odd) + img_twid(root) * real(odd);
          real(odd) = temp;
        });
      });
    });
  });
  return k.build();
}

void fft_strided_plain(Operands& x) {
  const auto n = static_cast<std::uint32_t>(x.size("n"));
  const auto real = x.grid<float>("real");
  const auto img = x.grid<float>("img");
  const auto real_twid = x.grid<float>("real_twid");
  const auto img_twid = x.grid<float>("img_twid");

  std::uint32_t round = 0;
  for (std::uint32_t span = n >> 1; span != 0; span >>= 1, ++round) {
    for (std::uint32_t odd = span; odd < n; ++odd) {
      odd |= span;
      const std::uint32_t even = odd ^ span;
      float temp = real(even) + real(odd);
      real(odd) = real(even) - real(odd);
      real(even) = temp;
      temp = img(even) + img(odd);
      img(odd) = img(even) - img(odd);
      img(even) = temp;
      const std::uint32_t root = (even << round) & (n - 1);
      if (root != 0) {
        temp = real_twid(root) * real(odd) - img_twid(root) * img(odd);
        img(odd) = real_twid(root) * img(odd) + img_twid(root) * real(odd);
        real(odd) = temp;
      }
    }
  }
}

/// Element i of a table of n/2 roots of unity is exp(-2 pi i / n).
void half_circle(Operands& x) {
  const auto real = x.grid<float>("real_twid");
  const auto img = x.grid<float>("img_twid");
  for (int i = 0; i < real.extent(0); ++i) {
    const double angle = -std::numbers::pi * i / real.extent(0);
    real(i) = static_cast<float>(std::cos(angle));
    img(i) = static_cast<float>(std::sin(angle));
  }
}

// fft/transpose: 512 points as three rounds of 64 eight-point transforms, with a rotation by
// twiddle factors and a transposition between rounds

constexpr int kThreads = 64;
constexpr float kSqrtHalf = 0.70710678F;
/// The order in which an eight-point transform leaves its results: bits reversed.
constexpr std::array<int, 8> kReversed = {0, 4, 2, 6, 1, 5, 3, 7};

/// The eight-point transform of (x, y), results in bit-reversed order.
KernelPtr fft8_kernel() {
  KernelBuilder k("fft8", "an eight-point Fourier transform in place");
  ArrayHandle x = k.inout("x", float32_type(), {8});
  ArrayHandle y = k.inout("y", float32_type(), {8});
  Element temp = k.scalar("temp", float32_type());
  // (p, q) = (p + q, p - q)
  const auto butterfly = [&](int p, int q) {
    for (const ArrayHandle& part : {x, y}) {
      temp = part(p);
      part(p) = temp + part(q);
      part(q) = temp - part(q);
    }
  };
  // p times -i
  const auto quarter_turn = [&](int p) {
    temp = x(p);
    x(p) = y(p);
    y(p) = -temp;
  };

  for (int p = 0; p < 4; ++p) butterfly(p, p + 4);
  temp = x(5);  // times (1 - i) / sqrt(2)
  x(5) = (temp + y(5)) * kSqrtHalf;
  y(5) = (y(5) - temp) * kSqrtHalf;
  quarter_turn(6);
  temp = x(7);  // times (-1 - i) / sqrt(2)
  x(7) = (y(7) - temp) * kSqrtHalf;
  y(7) = (-temp - y(7)) * kSqrtHalf;
  for (const int half : {0, 4}) {
    butterfly(half, half + 2);
    butterfly(half + 1, half + 3);
    quarter_turn(half + 3);
    butterfly(half, half + 1);
    butterfly(half + 2, half + 3);
  }
  return k.build();
}

KernelPtr fft_transpose_kernel() {
  KernelBuilder k("fft_transpose", "the Fourier transform of 512 numbers, in place");
  ArrayHandle work_x = k.inout("work_x", float32_type(), {8 * kThreads});
  ArrayHandle work_y = k.inout("work_y", float32_type(), {8 * kThreads});
  ArrayHandle twid1_x = k.input("twid1_x", float32_type(), {kThreads, 8});
  ArrayHandle twid1_y = k.input("twid1_y", float32_type(), {kThreads, 8});
  ArrayHandle twid2_x = k.input("twid2_x", float32_type(), {8, 8});
  ArrayHandle twid2_y = k.input("twid2_y", float32_type(), {8, 8});
  ArrayHandle reversed = k.table("reversed", uint_type(3), {8}, {0, 4, 2, 6, 1, 5, 3, 7});
  ArrayHandle data_x = k.local("data_x", float32_type(), {kThreads, 8});
  ArrayHandle data_y = k.local("data_y", float32_type(), {kThreads, 8});
  ArrayHandle smem = k.local("smem", float32_type(), {8 * 8 * 9});
  Element temp = k.scalar("temp", float32_type());

  const KernelPtr fft8 = fft8_kernel();
  const auto transform = [&](const Expr& tid) {
    k.call(fft8, {data_x.slice({tid}), data_y.slice({tid})});
  };
  const auto rotate = [&](const Expr& tid, const ArrayHandle& twid_x, const ArrayHandle& twid_y,
                          const Expr& row) {
    k.loop("j", 1, 8, [&](Expr j) {
      temp = data_x(tid, j);
      data_x(tid, j) = data_x(tid, j) * twid_x(row, j) - data_y(tid, j) * twid_y(row, j);
      data_y(tid, j) = temp * twid_y(row, j) + data_y(tid, j) * twid_x(row, j);
    });
  };
  // Row tid of data goes into smem with `pitch` between its elements, at 8 hi + lo (where tid is
  // 8 hi + lo), and comes back with 8 between them, from `from`(hi, lo).
  const auto exchange = [&](const ArrayHandle& data, int pitch,
                            const std::function<Expr(Expr, Expr)>& from) {
    k.loop("tid", 0, kThreads, [&](Expr tid) {
      k.loop("j", 0, 8, [&](Expr j) { smem(reversed(j) * pitch + tid) = data(tid, j); });
    });
    k.loop("tid", 0, kThreads, [&](Expr tid) {
      k.loop("j", 0, 8, [&](Expr j) { data(tid, j) = smem(8 * j + from(tid / 8, tid % 8)); });
    });
  };

  k.loop("tid", 0, kThreads, [&](Expr tid) {
    k.loop("j", 0, 8, [&](Expr j) {
      data_x(tid, j) = work_x(kThreads * j + tid);
      data_y(tid, j) = work_y(kThreads * j + tid);
    });
    transform(tid);
    rotate(tid, twid1_x, twid1_y, tid);
  });
  for (const ArrayHandle& data : {data_x, data_y}) {
    exchange(data, 66, [](const Expr& hi, const Expr& lo) { return 66 * lo + hi; });
  }
  k.loop("tid", 0, kThreads, [&](Expr tid) {
    transform(tid);
    rotate(tid, twid2_x, twid2_y, tid / 8);
  });
  for (const ArrayHandle& data : {data_x, data_y}) {
    exchange(data, 72, [](const Expr& hi, const Expr& lo) { return 72 * hi + lo; });
  }
  k.loop("tid", 0, kThreads, [&](Expr tid) {
    transform(tid);
    k.loop("j", 0, 8, [&](Expr j) {
      work_x(kThreads * j + tid) = data_x(tid, reversed(j));
      work_y(kThreads * j + tid) = data_y(tid, reversed(j));
    });
  });
  return k.build();
}

using Eight = std::array<float, 8>;

void fft8_plain(Eight& x, Eight& y) {
  const auto butterfly = [&](std::size_t p, std::size_t q) {
    for (Eight* part : {&x, &y}) {
      const float before = (*part)[p];
      (*part)[p] = before + (*part)[q];
      (*part)[q] = before - (*part)[q];
    }
  };
  const auto quarter_turn = [&](std::size_t p) {
    const float before = x[p];
    x[p] = y[p];
    y[p] = -before;
  };

  for (std::size_t p = 0; p < 4; ++p) butterfly(p, p + 4);
  float before = x[5];
  x[5] = (before + y[5]) * kSqrtHalf;
  y[5] = (y[5] - before) * kSqrtHalf;
  quarter_turn(6);
  before = x[7];
  x[7] = (y[7] - before) * kSqrtHalf;
  y[7] = (-before - y[7]) * kSqrtHalf;
  for (const std::size_t half : {0U, 4U}) {
    butterfly(half, half + 2);
    butterfly(half + 1, half + 3);
    quarter_turn(half + 3);
    butterfly(half, half + 1);
    butterfly(half + 2, half + 3);
  }
}

void fft_transpose_plain(Operands& o) {
  const auto work_x = o.grid<float>("work_x");
  const auto work_y = o.grid<float>("work_y");
  const auto twid1_x = o.grid<float>("twid1_x");
  const auto twid1_y = o.grid<float>("twid1_y");
  const auto twid2_x = o.grid<float>("twid2_x");
  const auto twid2_y = o.grid<float>("twid2_y");
  std::array<Eight, kThreads> data_x{};
  std::array<Eight, kThreads> data_y{};
  const auto rotate = [](Eight& x, Eight& y, const Grid<float>& twid_x, const Grid<float>& twid_y,
                         std::size_t row) {
    for (std::size_t j = 1; j < 8; ++j) {
      const float before = x[j];
      x[j] = x[j] * twid_x(row, j) - y[j] * twid_y(row, j);
      y[j] = before * twid_y(row, j) + y[j] * twid_x(row, j);
    }
  };
  const auto exchange = [](std::array<Eight, kThreads>& data, std::size_t pitch, auto from) {
    std::array<float, std::size_t{8} * 8 * 9> smem{};
    for (std::size_t tid = 0; tid < kThreads; ++tid) {
      for (std::size_t j = 0; j < 8; ++j) {
        smem.at(static_cast<std::size_t>(kReversed[j]) * pitch + tid) = data[tid][j];
      }
    }
    for (std::size_t tid = 0; tid < kThreads; ++tid) {
      for (std::size_t j = 0; j < 8; ++j) data[tid][j] = smem.at(8 * j + from(tid / 8, tid % 8));
    }
  };

  for (std::size_t tid = 0; tid < kThreads; ++tid) {
    for (std::size_t j = 0; j < 8; ++j) {
      data_x[tid][j] = work_x(kThreads * j + tid);
      data_y[tid][j] = work_y(kThreads * j + tid);
    }
    fft8_plain(data_x[tid], data_y[tid]);
    rotate(data_x[tid], data_y[tid], twid1_x, twid1_y, tid);
  }
  for (auto* data : {&data_x, &data_y}) {
    exchange(*data, 66, [](std::size_t hi, std::size_t lo) { return 66 * lo + hi; });
  }
  for (std::size_t tid = 0; tid < kThreads; ++tid) {
    fft8_plain(data_x[tid], data_y[tid]);
    rotate(data_x[tid], data_y[tid], twid2_x, twid2_y, tid / 8);
  }
  for (auto* data : {&data_x, &data_y}) {
    exchange(*data, 72, [](std::size_t hi, std::size_t lo) { return 72 * hi + lo; });
  }
  for (std::size_t tid = 0; tid < kThreads; ++tid) {
    fft8_plain(data_x[tid], data_y[tid]);
    for (std::size_t j = 0; j < 8; ++j) {
      work_x(kThreads * j + tid) = data_x[tid][static_cast<std::size_t>(kReversed[j])];
      work_y(kThreads * j + tid) = data_y[tid][static_cast<std::size_t>(kReversed[j])];
    }
  }
}

/// Element (row, j) is exp(-2 pi i reversed[j] row / points).
void twiddles(Operands& o, const std::string& name, int points) {
  const auto x = o.grid<float>(name + "_x");
  const auto y = o.grid<float>(name + "_y");
  for (int row = 0; row < x.extent(0); ++row) {
    for (std::size_t j = 0; j < 8; ++j) {
      const double angle = -2 * std::numbers::pi * kReversed[j] * row / points;
      x(row, j) = static_cast<float>(std::cos(angle));
      y(row, j) = static_cast<float>(std::sin(angle));
    }
  }
}

}  // namespace

std::vector<Workload> machsuite_fft(Size size) {
  const int rounds = size == Size::kSmall ? 7 : 10;
  return {
      make_workload("fft/strided", fft_strided_kernel(), {{"n", 1 << rounds}, {"rounds", rounds}},
                    fft_strided_plain, half_circle),
      make_workload("fft/transpose", fft_transpose_kernel(), {}, fft_transpose_plain,
                    [](Operands& x) {
                      twiddles(x, "twid1", 8 * kThreads);
                      twiddles(x, "twid2", kThreads);
                    }),
  };
}

}  // namespace heddle::kernel
