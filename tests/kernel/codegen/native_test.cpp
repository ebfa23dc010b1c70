// Kernels as native code: what the interpreter computes, for every kind of statement.
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <regex>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "kernel/codegen/cpp/native.h"
#include "kernel/interpret.h"
#include "kernel/text.h"
#include "support/scratch.h"

namespace heddle::kernel {
namespace {

/// The arguments of one run: sizes as given, arrays with values of every kind.
class Operands {
 public:
  Operands(const Kernel& kernel, const std::vector<std::int64_t>& sizes, unsigned seed) {
    std::size_t next = 0;
    for (const Parameter& parameter : kernel.parameters) {
      const auto* scalar = std::get_if<ScalarParameter>(&parameter);
      if (scalar == nullptr) {
        arguments_.emplace_back(static_cast<Buffer*>(nullptr));
      } else {
        arguments_.emplace_back(Scalar{scalar->type, sizes.at(next++), 0});
      }
    }
    std::mt19937_64 random(seed);
    const auto shapes = argument_shapes(kernel, arguments_);
    for (std::size_t i = 0; i < arguments_.size(); ++i) {
      const auto* array = std::get_if<ArrayParameter>(&kernel.parameters[i]);
      if (array == nullptr) continue;
      buffers_.push_back(std::make_unique<Buffer>(array->array.element, shapes[buffers_.size()]));
      arguments_[i] = buffers_.back().get();
      if (array->direction == Direction::kOut) continue;
      for (std::int64_t e = 0; e < buffers_.back()->size(); ++e) {
        // Small, so that exact sums stay within their types.
        buffers_.back()->set(e, static_cast<double>(random() % 32) - 16);
      }
    }
  }

  [[nodiscard]] std::span<const Argument> arguments() const { return arguments_; }
  [[nodiscard]] bool equals(const Operands& other) const {
    for (std::size_t i = 0; i < buffers_.size(); ++i) {
      if (!(*buffers_[i] == *other.buffers_[i])) return false;
    }
    return true;
  }

 private:
  std::vector<std::unique_ptr<Buffer>> buffers_;
  std::vector<Argument> arguments_;
};

NativeOptions options_in(const Scratch& cache, int threads = 1) {
  NativeOptions options;
  options.threads = threads;
  options.cache = cache.path();
  return options;
}

struct Program {
  std::string text;
  std::vector<std::int64_t> sizes{};
};

/// Runs each program as native code, on one thread and on three, and by the interpreter.
void expect_bits_of_interpreter(const std::vector<Program>& programs) {
  std::vector<KernelPtr> kernels;
  for (const Program& program : programs) kernels.push_back(parse_kernel(program.text, "test"));
  for (const int threads : {1, 3}) {
    const Scratch cache;
    const NativeLibrary library(kernels, options_in(cache, threads));
    for (std::size_t i = 0; i < programs.size(); ++i) {
      const Operands before(*kernels[i], programs[i].sizes, 7);
      const Operands expected(*kernels[i], programs[i].sizes, 7);
      interpret(*kernels[i], expected.arguments());
      ASSERT_FALSE(expected.equals(before)) << "nothing is computed by\n" << programs[i].text;
      for (int repeat = 0; repeat < 2; ++repeat) {
        const Operands got(*kernels[i], programs[i].sizes, 7);
        library.run(got.arguments(), i);
        EXPECT_TRUE(got.equals(expected))
            << threads << " threads:\n"
            << programs[i].text << "\n"
            << emit_cpp(std::span(&kernels[i], 1), options_in(cache, threads));
      }
    }
  }
}

TEST(Native, LoopsChoicesAndReductionsGiveTheBitsOfTheInterpreter) {
  expect_bits_of_interpreter({
      {R"(kernel gemm(a: in int<8>[5, 9], b: in int<8>[9, 7], c: out int<32>[5, 7]) {
            for i in 0..5 {
              for j in 0..7 {
                var sum: int<32>
                sum = 0
                for k in 0..9 { sum += a[i, k] * b[k, j] }
                c[i, j] = sum
              }
            }
          })"},
      {R"(kernel triangle(n: index, a: in float32[n, n], sums: out float32[n]) {
            for i in 0..n {
              sums[i] = 0.0
              for j in i..n { sums[i] += a[i, j] * 0.3 }
            }
          })",
       {13}},
      {R"(kernel marks(a: in int<8>[12, 8], c: out int<16>[12, 8], least: out int<8>[8]) {
            for j in 0..8 {
              least[j] = 100
              for i in 0..12 { least[j] min= a[i, j] }
            }
            for i_1 in 0..3 {
              for r in 0..4 unroll {
                for j_1 in 0..8 unroll {
                  if a[i_1 * 4 + r, j_1] < 0 {
                    c[i_1 * 4 + r, j_1] = -a[i_1 * 4 + r, j_1]
                  } else {
                    if j_1 >= 4 { c[i_1 * 4 + r, j_1] = 1000 } else { c[i_1 * 4 + r, j_1] = index(3) - j_1 }
                  }
                }
              }
            }
          })"},
      {R"(kernel bounds(begin: in int<8>[6], c: inout int<32>[40]) {
            for i in 0..6 {
              for j in abs(index(begin[i]))..abs(index(begin[i])) + 4 unroll { c[j] += 3 }
              for k in max(index(0), index(begin[i]))..min(i * 7, index(40)) { c[k] *= 2 }
            }
          })"},
      {R"(kernel negative(c: out int<32>[40]) {
            for i in 0..40 { c[i] = int<32>((i - 20) / 7 * 100 + (i - 20) % 7) }
          })"},
      {R"(kernel narrow(a: in bfloat16[9], b: in bool[9], c: out bfloat16[9], d: out bool[9], e: out float32[9]) {
            for i in 0..9 {
              c[i] = select(b[i], a[i] * 0.37, a[i] / 3.0)
              d[i] = b[i] && a[i] > 0.0 || !b[i] && a[i] <= -3.0
              e[i] = float32(a[i]) + c[i]
            }
          })"},
  });
}

TEST(Native, GuardsKeepFromEvaluatingTheOtherSide) {
  expect_bits_of_interpreter({
      {R"(kernel lazy(a: in int<8>[10], c: out int<32>[10]) {
            for i in 0..10 {
              c[i] = select(a[i] == 0, 0, 1000 / int<16>(a[i]))
              if i < 9 && a[i + 1] != 0 {
                c[i] = 7
              }
              if i == 0 || 100 / i > 20 { c[i] = 8 }
            }
          })"},
  });
}

TEST(Native, WindowsAndCallsGiveTheBitsOfTheInterpreter) {
  const std::string add = R"(
    kernel add_rows(n: index, x: in int<16>[n], y: in int<16>[n], z: out int<16>[n]) {
      for i in 0..n { z[i] = int<16,wrap>(x[i] + y[i]) }
    })";
  expect_bits_of_interpreter({
      {add + R"(kernel rows(a: in int<16>[4, 10], c: out int<16>[3, 10]) {
                  for r in 0..3 { call add_rows(10, a[r, 0 : ], a[r + 1, 0 : ], c[r, 0 : ]) }
                })"},
      {add + R"(kernel columns(n: index, a: in int<16>[n, 6, 3], c: out int<16>[n, 2]) {
                  for s in 0..2 { call add_rows(n, a[0 : , s, 1], a[0 : , 5, s], c[0 : , s]) }
                })",
       {11}},
      // What is read may overlap what is written, and sees it.
      {add + R"(kernel in_place(a: inout int<16>[100]) {
                  for r in 0..3 { call add_rows(60, a[r * 5 : ], a[5 * r + 2 : ], a[r * 5 + 3 : ]) }
                })"},
      {R"(kernel halve(x: in int<16>, y: out int<16>) { y = x >> 1 }
          kernel square(x: in int<16>[2, 2], y: inout int<16>[2, 2], z: out int<16>) {
            for i in 0..2 {
              for j in 0..2 { y[i, j] += int<16,wrap>(x[j, i] * 3) }
            }
            call halve(y[0, 1], z)
          }
          kernel scalars(a: in int<16>[6, 6], b: inout int<16>[3, 3, 4], c: out int<16>[3]) {
            for i in 0..2 {
              var last: int<16>
              call square(a[i * 2 : , 3 : ], b[i : , 2, 1 : ], last)
              c[i] = last
            }
            call halve(a[5, 5], c[2])
          })"},
  });
}

TEST(Native, FunctionsAndTablesGiveTheBitsOfTheInterpreter) {
  expect_bits_of_interpreter({
      {R"(func cube(x: float32) -> float32 {
            let square = x * x
            return square * x
          }
          func clip(x: int<16>, limit: int<16>) -> int<17> {
            return min(max(x, -limit), limit)
          }
          kernel functions(a: in float32[10], b: in int<16>[10], c: out float32[10], d: out int<32>[10]) {
            table weights: float32[2, 3] = {0.1, -0.2, 3.0, 1e30, 5.5, 6.0}
            table names: uint<3>[4] = {7, 0, 3, 1}
            for i in 0..10 {
              c[i] = cube(a[i] + 0.5) * weights[i % 2, i / 4]
              d[i] = clip(b[i], 5) + names[i / 3]
            }
          })"},
      // Words of C++ and of the emitted text as names.
      {R"(func exp(double: float32) -> float32 {
            let return_1 = double + double
            return return_1
          }
          kernel long(new: in float32[4], std: out float32[4], run: in int<8>[4], arguments: index, heddle: inout int<8>[arguments]) {
            for auto in 0..4 {
              var INT8_MAX: float32
              INT8_MAX = exp(new[auto])
              std[auto] = INT8_MAX
            }
            for from in 0..arguments parallel { heddle[from] = run[from % 4] }
          })",
       {9}},
  });
}

TEST(Native, LargeAndUnknownLocalArraysGiveTheBitsOfTheInterpreter) {
  expect_bits_of_interpreter({
      {R"(kernel reverse(n: index, x: in int<32>[n], y: out int<32>[n]) {
            var copy: int<32>[n, 2]
            for i in 0..n { copy[n - 1 - i, 1] = x[i] }
            for j in 0..n { y[j] = copy[j, 1] }
          }
          kernel locals(n: index, a: in int<32>[4, n], c: out int<32>[4, n], d: out int<32>[8]) {
            var large: int<32>[8, 4000]
            for i in 0..8 {
              for j in 0..4000 { large[i, j] = int<32>(i * j) }
            }
            for r in 0..4 parallel {
              var small: int<32>[8]
              var tile: int<32>[n]
              call reverse(n, a[r, 0 : ], tile[0 : ])
              for k in 0..n {
                small[k % 8] = tile[k]
                c[r, k] = small[k % 8] + large[r, k]
              }
            }
            for s in 0..8 { d[s] = large[s, 3999] }
          })",
       {50}},
  });
}

TEST(Native, MemoryOfLocalArraysGrowsFromRunToRun) {
  const Scratch cache;
  const KernelPtr kernel = parse_kernel(R"(
      kernel inner(n: index, c: inout int<32>[n]) {
        var copy: int<32>[n]
        for i in 0..n { copy[i] = c[n - 1 - i] }
        for j in 0..n { c[j] = copy[j] }
      }
      kernel outer(n: index, a: in int<32>[n], c: out int<32>[n]) {
        var two: int<32>[2, n]
        for i in 0..n {
          two[0, i] = a[i]
          two[1, i] = 5
        }
        call inner(n, two[0, 0 : ])
        for j in 0..n { c[j] = int<32,wrap>(two[0, j] * two[1, j]) }
      })",
                                        "test");
  const NativeLibrary library({kernel}, options_in(cache));
  for (const std::int64_t n : {10, 100000, 300000, 5, 200000}) {
    const Operands got(*kernel, {n}, 7);
    const Operands expected(*kernel, {n}, 7);
    library.run(got.arguments());
    const std::int64_t last = n - 1;
    for (const std::int64_t i : {std::int64_t{0}, n / 2, last}) {
      const auto& in = *std::get<Buffer*>(expected.arguments()[1]);
      const auto& out = *std::get<Buffer*>(got.arguments()[2]);
      ASSERT_TRUE(out.get(i).raw == in.get(last - i).raw * 5) << i << " of " << n;
    }
  }
}

TEST(Native, ProcessesAndStreamsGiveTheBitsOfTheInterpreter) {
  expect_bits_of_interpreter({
      {R"(kernel produce(x: in int<16>[20], s: out stream int<16>) {
            for i in 0..20 { put s, x[i] }
          }
          kernel pipeline(a: in int<16>[20], b: in bfloat16[20], c: out int<32>[20], d: out bfloat16[20]) {
            stream first: int<16> depth(20)
            stream lanes: int<32>[2, 2] depth(20)
            stream halves: bfloat16 depth(20)
            dataflow {
              process load { call produce(a[0 : ], first) }
              process double {
                for i in 0..20 {
                  var x: int<16>
                  get first, x
                  put lanes[i % 2, i / 2 % 2], x + x
                  put halves, b[i]
                }
              }
              process store {
                for j in 0..20 {
                  get lanes[j % 2, j / 2 % 2], c[j]
                  get halves, d[19 - j]
                }
              }
            }
          })"},
      {R"(kernel handed_on(x: in stream int<8>[3], y: out stream int<8>[3], n: index) {
            for i in 0..n {
              for channel in 0..3 {
                var v: int<8>
                get x[channel], v
                put y[channel], -v
              }
            }
          }
          kernel many(a: in int<8>[30, 3], c: out int<8>[30, 3]) {
            for tile in 0..3 {
              stream s: int<8>[3] depth(10)
              stream t: int<8>[3] depth(10)
              dataflow {
                process load {
                  for i in 0..10 {
                    for j in 0..3 { put s[j], a[tile * 10 + i, j] }
                  }
                }
                process work { call handed_on(s, t, 10) }
                process store {
                  for k in 0..10 {
                    for l in 0..3 { get t[l], c[tile * 10 + k, l] }
                  }
                }
              }
            }
          })"},
  });
}

TEST(Native, ParallelLoopsGiveTheBitsOfTheInterpreter) {
  expect_bits_of_interpreter({
      {R"(kernel rows(n: index, a: in float32[n, 30], scale: in float32, c: out float32[n, 30]) {
            for i in 0..n parallel {
              for j in 0..30 parallel { c[i, j] = a[i, j] * scale + float32(i) }
            }
          }
          kernel twice(n: index, a: in float32[n, 30], c: out float32[n, 30], d: out float32[n, 30]) {
            var factor: float32
            factor = 1.5
            call rows(n, a[0 : , 0 : ], factor, c[0 : , 0 : ])
            for start in 3..n parallel {
              var row: float32[30]
              for j in 0..30 { row[j] = c[start, j] * factor }
              for k in 0..30 { d[start, k] = row[29 - k] }
            }
            for rest in 0..3 {
              call rows(1, a[rest : , 0 : ], factor, d[rest : , 0 : ])
            }
          })",
       {101}},
      {R"(kernel nothing(n: index, c: inout int<8>[4]) {
            for i in 5..n parallel { c[0] = 1 }
            c[1] = 99
          })",
       {2}},
  });
}

/// Four sums of two products, with a native text that counts as right only if it is used.
std::string dot(const std::string& needs, const std::string& native_sum) {
  return R"(instruction dot(a: in int<8>[4, 2], b: in int<8>[2], c: inout int<32>[4]) {
              for i in 0..4 {
                for k in 0..2 { c[i] += a[i, k] * b[k] }
              }
            }
            native "for (int i = 0; i < 4; ++i) {"
                   "  )" +
         native_sum + R"("
                   "}"
            )" +
         needs + R"( dense(1, 1, 1)
            kernel calls(a: in int<8>[12, 2], b: in int<8>[2, 3], c: inout int<32>[3, 4]) {
              for t in 0..3 { call dot(a[t * 4 : , 0 : ], b[0 : , t], c[t, 0 : ]) }
            })";
}

std::int32_t first_sum(const std::string& text, bool intrinsics) {
  const Scratch cache;
  const KernelPtr kernel = parse_kernel(text, "test");
  NativeOptions options = options_in(cache);
  options.intrinsics = intrinsics;
  const NativeLibrary library({kernel}, options);
  Buffer a(int_type(8), {12, 2});
  Buffer b(int_type(8), {2, 3});
  Buffer c(int_type(32), {3, 4});
  for (std::int64_t i = 0; i < 24; ++i) a.set(i, static_cast<double>(i + 1));
  for (std::int64_t i = 0; i < 6; ++i) b.set(i, static_cast<double>(2 * i + 3));
  const std::vector<Argument> arguments = {&a, &b, &c};
  library.run(arguments);
  return c.as<std::int32_t>()[0];
}

TEST(Native, InstructionsAreNativeTextWhereTheProcessorHasThem) {
  const std::string right =
      "c[i] += a[i * a_stride0] * b[0] + a[i * a_stride0 + 1] * b[b_stride0];";
  EXPECT_EQ(first_sum(dot("", right), true), 1 * 3 + 2 * 9);
  EXPECT_EQ(first_sum(dot("", right), false), 1 * 3 + 2 * 9);
  EXPECT_EQ(first_sum(dot("", "c[i] = 1234;"), true), 1234);
  EXPECT_EQ(first_sum(dot("", "c[i] = 1234;"), false), 1 * 3 + 2 * 9);
  EXPECT_EQ(first_sum(dot("needs(\"no such feature\")", "c[i] = 1234;"), true), 1 * 3 + 2 * 9);
}

TEST(Native, ErrorsNameTheArgumentsThatDoNotFit) {
  const Scratch cache;
  const KernelPtr kernel = parse_kernel(
      "kernel copy(a: in int<8>[4], c: out int<8>[4]) { for i in 0..4 { c[i] = a[i] } }", "test");
  const NativeLibrary library({kernel}, options_in(cache));
  Buffer right(int_type(8), {4});
  Buffer long_one(int_type(8), {5});
  const std::vector<Argument> too_long = {&right, &long_one};
  const std::vector<Argument> twice = {&right, &right};
  EXPECT_THROW(library.run(too_long), UserError);
  try {
    library.run(twice);
    FAIL() << "one buffer was taken for input and output";
  } catch (const UserError& error) {
    EXPECT_NE(std::string(error.what()).find("a and c are one buffer"), std::string::npos);
  }
}

TEST(Native, KernelsWithStreamParametersAreNotRunByThemselves) {
  const std::vector<KernelPtr> kernels = {
      parse_kernel("kernel feed(s: out stream int<8>) { put s, 1 }", "test")};
  EXPECT_THROW((void)emit_cpp(kernels), UserError);
}

TEST(Native, RunsOfOneLibraryMayComeFromSeveralThreads) {
  const Scratch cache;
  const KernelPtr kernel = parse_kernel(R"(
      kernel sums(n: index, a: in int<32>[n], c: out int<32>[n]) {
        var large: int<32>[n, 100]
        for i in 0..n parallel {
          for j in 0..100 { large[i, j] = int<32>(i + j) }
          c[i] = a[i] + large[i, 99]
        }
      })",
                                        "test");
  const NativeLibrary library({kernel}, options_in(cache, 2));
  const Operands expected(*kernel, {300}, 3);
  interpret(*kernel, expected.arguments());
  std::vector<std::thread> threads;
  std::atomic<int> right = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      const Operands got(*kernel, {300}, 3);
      for (int i = 0; i < 20; ++i) library.run(got.arguments());
      if (got.equals(expected)) ++right;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 4);
}

TEST(Native, TextIsTheSameForTheSameKernelsAndKeepsNames) {
  const std::vector<KernelPtr> kernels = {parse_kernel(R"(
      kernel twice(n: index, input: in int<8>[n], output: out int<16>[n]) {
        # Twice the input.
        for element in 0..n { output[element] = input[element] << 1 }
      })",
                                                       "test")};
  const std::string text = emit_cpp(kernels);
  EXPECT_EQ(text, emit_cpp(kernels));
  EXPECT_NE(text.find("// Twice the input.\nstatic inline void twice(std::int64_t n, const "
                      "std::int8_t* __restrict input, std::int16_t* __restrict output) {\n"
                      "  for (std::int64_t element = 0; element < n; ++element) {\n"
                      "    output[element] = input[element] << 1;\n"),
            std::string::npos)
      << text;
}

}  // namespace
}  // namespace heddle::kernel
