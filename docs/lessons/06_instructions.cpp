// Lesson 6: replacing a nest with an instruction.
//
// An instruction is a kernel, which says what it means, with a text in C++ (or a hardware
// primitive) that does it. `replace` exchanges a loop nest for it after proving that the nest is
// the instruction's own. Here: sixteen float32 multiply-adds at once.
#include "docs/lessons/lesson.h"
#include "kernel/builder.h"
#include "kernel/codegen/cpp/native.h"
#include "kernel/library/tiles.h"

using namespace lesson;

int main() {
  KernelBuilder k("product", "y += x w");
  const ArrayHandle x = k.input("x", float32_type(), {8, 40});
  const ArrayHandle w = k.input("w", float32_type(), {40, 32});
  const ArrayHandle y = k.inout("y", float32_type(), {8, 32});
  k.loop("r", 0, 8, [&](const Expr& r) {
    k.loop("c", 0, 32, [&](const Expr& c) {
      k.loop("n", 0, 40, [&](const Expr& n) { y(r, c) += w(n, c) * x(r, n); });
    });
  });

  Schedule s(k.build());
  s.split("c", 16);
  s.split("r", 4);
  s.reorder({"c_o", "r_o", "n", "r_i", "c_i"});
  // The nest is: for n, four rows, sixteen columns: y[r, c] += w[n, c] * x[r, n]. The instruction's
  // text has x and w the other way round; the proof knows that products commute.
  s.replace("n", mac_tile_f32(4, 16));
  fmt::print("{}", to_text(*s.kernel()));

  Buffer a = numbers(float32_type(), {8, 40});
  Buffer b = numbers(float32_type(), {40, 32});
  Buffer plain = numbers(float32_type(), {8, 32});
  Buffer fast = plain;
  interpret(*s.original(), std::vector<Argument>{&a, &b, &plain});
  NativeLibrary({s.kernel()}).run(std::vector<Argument>{&a, &b, &fast});
  expect(plain == fast, "the instruction keeps every bit, the order of the sums included");
}
