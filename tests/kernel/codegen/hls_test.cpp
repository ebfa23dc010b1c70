// The text of HLS C++, and that it computes what the interpreter does.
#include <gtest/gtest.h>

#include <random>

#include "base/error.h"
#include "kernel/codegen/hls/project.h"
#include "kernel/codegen/hls/simulation.h"
#include "kernel/interpret.h"
#include "kernel/text.h"
#include "support/scratch.h"

namespace heddle::kernel {
namespace {

KernelPtr parsed(const std::string& text) {
  return parse_kernel(text, "test");
}

std::string hls_of(const std::string& text) {
  return emit_hls(*parsed(text));
}

void expect_contains(const std::string& text, const std::vector<std::string>& parts) {
  for (const std::string& part : parts) {
    EXPECT_NE(text.find(part), std::string::npos) << "no\n" << part << "\nin\n" << text;
  }
}

int count(const std::string& text, const std::string& part) {
  int found = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size())
    ++found;
  return found;
}

/// The arrays of one run, filled at random with small numbers; `size` for every index argument.
class Launch {
 public:
  Launch(KernelPtr kernel, std::int64_t size) : kernel_(std::move(kernel)) {
    std::vector<Argument> scalars;
    for (const Parameter& parameter : kernel_->parameters) {
      const auto* scalar = std::get_if<ScalarParameter>(&parameter);
      if (scalar == nullptr) {
        scalars.emplace_back(static_cast<Buffer*>(nullptr));
      } else {
        scalars.emplace_back(Scalar{scalar->type, scalar->type.is_index() ? size : 1, 1.5F});
      }
    }
    std::mt19937 random(7);
    const auto shapes = argument_shapes(*kernel_, scalars);
    buffers_.reserve(shapes.size());
    for (std::size_t i = 0; i < scalars.size(); ++i) {
      const auto* array = std::get_if<ArrayParameter>(&kernel_->parameters[i]);
      if (array == nullptr) {
        arguments_.push_back(scalars[i]);
        continue;
      }
      Buffer& buffer = buffers_.emplace_back(array->array.element, shapes[buffers_.size()]);
      for (std::int64_t e = 0; e < buffer.size(); ++e) {
        buffer.set(e, static_cast<double>(random() % 9) - 4);
      }
      arguments_.emplace_back(&buffer);
    }
  }
  [[nodiscard]] const std::vector<Argument>& arguments() const { return arguments_; }
  [[nodiscard]] const std::vector<Buffer>& buffers() const { return buffers_; }

 private:
  KernelPtr kernel_;
  std::vector<Buffer> buffers_;
  std::vector<Argument> arguments_;
};

/// Runs the kernels in the interpreter and as HLS C++.
void expect_interpreters_bits(const std::vector<std::string>& texts, std::int64_t size = 5) {
  std::vector<KernelPtr> kernels;
  for (const std::string& text : texts) kernels.push_back(parsed(text));
  const Scratch cache;
  const HlsSimulation simulation(kernels, cache.path());
  for (std::size_t i = 0; i < kernels.size(); ++i) {
    const Launch expected(kernels[i], size);
    const Launch found(kernels[i], size);
    interpret(*kernels[i], expected.arguments());
    simulation.run(found.arguments(), i);
    EXPECT_TRUE(found.buffers() == expected.buffers()) << texts[i] << emit_hls(*kernels[i]);
  }
}

constexpr const char* kGemm = R"(
kernel gemm(a: in int<8>[64, 96] @global(3) lanes(32), b: in int<8>[96, 32] @global(3), c: out int<32>[64, 32] @global(7)) {
  # c = a b
  for i in 0..64 {
    var row: int<8>[96] @bram partition(cyclic(8))
    for e in 0..3 pipeline(1) {
      for l in 0..32 {
        row[32 * e + l] = a[i, 32 * e + l]
      }
    }
    for j in 0..32 pipeline(2) {
      var sum: int<32>
      sum = 0
      for k in 0..96 unroll {
        sum += row[k] * b[k, j]
      }
      c[i, j] = sum
    }
  }
}
)";

TEST(Hls, AGemmReadsAsAPersonWouldWriteIt) {
  const std::string text = hls_of(kGemm);
  expect_contains(
      text, {"// c = a b\nvoid gemm(const ap_uint<256> a[64][3], const ap_int<8> b[96][32], "
             "ap_int<32> c[64][32]) {\n",
             "#pragma HLS INTERFACE m_axi port=a bundle=gmem0 offset=slave depth=192 "
             "max_read_burst_length=128 "
             "num_read_outstanding=16\n",
             "#pragma HLS INTERFACE m_axi port=b bundle=gmem0 offset=slave depth=3072 ",
             "#pragma HLS INTERFACE m_axi port=c bundle=gmem1 offset=slave depth=2048 "
             "max_write_burst_length=256 ",
             "#pragma HLS INTERFACE s_axilite port=return\n  i: for (int i = 0; i < 64; ++i) {\n",
             "    ap_int<8> row[96];\n#pragma HLS BIND_STORAGE variable=row type=ram_2p impl=bram\n"
             "#pragma HLS ARRAY_PARTITION variable=row dim=1 type=cyclic factor=8\n",
             "    j: for (int j = 0; j < 32; ++j) {\n#pragma HLS PIPELINE II=2\n      ap_int<32> "
             "sum = 0;\n"
             "      k: for (int k = 0; k < 96; ++k) {\n#pragma HLS UNROLL\n        sum += row[k] * "
             "b[k][j];\n      }\n"
             "      c[i][j] = sum;\n    }\n"});
}

TEST(Hls, ALoopOverTheLanesReadsAndWritesAWordOnce) {
  expect_contains(
      hls_of(kGemm),
      {"      const ap_uint<256> a_word = a[i][e];\n      l: for (int l = 0; l < 32; ++l) {\n"
       "        row[32 * e + l] = heddle::lane<ap_int<8>>(a_word, l);\n"});
  const std::string add = R"(
kernel add(a: in float32[4, 16] lanes(16), b: inout float32[4, 16] lanes(16), c: out int<5>[64] lanes(8)) {
  for i in 0..4 {
    for l in 0..16 {
      b[i, l] += a[i, l]
    }
  }
  for w in 0..8 {
    for l2 in 0..8 {
      c[w * 8 + l2] = int<5,wrap>(index(l2) - w)
    }
  }
}
)";
  expect_contains(hls_of(add),
                  {"ap_uint<512> b[4][1]", "    ap_uint<512> b_word = b[i][0];\n",
                   "      heddle::set_lane<float>(b_word, l,\n          "
                   "heddle::lane<float>(b_word, l) + heddle::lane<float>(a_word, l));\n",
                   "    b[i][0] = b_word;\n", "    ap_uint<64> c_word;\n", "    c[w] = c_word;\n"});
  expect_interpreters_bits({add, kGemm});
}

TEST(Hls, LanesThatAreNotALoopsAreSelectedByDivision) {
  const std::string text = R"(
kernel turn(a: in int<16>[40] lanes(4), b: inout int<16>[40] lanes(4), n: index, d: in int<8>[n, 8] lanes(8), s: out int<32>[1]) {
  var sum: int<32>
  sum = 0
  for i in 0..40 {
    if i % 3 == 1 {
      b[39 - i] = a[i]
    }
  }
  for r in 0..n {
    for l in 0..8 {
      if d[r, l] > 0 {
        sum += d[r, 7 - l]
      }
    }
  }
  s[0] = sum
}
)";
  expect_contains(hls_of(text), {"heddle::lane<ap_int<16>>(a[i / 4], i % 4));",
                                 "heddle::set_lane<ap_int<16>>(b[(39 - i) / 4], (39 - i) % 4,",
                                 "const ap_uint<64> d[][1]"});
  expect_interpreters_bits({text});
}

TEST(Hls, WordsThatALoopTouchesInPartsAreLeftInMemory) {
  const std::string text = R"(
kernel parts(a: in int<8>[16] lanes(8), two: inout int<8>[16] lanes(8), half: inout int<8>[16] lanes(8), moving: inout int<8>[64] lanes(8)) {
  for l in 0..8 {
    two[l] = a[l]
    two[8 + l] = two[7 - l]
  }
  for m in 0..8 {
    half[m / 2] = a[8 + m]
  }
  for k in 0..8 {
    if a[k] > 0 {
      moving[k] = 1
    }
  }
  for c in 0..8 {
    moving[8 * c + c] = a[c]
  }
}
)";
  const std::string hls = hls_of(text);
  EXPECT_EQ(count(hls, "two_word"), 0) << hls;
  EXPECT_EQ(count(hls, "half_word"), 0) << hls;
  EXPECT_EQ(count(hls, "moving_word"), 0) << hls;
  expect_interpreters_bits({text});
}

TEST(Hls, ExtentsThatOnlyTheLaunchKnowsBecomeStrides) {
  const std::string text = R"(
kernel inner(n: index, x: in int<8>[n, n], y: out int<8>[n, n]) {
  for r in 0..n {
    for c in 0..n {
      y[c, r] = x[r, c]
    }
  }
}
kernel boxes(n: index, x: in int<8>[n, n + 1, n + 2], y: out int<8>[n, n + 2, n + 1]) {
  for i in 0..n {
    for p in 0..n + 1 {
      for q in 0..n + 2 {
        y[i, q, p] = x[i, p, q]
      }
    }
    call inner(n, x[i, 1:, 2:], y[i, 0:, 1:])
  }
}
)";
  expect_contains(hls_of(text), {"const ap_int<8> *x", "long x_offset", "long x_stride0"});
  expect_interpreters_bits({text}, 4);
}

TEST(Hls, WindowsOfArraysKeepTheArrayInTheCall) {
  const std::string text = R"(
kernel scale(n: index, x: in int<8>[n, 4], y: out int<16>[n, 4]) {
  for r in 0..n {
    for c in 0..4 {
      y[r, c] = x[r, c] * 3
    }
  }
}
kernel total(x: in int<16>[4], s: out int<32>) {
  var t: int<32>
  t = 0
  for c in 0..4 {
    t += x[c]
  }
  s = t
}
kernel heads(n: index, m: index, q: in int<8>[3, 6, 8], z: in int<8>[n, m], y: out int<32>[3, 2], w: out int<16>[3, 4]) {
  for h in 0..3 {
    var part: int<16>[3, 6, 8] @bram
    var column: int<32>
    call scale(6, q[h, 0:, 0:], part[h, 0:, 0:])
    call scale(6, q[h, 0:, 4:], part[h, 0:, 4:])
    call scale(1, z[1:, 0:], w[h:, 0:])
    call total(part[h, 5, 0:], y[h, 0])
    call total(part[h, 4, 4:], column)
    y[h, 1] = column
  }
}
)";
  const std::string hls = hls_of(text);
  expect_contains(hls, {"static void scale(", "scale(6, q[h], part[h]);", "const ap_int<8> *z",
                        "ap_int<32> &s", "total(part[h][5], y[h][0]);"});
  EXPECT_EQ(count(hls, "static void total"), 2) << hls;
  expect_interpreters_bits({text}, 5);
}

TEST(Hls, ProcessesAreFunctionsInADataflowRegion) {
  const std::string text = R"(
kernel pass(x: in int<8>[32], y: out int<16>[32]) {
  stream a: int<8> depth(4)
  stream b: int<16>[2] depth(8)
  var edge: int<8>
  edge = 3
  dataflow {
    process read {
      for i in 0..32 pipeline(1) {
        put a, x[i]
      }
    }
    process work {
      for j in 0..32 {
        var v: int<8>
        get a, v
        put b[j % 2], v * edge
      }
    }
    process write {
      for k in 0..32 {
        get b[k % 2], y[k]
      }
    }
  }
}
)";
  const std::string hls = hls_of(text);
  expect_contains(
      hls, {"static void pass_read(const ap_int<8> x[32], hls::stream<ap_int<8>> &a) {\n",
            "    a.write(x[i]);\n", "b[j % 2].write(v * edge);", "    y[k] = b[k % 2].read();\n",
            "    ap_int<8> v = a.read();\n", "static void pass_dataflow(",
            "#pragma HLS DATAFLOW\n  hls::stream<ap_int<8>> a(\"a\");\n",
            "#pragma HLS STREAM variable=a depth=4\n  hls::stream<ap_int<16>> b[2];\n",
            "  pass_read(x, a);\n"});
  expect_interpreters_bits({text});
}

TEST(Hls, ARegionThatIsAllOfALoopsBodyStaysThere) {
  const std::string hls = hls_of(R"(
kernel tiles(x: in int<8>[4, 8], y: out int<8>[4, 8]) {
  for t in 0..4 {
    stream s: int<8>[8]
    dataflow {
      process feed {
        for p in 0..8 unroll {
          put s[p], x[t, p]
        }
      }
      process drain {
        for q in 0..8 {
          get s[q], y[t, q]
        }
      }
    }
  }
}
)");
  expect_contains(
      hls,
      {"  t: for (int t = 0; t < 4; ++t) {\n#pragma HLS DATAFLOW\n",
       "    p: for (int p = 0; p < 8; ++p) {\n#pragma HLS UNROLL\n      tiles_feed(x, s, p, t);\n"
       "    }\n"});
}

TEST(Hls, MarksOfArraysAndLoopsArePragmas) {
  const std::string hls = hls_of(R"(
kernel marks(x: in int<8>[8, 8], y: out int<8>[8, 8]) {
  var big: int<8>[8, 8] @uram partition(none, block(2))
  var fast: int<8>[8, 8] @register
  var wide: int<8>[8, 8] @lutram lanes(4)
  table t: fixed<8,4>[2, 2] = {0.25, -1.5, 2.0, raw 3}
  for i in 0..8 parallel {
    for j in 0..8 {
      big[i, j] = x[i, j]
      fast[i, j] = x[i, j]
      wide[i, j] = x[i, j]
      y[i, j] = big[i, j] & fast[i, j] & wide[i, j] & int<8,wrap>(t[1, 1])
    }
  }
}
)");
  expect_contains(hls,
                  {"#pragma HLS BIND_STORAGE variable=big type=ram_2p impl=uram\n"
                   "#pragma HLS ARRAY_PARTITION variable=big dim=2 type=block factor=2\n",
                   "#pragma HLS ARRAY_PARTITION variable=fast dim=0 type=complete\n",
                   "#pragma HLS BIND_STORAGE variable=wide type=ram_2p impl=lutram\n"
                   "#pragma HLS ARRAY_RESHAPE variable=wide dim=2 type=cyclic factor=4\n",
                   "static const ap_fixed<8, 4> t[2][2] = {{0.25, -1.5}, {2.0, 0.1875}};\n",
                   "  // The iterations are independent.\n  i: for (int i = 0; i < 8; ++i) {\n",
                   "#pragma HLS DEPENDENCE variable=y type=inter dependent=false\n"});
}

TEST(Hls, InstructionsAreInlineFunctionsThatNameTheirPrimitive) {
  expect_contains(hls_of(R"(
instruction dot8(a: in int<8>[8], b: in int<8>[8], c: inout int<32>) {
  for i in 0..8 {
    c += a[i] * b[i]
  }
} native "c[0] = 0;" primitive("dsp_dot8")
kernel use(a: in int<8>[8], b: in int<8>[8], c: inout int<32>) {
  call dot8(a, b, c)
}
)"),
                  {"// An instruction, the hardware primitive dsp_dot8: dot8\nstatic void dot8(",
                   "#pragma HLS INLINE\n", "  dot8(a, b, c[0]);\n"});
}

TEST(Hls, NamesThatCppHasAlreadyAreKeptRecognisable) {
  const std::string text = R"(
func exp(float: float32) -> float32 {
  let int = float * 0.5
  return max(int, 1.0) + float
}
kernel register(new: in float32[4], auto: out float32[4], exp_: out index[4]) {
  for class in 0..4 {
    auto[class] = exp(new[class])
    exp_[class] = class / 2
  }
}
)";
  // The language has float and int as words of its own; these are only C++'s.
  std::string renamed = text;
  for (const auto& [from, to] : {std::pair{"float:", "double:"},
                                 {"float *", "double *"},
                                 {"+ float", "+ double"},
                                 {"let int", "let long"},
                                 {"max(int", "max(long"}}) {
    renamed.replace(renamed.find(from), std::string(from).size(), to);
  }
  expect_contains(
      hls_of(renamed),
      {"static float exp_(float double_) {", "void register_(", "class_: for (int class_ = 0;",
       "auto_[class_] = exp_(new_[class_]);", "exp__1[class_] = class_ / 2;"});
  expect_interpreters_bits({renamed});
}

TEST(Hls, BoundsThatTheBodyChangesAreReadOnce) {
  const std::string text = R"(
kernel grow(n: index, count: inout index[1], x: out int<32>[n, n]) {
  count[0] = 2
  for i in 0..count[0] {
    count[0] += 1
    for j in i..n {
      x[i, j] = int<32>(j) - i
    }
  }
}
)";
  expect_contains(hls_of(text), {"const long i_end = count[0];", "i < i_end", "x[i * n + j] = "});
  const KernelPtr kernel = parsed(text);
  const Scratch cache;
  const HlsSimulation simulation({kernel}, cache.path());
  const Launch run(kernel, 6);
  simulation.run(run.arguments());
  EXPECT_EQ(run.buffers()[0].get(0).raw, 4);
  EXPECT_EQ(run.buffers()[1].get(6 + 5).raw, 4);
}

TEST(Hls, LargeLocalArraysDoNotNeedTheCallersStack) {
  expect_interpreters_bits({R"(
kernel large(x: in int<8>[4], y: out int<64>[4]) {
  var big: int<64>[4, 500000]
  for i in 0..4 {
    big[i, 499999] = x[i]
    y[i] = big[i, 499999]
  }
}
)"});
}

std::string refusal(const std::string& text, bool is_project = false) {
  try {
    if (is_project) {
      (void)hls_project(*parsed(text));
    } else {
      (void)hls_of(text);
    }
  } catch (const UserError& error) {
    return std::string(error.what()) + " | " + error.remedy();
  }
  return "accepted";
}

TEST(Hls, WhatHardwareCannotHaveIsRefusedWithARemedy) {
  expect_contains(
      refusal("kernel k(n: index, x: out int<8>[n]) { var t: int<8>[n] for i in 0..n { t[i] = 1 "
              "x[i] = t[i] } }"),
      {"\"t\" has the extent n", "give it literal extents"});
  expect_contains(
      refusal("kernel k(x: out int<8>[4]) { var t: int<8>[4] @global for i in 0..4 { t[i] = 1 "
              "x[i] = t[i] } }"),
      {"\"t\" lies in global memory", "make it an argument"});
  expect_contains(refusal("kernel k(x: out int<8>[12] lanes(3)) { for i in 0..12 { x[i] = 1 } }"),
                  {"\"x\" is packed in words of 3 elements, 24 bits", "8, 16, 32, ... 1024 bits"});
  expect_contains(refusal("kernel k(x: out int<8>[4] @bram) { for i in 0..4 { x[i] = 1 } }", true),
                  {"\"x\" of k lies on the chip", "stage"});
  expect_contains(
      refusal("kernel k(s: in stream int<8>, x: out int<8>[4]) { for i in 0..4 { get s, x[i] } }",
              true),
      {"stream parameter \"s\"", "owns the stream"});
}

}  // namespace
}  // namespace heddle::kernel
