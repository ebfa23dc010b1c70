// Lesson 2: a first schedule.
//
// A Schedule starts from a kernel and applies steps. Each step checks that it keeps the meaning,
// and a schedule can be printed as a file that replays it. The result is an ordinary kernel again.
#include "docs/lessons/lesson.h"
#include "kernel/builder.h"
#include "kernel/codegen/cpp/native.h"

using namespace lesson;

namespace {

KernelPtr gemm() {
  KernelBuilder k("gemm", "c = a b");
  const ArrayHandle a = k.input("a", int_type(8), {32, 48});
  const ArrayHandle b = k.input("b", int_type(8), {48, 64});
  const ArrayHandle c = k.output("c", int_type(32), {32, 64});
  k.loop("i", 0, 32, [&](const Expr& i) {
    k.loop("j", 0, 64, [&](const Expr& j) {
      c(i, j) = 0;
      k.loop("k", 0, 48, [&](const Expr& r) { c(i, j) += a(i, r) * b(r, j); });
    });
  });
  return k.build();
}

}  // namespace

int main() {
  Schedule s(gemm());
  s.fission("j", "k");                        // c = 0 in loops of its own: j, and j_1 for the sums
  s.fission("i", "j_1");                      // the same one loop further out
  s.split("j_1", 16);                         // j_1_o, j_1_i
  s.reorder({"i_1", "j_1_o", "k", "j_1_i"});  // 16 neighbouring sums in step
  s.parallel("i_1");                          // rows are independent
  fmt::print("{}\n{}", to_text(s.steps()), to_text(*s.kernel()));

  // The file replays to the same kernel.
  const Schedule again = replay(gemm(), to_text(s.steps()), "lesson");
  expect(equal(*again.kernel(), *s.kernel()), "the schedule file replays");

  // And native code of the scheduled kernel gives the bits of the plain one.
  Buffer a = numbers(int_type(8), {32, 48});
  Buffer b = numbers(int_type(8), {48, 64});
  Buffer plain(int_type(32), {32, 64});
  Buffer fast(int_type(32), {32, 64});
  interpret(*s.original(), std::vector<Argument>{&a, &b, &plain});
  NativeLibrary({s.kernel()}).run(std::vector<Argument>{&a, &b, &fast});
  expect(plain == fast, "the schedule keeps the result");
}
