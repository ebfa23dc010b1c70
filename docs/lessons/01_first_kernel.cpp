// Lesson 1: a first kernel.
//
// A kernel is a plain loop nest over arrays. It is written in C++: a KernelBuilder collects what
// the lambdas say, and assigning to an element writes a statement. Nothing here says how the loops
// are carried out; that is a schedule's business (lesson 2).
#include "docs/lessons/lesson.h"
#include "kernel/builder.h"

using namespace lesson;

int main() {
  KernelBuilder k("scale_add", "y = 2 x + y");
  const Expr n = k.size("n");  // a size that the caller gives at launch
  const ArrayHandle x = k.input("x", float32_type(), {n});
  const ArrayHandle y = k.inout("y", float32_type(), {n});
  k.loop("i", 0, n, [&](const Expr& i) { y(i) = x(i) * 2 + y(i); });
  const KernelPtr kernel = k.build();

  // Every kernel has a text, which parses back to an equal kernel.
  const std::string text = to_text(*kernel);
  fmt::print("{}", text);
  expect(equal(*parse_kernel(text, "lesson"), *kernel), "the text parses back");

  // The interpreter runs it, checking every subscript, every read and every overflow on the way.
  Buffer in = numbers(float32_type(), {5});
  Buffer out = numbers(float32_type(), {5});
  const Scalar five{index_type(), 5, 0};
  interpret(*kernel, std::vector<Argument>{five, &in, &out});
  for (std::int64_t i = 0; i < 5; ++i) {
    expect(out.real(i) == 3 * in.real(i), "y is 2 x + x");
  }
  fmt::print("y[4] = {}\n", out.real(4));
}
