#include <gtest/gtest.h>
#include "kernel/builder.h"
#include "kernel/codegen/hls/project.h"
TEST(Hls, Prints) {
  using namespace heddle::kernel;
  KernelBuilder k("gemm", "c = a b");
  ArrayHandle a = k.input("a", int_type(8), {64, 96});
  ArrayHandle b = k.input("b", int_type(8), {96, 32});
  ArrayHandle c = k.output("c", int_type(32), {64, 32});
  k.loop("i", 0, 64, [&](Expr i) {
    k.loop("j", 0, 32, [&](Expr j) {
      Element sum = k.scalar("sum", int_type(32));
      sum = 0;
      k.loop("k", 0, 96, [&](Expr r) { sum += a(i, r) * b(r, j); });
      c(i, j) = sum;
    });
  });
  KernelPtr gemm = k.build();
  printf("%s\n", emit_hls(*gemm).c_str());
}
