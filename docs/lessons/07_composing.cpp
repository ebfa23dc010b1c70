// Lesson 7: composing.
//
// Kernels call kernels. A schedule of the called one is carried over with `compose`: the call then
// means the scheduled version, and the caller's own schedule goes on from there.
#include "docs/lessons/lesson.h"
#include "kernel/builder.h"

using namespace lesson;

int main() {
  KernelBuilder inner("dot", "one sum of products");
  const ArrayHandle x = inner.input("x", int_type(8), {32});
  const ArrayHandle w = inner.input("w", int_type(8), {32});
  const ArrayHandle sum = inner.output("sum", int_type(32), {});
  sum() = 0;
  inner.loop("k", 0, 32, [&](const Expr& r) { sum() += x(r) * w(r); });
  const KernelPtr dot = inner.build();

  KernelBuilder outer("matvec", "y = a x, row by row");
  const ArrayHandle a = outer.input("a", int_type(8), {8, 32});
  const ArrayHandle v = outer.input("v", int_type(8), {32});
  const ArrayHandle y = outer.output("y", int_type(32), {8});
  outer.loop("i", 0, 8,
             [&](const Expr& i) { outer.call(dot, {a.slice({i}), v.all(), y.slice({i})}); });

  Schedule of_dot(dot);
  of_dot.unroll("k", 8);
  of_dot.pipeline("k_o");

  Schedule s(outer.build());
  s.compose(of_dot);
  s.parallel("i");
  fmt::print("{}\n{}", to_text(s.steps()), to_text(*s.kernel()));

  Buffer matrix = numbers(int_type(8), {8, 32});
  Buffer vector = numbers(int_type(8), {32});
  Buffer plain(int_type(32), {8});
  Buffer composed(int_type(32), {8});
  interpret(*s.original(), std::vector<Argument>{&matrix, &vector, &plain});
  interpret(*s.kernel(), std::vector<Argument>{&matrix, &vector, &composed});
  expect(plain == composed, "composing keeps the result");
}
