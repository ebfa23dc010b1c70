// Pairs of a kernel and a step, half of them illegal: every verdict of the schedule must be right.
// A legal step must also keep the result; what each nest depends on is said beside it.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "base/error.h"
#include "kernel/interpret.h"
#include "kernel/schedule/schedule.h"
#include "kernel/text.h"

namespace heddle::kernel {
namespace {

/// `legal` and `illegal` hold one schedule a line, steps separated by ";": the last one is judged,
/// those before it are legal.
struct Nest {
  std::string name;
  std::string text;
  std::string legal;
  std::string illegal;
};

const std::vector<Nest>& nests() {
  static const std::vector<Nest> list = {
      {"elementwise",  // nothing depends on anything
       R"(kernel f(a: in int<16>[8, 12], b: out int<17>[8, 12]) {
            for i in 0..8 { for j in 0..12 { b[i, j] = a[i, j] + 1 } } })",
       R"(split i 4
          split j 5
          tile i j 2 4
          tile i j 3 5
          reorder j i
          fuse i j
          unroll j
          unroll i 2
          pipeline j
          pipeline i
          parallel i
          parallel j
          peel j 5
          stage a i
          stage b i
          pack b 4
          bank a 3
          reshape b 96
          split j 4; reorder j_o i j_i
          unroll j; parallel i)",
       R"(split i 0
          split nowhere 4
          fuse j i
          pipeline i 0
          partition a 0 cyclic 2
          reshape b 95
          pack b 5
          transpose a 1 0
          reorder i i
          store_in a bram
          unroll j; pipeline j
          pipeline j; unroll j
          stream a 2
          dataflow
          stage a i; stage a nowhere
          inline f)"},
      {"diagonal",  // distance (1, -1)
       R"(kernel f(a: inout int<32,wrap>[16, 16]) {
            for i in 1..16 { for j in 0..15 { a[i, j] = a[i - 1, j + 1] + 1 } } })",
       R"(parallel j
          split i 4
          split j 4
          fuse i j
          unroll j
          pipeline j
          split j 5; reorder i j_o j_i)",
       R"(tile i j 4 4
          reorder j i
          parallel i
          split j 4; reorder j_o i j_i
          fuse i j; parallel i_j
          split i 4; parallel i_o
          reuse_at a i)"},
      {"forward",  // distance (1, 1): every order of the two loops keeps it
       R"(kernel f(a: inout int<32,wrap>[16, 16]) {
            for i in 1..16 { for j in 1..16 { a[i, j] = a[i - 1, j - 1] + 1 } } })",
       R"(tile i j 4 4
          reorder j i
          parallel j
          reorder j i; parallel i)",
       R"(parallel i
          reorder j i; parallel j)"},
      {"reversal",  // a[i] and a[15 - i] trade values: i and 15 - i depend on each other
       R"(kernel f(a: inout int<16,wrap>[16]) {
            for i in 0..16 { a[i] = a[15 - i] + 1 } })",
       R"(split i 4
          unroll i
          pipeline i
          peel i 3)",
       R"(parallel i
          split i 4; reorder i_i i_o
          split i 4; parallel i_o
          reuse_at a i)"},
      {"reversed_copy",  // other arrays: nothing depends
       R"(kernel f(a: in int<16>[16], b: out int<16>[16]) {
            for i in 0..16 { b[15 - i] = a[i] } })",
       R"(parallel i
          split i 4; reorder i_i i_o
          unroll i 4)",
       ""},
      {"even_odd",  // writes even elements, reads odd ones
       R"(kernel f(a: inout int<16>[32]) {
            for i in 0..16 { a[2 * i] = a[2 * i + 1] } })",
       R"(parallel i
          split i 4; reorder i_i i_o)",
       ""},
      {"circular",  // i reads what i - 4 wrote, modulo 8
       R"(kernel f(a: inout int<16,wrap>[8]) {
            for i in 0..32 { a[i % 8] = a[(i + 4) % 8] + 1 } })",
       R"(split i 4
          split i 4; parallel i_i
          split i 4; reorder i_i i_o)",
       R"(parallel i
          split i 8; parallel i_i
          split i 8; reorder i_i i_o)"},
      {"integer_sum",  // a reduction of integers: order is free, running at once is not
       R"(kernel f(a: in int<8>[6, 8], s: inout int<32>[6]) {
            for i in 0..6 { for k in 0..8 { s[i] += a[i, k] } } })",
       R"(reorder k i
          tile i k 2 4
          split k 4; reorder k_i k_o
          parallel i
          unroll k
          stage s i)",
       R"(parallel k
          reorder k i; parallel k
          fuse i k; parallel i_k
          split k 4; parallel k_o)"},
      {"float_sum",  // float sums keep their order
       R"(kernel f(a: in float32[6, 8], s: inout float32[6]) {
            for i in 0..6 { for k in 0..8 { s[i] += a[i, k] } } })",
       R"(reorder k i
          split k 4
          parallel i
          split i 3; reorder i_o k i_i)",
       R"(split k 4; reorder k_i k_o
          parallel k
          split k 2; parallel k_i)"},
      {"float_total",  // one float sum over both loops: neither may move
       R"(kernel f(a: in float32[6, 8], s: inout float32) {
            for i in 0..6 { for k in 0..8 { s += a[i, k] } } })",
       R"(fuse i k
          split i 2
          stage s i)",
       R"(reorder k i
          tile i k 2 2
          parallel i
          parallel k)"},
      {"saturating_sum",  // saturation makes the order matter
       R"(kernel f(a: in int<8>[6, 8], s: inout int<8,saturate>) {
            for i in 0..6 { for k in 0..8 { s += a[i, k] } } })",
       R"(split k 4
          fuse i k)",
       R"(reorder k i
          split k 4; reorder k_i k_o)"},
      {"integer_minimum",
       R"(kernel f(a: in int<8>[6, 8], s: inout int<8>) {
            for i in 0..6 { for k in 0..8 { s min= a[i, k] } } })",
       R"(reorder k i
          tile i k 2 4)",
       R"(parallel i
          parallel k)"},
      {"shared_scalar",  // one scalar for all iterations
       R"(kernel f(a: in int<16>[4, 8], b: out int<17>[4, 8]) {
            var t: int<17>
            for i in 0..4 { for j in 0..8 { t = a[i, j] + 1
              b[i, j] = t } } })",
       R"(split i 2
          fuse i j
          unroll j)",
       R"(parallel i
          parallel j
          reorder j i
          tile i j 2 2
          fission j b)"},
      {"private_scalar",  // a scalar of each iteration's own
       R"(kernel f(a: in int<16>[4, 8], b: out int<17>[4, 8]) {
            for i in 0..4 { for j in 0..8 {
              var t: int<17>
              t = a[i, j] + 1
              b[i, j] = t } } })",
       R"(parallel i
          parallel j
          reorder j i
          tile i j 2 2)",
       R"(fission j b)"},
      {"triangle",  // j's bounds depend on i
       R"(kernel f(a: inout int<32,wrap>[8, 8]) {
            for i in 0..8 { for j in 0..i { a[i, j] = a[i, j] + 1 } } })",
       R"(parallel i
          parallel j
          split i 4
          split j 3
          peel j 4)",
       R"(reorder j i
          tile i j 2 2
          fuse i j
          unroll j
          pipeline i)"},
      {"imperfect",  // a statement before the inner loop
       R"(kernel f(a: in int<8>[6, 8], s: out int<32>[6]) {
            for i in 0..6 {
              s[i] = 0
              for k in 0..8 { s[i] += a[i, k] } } })",
       R"(fission i k
          parallel i
          split i 2
          unroll k
          fission i k; reorder k i_1)",
       R"(reorder k i
          tile i k 2 2
          fuse i k
          fission k s
          fission i i)"},
      {"prefix_sum",  // the second statement needs the first of the same iteration, the first the
                      // second of the one before
       R"(kernel f(a: inout int<32,wrap>[16], b: inout int<32,wrap>[16]) {
            for i in 1..16 {
              a[i] = b[i - 1] + 1
              b[i] = a[i] + 2 } })",
       R"(split i 4
          pipeline i)",
       R"(fission i b
          parallel i)"},
      {"distributable",  // the second statement needs earlier iterations of the first only
       R"(kernel f(a: inout int<32,wrap>[16], b: inout int<32,wrap>[16]) {
            for i in 1..16 {
              a[i] = a[i] + 1
              b[i] = a[i - 1] + 2 } })",
       R"(fission i b
          fission i b; parallel i
          fission i b; parallel i_1)",
       R"(parallel i)"},
      {"backward",  // the second statement needs what a later iteration of the first would
                    // overwrite
       R"(kernel f(a: inout int<32,wrap>[16], b: inout int<32,wrap>[16]) {
            for i in 0..15 {
              b[i] = a[i + 1] + 2
              a[i] = b[i] } })",
       R"(split i 4
          fission i a)",
       R"(parallel i)"},
      {"gather",  // reads where the data says
       R"(kernel f(p: in uint<3>[8], a: in int<8>[8], b: out int<8>[8]) {
            for i in 0..8 { b[i] = a[index(p[i])] } })",
       R"(parallel i
          split i 4; reorder i_i i_o
          stage a i)",
       ""},
      {"scatter",  // writes where the data says: two iterations may meet
       R"(kernel f(p: in uint<3>[8], a: in int<8>[8], b: inout int<8>[8]) {
            for i in 0..8 { b[index(p[i])] = a[i] } })",
       R"(split i 4
          unroll i
          pipeline i)",
       R"(parallel i
          split i 4; reorder i_i i_o)"},
      {"histogram",  // integer counts may be exchanged, not made at once
       R"(kernel f(p: in uint<3>[16], h: inout int<32>[8]) {
            for i in 0..16 { h[index(p[i])] += 1 } })",
       R"(split i 4; reorder i_i i_o)", R"(parallel i)"},
      {"ragged",  // bounds from memory
       R"(kernel f(first: in uint<4>[5], v: in int<8>[15], s: out int<32>[4]) {
            for i in 0..4 {
              s[i] = 0
              for k in index(first[i])..index(first[i + 1]) { s[i] += v[k] } } })",
       R"(parallel i
          fission i k
          peel k 4)",
       R"(unroll k
          pipeline i
          fission i k; reorder k i_1
          parallel k)"},
      {"producer_consumer",  // in step, element by element
       R"(kernel f(a: in int<16>[16], b: out int<18>[16]) {
            var t: int<17>[16]
            for i in 0..16 { t[i] = a[i] + 1 }
            for j in 0..16 { b[j] = t[j] + 1 } })",
       R"(compute_at i j
          dataflow
          dataflow; stream t 2
          parallel i
          partition t 0 cyclic 4
          partition t 0 complete
          store_in t register
          transpose t 0)",
       R"(stream t 2
          dataflow; stream t 0
          dataflow; stream a 2
          partition t 1 cyclic 4
          partition t 0 cyclic 17
          reorder i j
          fuse i j
          compute_at j i)"},
      {"shifted_consumer",  // the consumer needs the next element
       R"(kernel f(a: in int<16>[16], b: out int<18>[15]) {
            var t: int<17>[16]
            for i in 0..15 { t[i + 1] = a[i] + 1 }
            for j in 0..15 { b[j] = select(j < 14, t[j + 2], t[1]) + 1 } })",
       R"(dataflow)",
       R"(compute_at i j
          dataflow; stream t 2)"},
      {"twice_read",  // every element is read by two iterations
       R"(kernel f(a: in int<16>[17], b: out int<18>[16]) {
            for i in 0..16 { b[i] = a[i] + a[i + 1] } })",
       R"(reuse_at a i
          stage a i
          split i 4; stage a i_o
          parallel i)",
       R"(reuse_at b i
          reuse_at a i; parallel i)"},
      {"reversed_stream",  // read in the opposite order
       R"(kernel f(a: in int<16>[16], b: out int<18>[16]) {
            var t: int<17>[16]
            for i in 0..16 { t[i] = a[i] + 1 }
            for j in 0..16 { b[j] = t[15 - j] + 1 } })",
       R"(dataflow)",
       R"(dataflow; stream t 16
          compute_at i j)"},
      {"two_writers",  // both nests write b
       R"(kernel f(a: in int<16>[8], b: inout int<16>[8]) {
            for i in 0..8 { b[i] = a[i] }
            for j in 0..8 { b[j] = b[7 - j] } })",
       R"(parallel i)",
       R"(dataflow
          compute_at i j
          parallel j)"},
      {"reshaped",  // the same memory under other extents: aliases are still seen
       R"(kernel f(a: inout int<16,wrap>[32]) {
            for i in 1..8 { for j in 0..4 { a[4 * i + j] = a[4 * i + j - 4] + 1 } } })",
       R"(reshape a 8 4
          reshape a 8 4; parallel j
          reshape a 4 8
          reorder j i
          reshape a 4 8; reorder j i)",
       R"(reshape a 8 4; parallel i
          reshape a 4 8; parallel i
          reshape a 3 8)"},
      {"matmul",
       R"(kernel f(a: in int<8>[8, 16], b: in int<8>[16, 8], c: out int<32>[8, 8]) {
            for i in 0..8 { for j in 0..8 { c[i, j] = 0 } }
            for r in 0..8 { for s in 0..8 { for k in 0..16 { c[r, s] += a[r, k] * b[k, s] } } } })",
       R"(reorder k r s
          tile r s 4 4
          systolic r s k
          split s 4; split r 4; reorder s_o r_o r_i s_i k; systolic r_i s_i k
          stage a r; stage b r
          parallel r
          fuse r s; parallel r_s)",
       R"(parallel k
          systolic k r s
          systolic r k s
          compute_at i k
          replace r nothing
          dataflow
          stream c 4)"},
      {"call",
       R"(kernel g(x: in int<16>[4], y: out int<17>[4]) {
            for t in 0..4 { y[t] = x[t] + 1 } }
          kernel f(a: in int<16>[6, 4], b: out int<17>[6, 4]) {
            for i in 0..6 { call g(a[i, 0:], b[i, 0:]) } })",
       R"(inline g
          inline g; reorder t i
          parallel i
          split i 2; reorder i_i i_o)",
       R"(inline h
          reorder t i
          compose h {
          fission i t)"},
      {"call_on_shared_row",  // every call writes the same row
       R"(kernel g(x: in int<16>[4], y: inout int<16,wrap>[4]) {
            for t in 0..4 { y[t] = y[t] * 3 + x[t] } }
          kernel f(a: in int<16>[6, 4], b: inout int<16,wrap>[4]) {
            for i in 0..6 { call g(a[i, 0:], b) } })",
       R"(inline g
          inline g; reorder t i)",
       R"(parallel i
          split i 2; reorder i_i i_o)"},
      {"call_on_overlapping_windows",  // b[i] is the next a[i]
       R"(kernel g(a: in int<8>[8], b: out int<8>[8]) { for t in 0..8 { b[t] = a[t] } }
          kernel f(x: inout int<8>[9]) { call g(x[0:], x[1:]) })",
       R"(inline g
          inline g; unroll t 2)",
       R"(inline g; parallel t
          inline g; split t 4; reorder t_i t_o)"},
      {"puts_of_limited_streams",  // in another order the processes would wait for each other
       R"(kernel f(a: in int<8>[4, 4], b: out int<8>[4, 4]) {
            stream s: int<8>[4] depth(2)
            stream e: int<8> depth(2)
            dataflow {
              process feed { for i in 0..4 { for j in 0..4 { put s[j], a[i, j]  put e, a[i, j] } } }
              process drain {
                for x in 0..4 { for y in 0..4 {
                  var one: int<8>
                  var two: int<8>
                  get s[y], one
                  get e, two
                  b[x, y] = one & two
                } }
              }
            } })",
       R"(unroll j 2
          pipeline j
          split i 2)",
       R"(reorder j i
          fission j e
          parallel i)"},
  };
  return list;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    const std::size_t start = line.find_first_not_of(' ');
    if (start != std::string::npos) lines.push_back(line.substr(start));
  }
  return lines;
}

std::string as_file(std::string line) {
  std::replace(line.begin(), line.end(), ';', '\n');
  return line + '\n';
}

/// Small numbers, the same for the same array.
struct Memory {
  std::vector<std::unique_ptr<Buffer>> buffers;
  std::vector<Argument> arguments;

  explicit Memory(const Kernel& kernel) {
    for (const Parameter& parameter : kernel.parameters) {
      const Array& array = std::get<ArrayParameter>(parameter).array;
      std::vector<std::int64_t> shape;
      for (const Expr& extent : array.shape) {
        shape.push_back(static_cast<std::int64_t>(*as_integer(extent)));
      }
      buffers.push_back(std::make_unique<Buffer>(array.element, shape));
      const std::int64_t size = buffers.back()->size();
      for (std::int64_t i = 0; i < size; ++i) {
        // Bounds of the ragged nest rise; others are mixed.
        const bool rises = array.name == "first";
        buffers.back()->set(i, static_cast<double>(rises ? 3 * i : i * 5 % 7));
      }
      arguments.emplace_back(buffers.back().get());
    }
  }
};

void expect_same_results(const Schedule& schedule) {
  Memory before(*schedule.original());
  Memory after(*schedule.kernel());
  interpret(*schedule.original(), before.arguments);
  interpret(*schedule.kernel(), after.arguments);
  for (std::size_t i = 0; i < before.buffers.size(); ++i) {
    const auto& a = *before.buffers[i];
    const auto& b = *after.buffers[i];
    EXPECT_TRUE(std::equal(a.data(), a.data() + a.byte_size(), b.data(), b.data() + b.byte_size()))
        << "argument " << i << " differs in\n"
        << to_text(*schedule.kernel());
  }
}

/// What GoogleTest shows of a nest.
void PrintTo(const Nest& nest, std::ostream* out) {
  *out << nest.name;
}

class Legality : public testing::TestWithParam<Nest> {};

TEST_P(Legality, LegalStepsAreTakenAndKeepTheResult) {
  const KernelPtr kernel = parse_kernel(GetParam().text, GetParam().name);
  for (const std::string& line : lines_of(GetParam().legal)) {
    SCOPED_TRACE(line);
    try {
      expect_same_results(replay(kernel, as_file(line), "steps"));
    } catch (const UserError& error) {
      ADD_FAILURE() << error.what() << '\n' << error.remedy();
    }
  }
}

TEST_P(Legality, IllegalStepsAreRefusedAsTheUsersMistake) {
  const KernelPtr kernel = parse_kernel(GetParam().text, GetParam().name);
  for (const std::string& line : lines_of(GetParam().illegal)) {
    SCOPED_TRACE(line);
    const std::size_t last = line.rfind(';');
    if (last != std::string::npos) {
      EXPECT_NO_THROW((void)replay(kernel, as_file(line.substr(0, last)), "steps"))
          << "the steps before are legal";
    }
    try {
      const Schedule schedule = replay(kernel, as_file(line), "steps");
      ADD_FAILURE() << "was taken:\n" << to_text(*schedule.kernel());
    } catch (const UserError& error) {
      EXPECT_FALSE(error.remedy().empty());
    }
  }
}

std::string test_name(const testing::TestParamInfo<Nest>& parameter) {
  return parameter.param.name;
}

INSTANTIATE_TEST_SUITE_P(Nests, Legality, testing::ValuesIn(nests()), test_name);

TEST(LegalitySuite, HasAtLeast150PairsHalfOfThemIllegal) {
  std::size_t legal = 0;
  std::size_t illegal = 0;
  for (const Nest& nest : nests()) {
    legal += lines_of(nest.legal).size();
    illegal += lines_of(nest.illegal).size();
  }
  RecordProperty("legal", static_cast<int>(legal));
  RecordProperty("illegal", static_cast<int>(illegal));
  EXPECT_GE(legal + illegal, 150U);
  EXPECT_GE(illegal, 75U);
}

}  // namespace
}  // namespace heddle::kernel
