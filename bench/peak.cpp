// heddle_bench_peak: how many multiply-adds per second this machine's processors can do at best,
// from loops that touch registers only. What matrix products are compared with.
#include <fmt/core.h>
#include <immintrin.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <string_view>
#include <vector>

#include "base/threads.h"

namespace {

constexpr int kChains =
    12;  // Few enough for the registers of AVX2, enough to hide the latency of one.
constexpr long kSteps = 4'000'000;

// The empty assembly makes the compiler believe that each sum is used in each step.
[[gnu::target("avx2,fma")]] void run_avx2() {
  __m256 sums[kChains] = {};
  const __m256 a = _mm256_set1_ps(0.5F);
  for (long step = 0; step < kSteps; ++step) {
#pragma GCC unroll 16
    for (__m256& sum : sums) {
      sum = _mm256_fmadd_ps(sum, a, a);
      asm volatile("" : "+x"(sum));
    }
  }
}

[[gnu::target("avx512f")]] void run_avx512() {
  __m512 sums[kChains] = {};
  const __m512 a = _mm512_set1_ps(0.5F);
  for (long step = 0; step < kSteps; ++step) {
#pragma GCC unroll 16
    for (__m512& sum : sums) {
      sum = _mm512_fmadd_ps(sum, a, a);
      asm volatile("" : "+v"(sum));
    }
  }
}

[[gnu::target("avx512f,avx512bf16")]] void run_bf16() {
  __m512 sums[kChains] = {};
  const __m512bh a = _mm512_cvtne2ps_pbh(_mm512_set1_ps(0.5F), _mm512_set1_ps(0.5F));
  for (long step = 0; step < kSteps; ++step) {
#pragma GCC unroll 16
    for (__m512& sum : sums) {
      sum = _mm512_dpbf16_ps(sum, a, a);
      asm volatile("" : "+v"(sum));
    }
  }
}

[[gnu::target("avx512f,avx512vnni")]] void run_int8() {
  __m512i sums[kChains] = {};
  const __m512i a = _mm512_set1_epi8(1);
  for (long step = 0; step < kSteps; ++step) {
#pragma GCC unroll 16
    for (__m512i& sum : sums) {
      sum = _mm512_dpbusd_epi32(sum, a, a);
      asm volatile("" : "+v"(sum));
    }
  }
}

/// Median of 7 runs of `loop` on all threads of the pool: billions of operations per second, a
/// multiply-add being two.
double measure(heddle::ThreadPool& pool, void (*loop)(), int multiply_adds_per_step) {
  std::vector<double> rates;
  for (int run = 0; run < 7; ++run) {
    const auto start = std::chrono::steady_clock::now();
    pool.parallel_for(static_cast<std::size_t>(pool.size()), [&](std::size_t, int) { loop(); });
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    const double work = 2.0 * multiply_adds_per_step * kChains * static_cast<double>(kSteps);
    rates.push_back(work * pool.size() / seconds.count() / 1e9);
  }
  std::nth_element(rates.begin(), rates.begin() + 3, rates.end());
  return rates[3];
}

int usage() {
  fmt::print(stderr, "usage: heddle_bench_peak [--threads N] [--json]\n");
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  int threads = heddle::default_threads();
  bool json = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--json") {
      json = true;
    } else if (argument == "--threads" && i + 1 < argc) {
      const std::string_view number = argv[++i];
      const auto result = std::from_chars(number.begin(), number.end(), threads);
      if (result.ec != std::errc() || threads < 1) return usage();
    } else {
      return usage();
    }
  }
  heddle::ThreadPool pool(threads);
  double f32 = 0, bf16 = 0, int8 = 0;
  if (__builtin_cpu_supports("avx2") != 0) f32 = measure(pool, run_avx2, 8);
  if (__builtin_cpu_supports("avx512f") != 0) f32 = std::max(f32, measure(pool, run_avx512, 16));
  if (__builtin_cpu_supports("avx512bf16") != 0) bf16 = measure(pool, run_bf16, 32);
  if (__builtin_cpu_supports("avx512vnni") != 0) int8 = measure(pool, run_int8, 64);
  if (json) {
    fmt::print(
        "{{\"threads\":{},\"f32_gflops\":{:.1f},\"bf16_gflops\":{:.1f},\"int8_gops\":{:.1f}}}\n",
        threads, f32, bf16, int8);
  } else {
    fmt::print("{} threads: {:.1f} GFLOP/s in float32, {:.1f} in bfloat16, {:.1f} Gop/s in int8\n",
               threads, f32, bf16, int8);
  }
  return 0;
}
