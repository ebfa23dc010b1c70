#include "kernel/text.h"

#include <gtest/gtest.h>

#include <bit>
#include <limits>
#include <utility>

#include "kernel/builder.h"
#include "kernel/rewrite.h"
#include "kernel/text_support.h"
#include "kernel/verify.h"

namespace heddle::kernel {
namespace {

constexpr const char* kGemm =
    R"(kernel gemm(n: index, a: in int<8>[n, 96], b: in int<8>[96, 32], c: out int<32>[n, 32]) {
  # c = a b
  for i in 0..n {
    for j in 0..32 {
      var sum: int<32>
      sum = 0
      for k in 0..96 {
        sum += a[i, k] * b[k, j]
      }
      c[i, j] = sum
    }
  }
}
)";

KernelPtr gemm() {
  KernelBuilder k("gemm", "c = a b");
  const Expr n = k.size("n");
  const ArrayHandle a = k.input("a", int_type(8), {n, 96});
  const ArrayHandle b = k.input("b", int_type(8), {96, 32});
  const ArrayHandle c = k.output("c", int_type(32), {n, 32});
  k.loop("i", 0, n, [&](const Expr& i) {
    k.loop("j", 0, 32, [&](const Expr& j) {
      Element sum = k.scalar("sum", int_type(32));
      sum = 0;
      k.loop("k", 0, 96, [&](const Expr& r) { sum += a(i, r) * b(r, j); });
      c(i, j) = sum;
    });
  });
  return k.build();
}

TEST(KernelText, PrintsAKernelAsItIsWrittenInTheDocumentation) {
  EXPECT_EQ(to_text(*gemm()), kGemm);
}

TEST(KernelText, ParsesAKernelToWhatTheBuilderMakes) {
  const KernelPtr parsed = parse_kernel(kGemm, "gemm");
  EXPECT_TRUE(equal(*parsed, *gemm()));
  EXPECT_EQ(parsed->summary, "c = a b");
}

/// Texts in the form in which they are printed.
class CanonicalText : public testing::TestWithParam<const char*> {};

TEST_P(CanonicalText, IsPrintedAsItWasParsed) {
  const std::string text = GetParam();
  EXPECT_EQ(to_text(*round_trip(text)), text);
}

INSTANTIATE_TEST_SUITE_P(
    KernelText, CanonicalText,
    testing::Values(
        "kernel nothing() {\n}\n",
        // Marks of loops and arrays.
        R"(kernel marks(
    n: index,
    a: in int<8>[n, 96] @global(3) lanes(16),
    b: in uint<64,wrap>[96] @global,
    c: inout fixed<16,6,nearest_even,saturate>[4, 8] @uram partition(none, complete),
    d: out ufixed<8,-2,truncate_zero>[8]) {
  var l0: bool[2, 4, 6] @bram partition(cyclic(2), block(4), none)
  var l1: index[3] @lutram
  var l2: bfloat16 @register
  for i in 0..8 parallel pipeline(2) unroll {
    d[i] = b[i]
  }
}
)",
        // Branches, blocks, reductions, and words of the language as names.
        R"(kernel branches(in: in int<32>[8], out: out int<32>[8], put: int<32>) {
  for for_1 in 0..8 {
    if in[for_1] < 0 {
      out[for_1] = 0
    } else if in[for_1] == put {
    } else {
      out[for_1] min= put
      {
        var min: int<32>
        min = 3
        min max= min
        out[for_1] *= min
      }
    }
  }
}
)",
        // Streams and processes.
        R"(kernel processes(x: in float32[64], y: out float32[64], s: in stream int<8>[2] depth(4)) {
  stream t: float32[4] depth(16)
  stream u: float32 depth(2)
  dataflow {
    process load {
      for i in 0..64 {
        put t[i % 4], x[i]
      }
    }
    process pass {
      for j in 0..64 {
        var v: float32
        get t[j % 4], v
        put u, v * 2.0
      }
    }
    process save {
      for k in 0..64 {
        get u, y[k]
      }
    }
  }
}
)",
        // Functions, callees, windows and stream arguments.
        R"(func relu(x: float32) -> float32 {
  let zero = 0.0
  return max(x, zero)
}

func leaky(x: float32, slope: float32) -> float32 {
  return relu(x) - slope * relu(-x)
}

kernel row(s: float32, x: in float32[8], y: out float32[8]) {
  for i in 0..8 {
    y[i] = leaky(x[i], s)
  }
}

kernel feed(x: in float32[8], s: out stream float32 depth(2)) {
  # Puts them all.
  for i in 0..8 {
    put s, x[i]
  }
}

kernel whole(x: in float32[4, 8], y: out float32[2, 4, 8], one: out float32[8]) {
  for i in 0..4 {
    call row(0.5, x[i, 0:], y[1, i, 0:])
  }
  call row(0.25, x[3, 0:], one)
  stream t: float32[2] depth(8)
  call feed(x[2, 0:], t[1])
  get t[1], y[0, 0, 0]
}
)",
        // A table.
        R"(kernel tables(y: out float32[4]) {
  table t: float32[2, 2] = {1.5, -0.0, inf, nan}
  table q: fixed<16,6,saturate>[2] @lutram = {-1.5, 0.0}
  table w: ufixed<8,12>[1] = {raw 3}
  for i in 0..2 {
    y[i] = t[i, 0] * 2.0
  }
}
)",
        // An instruction.
        R"(instruction dot(a: in int<8>[4], b: in int<8>[4], c: inout int<32>) {
  for i in 0..4 {
    c += a[i] * b[i]
  }
}
native
  "// \"dot\"\n"
  "*c += a[0] * b[0];"
needs("avx512vnni", "avx512bw")
dense(1, 1, 0)
primitive("dsp_dot4")
)"));

TEST(KernelText, KeepsBlocksAsTheyAre) {
  Kernel kernel = *parse_kernel("kernel k(x: out int<8>) { x = 1 }", "test");
  const Stmt store = kernel.body;
  const auto block_of = [](std::vector<Stmt> body) { return make_stmt(Block{std::move(body)}); };
  for (const Stmt& body : {store, block_of({}), block_of({store}), block_of({store, store}),
                           block_of({block_of({store})}), block_of({block_of({})}),
                           block_of({block_of({store, store}), store})}) {
    kernel.body = block_of({make_stmt(For{"i", to_index(0), to_index(2), {}, body}), store});
    verify(kernel);
    EXPECT_TRUE(equal(*parse_kernel(to_text(kernel), "printed"), kernel)) << to_text(kernel);
  }
}

TEST(KernelText, PutsNotesBehindTheFirstLineOfAStatement) {
  const KernelPtr kernel = gemm();
  std::map<const StmtNode*, std::string> notes;
  for_each(kernel->body, [&](const Stmt& stmt) {
    const auto* loop = as<For>(stmt);
    const auto* store = as<Store>(stmt);
    if (loop != nullptr && loop->name == "k") notes[stmt.get()] = "<-- here";
    if (store != nullptr && store->reduce) notes[stmt.get()] = "reads sum";
  });
  const std::string text = to_text(*kernel, notes);
  EXPECT_NE(text.find("      for k in 0..96 {  # <-- here\n"
                      "        sum += a[i, k] * b[k, j]  # reads sum\n"),
            std::string::npos)
      << text;
  EXPECT_TRUE(equal(*parse_kernel(text, "noted"), *kernel));
}

TEST(KernelText, PutsTheNoteOfABodyThatIsOneLoopOnItsLineAlone) {
  const KernelPtr kernel = parse_kernel(
      "kernel clear(x: out int<8>[4]) {\n  for i in 0..4 {\n    x[i] = 0\n  }\n}\n", "one");
  EXPECT_EQ(to_text(*kernel, {{kernel->body.get(), "<-- here"}}),
            "kernel clear(x: out int<8>[4]) {\n"
            "  for i in 0..4 {  # <-- here\n"
            "    x[i] = 0\n"
            "  }\n"
            "}\n");
}

TEST(KernelText, PrintsAStatementWithoutItsKernel) {
  const Expr five = constant(int_type(32), Int128{5});
  EXPECT_EQ(to_text(make_stmt(Store{"x", {to_index(3)}, five, ReduceOp::kMax})), "x[3] max= 5\n");
}

TEST(KernelText, WrapsLongTables) {
  KernelBuilder k("long_table");
  const ArrayHandle out = k.output("out", int_type(16), {100});
  std::vector<double> values(100);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i) * 100;
  const ArrayHandle t = k.table("t", int_type(16), {100}, values);
  k.loop("i", 0, 100, [&](const Expr& i) { out(i) = t(i); });
  const KernelPtr kernel = k.build();
  const std::string text = to_text(*kernel);
  EXPECT_TRUE(equal(*parse_kernel(text, "table"), *kernel)) << text;
  for (std::size_t start = 0; start < text.size(); start = text.find('\n', start) + 1) {
    EXPECT_LE(text.find('\n', start) - start, 100U) << text;
  }
}

TEST(KernelText, PrintsEachFunctionAndKernelOnce) {
  const std::string text = to_text(*round_trip(
      "func f(x: float32) -> float32 { return x + 1.0 }\n"
      "func g(x: float32) -> float32 { return f(x) * f(x) }\n"
      "kernel one(y: out float32) { y = f(1.0) + g(2) }\n"
      "kernel two(y: out float32[2]) { call one(y[0]) call one(y[1]) y[0] = g(f(3.0)) }\n"));
  for (const std::string part : {"func f(", "func g(", "kernel one(", "kernel two("}) {
    EXPECT_NE(text.find(part), std::string::npos);
    EXPECT_EQ(text.find(part), text.rfind(part)) << text;
  }
}

}  // namespace
}  // namespace heddle::kernel
