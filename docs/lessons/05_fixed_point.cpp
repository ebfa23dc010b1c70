// Lesson 5: fixed point.
//
// fixed<W,I> has W bits, I of them left of the point, as ap_fixed<W,I>. Sums and products are
// exact: their types grow as far as needed. Only storing or casting loses something, and the type
// says how: a rounding mode and an overflow mode. The default overflow mode, exact, means "this
// cannot happen": the interpreter stops if it does.
#include "base/error.h"
#include "docs/lessons/lesson.h"
#include "kernel/builder.h"

using namespace lesson;

int main() {
  const Type narrow = fixed_type(8, 4, Rounding::kNearestEven, Overflow::kSaturate);
  fmt::print("{} times {} is {}\n", to_string(narrow), to_string(narrow),
             to_string(result_type(BinaryOp::kMul, narrow, narrow)));

  KernelBuilder k("square", "y = x x, rounded and saturated");
  const ArrayHandle x = k.input("x", narrow, {3});
  const ArrayHandle y = k.output("y", narrow, {3});
  k.loop("i", 0, 3, [&](const Expr& i) { y(i) = x(i) * x(i); });
  const KernelPtr square = k.build();
  Buffer in(narrow, {3});
  in.set(0, 1.25);    // 1.5625 lies on the grid of sixteenths
  in.set(1, 0.4375);  // 0.19140625 goes to 0.1875
  in.set(2, 5.0);     // 25 is above 7.9375
  Buffer out(narrow, {3});
  interpret(*square, std::vector<Argument>{&in, &out});
  fmt::print("{} {} {}\n", out.real(0), out.real(1), out.real(2));
  expect(out.real(0) == 1.5625 && out.real(1) == 0.1875 && out.real(2) == 7.9375, "as said above");

  // The same with a type that must hold every result.
  KernelBuilder strict("strict");
  const ArrayHandle from = strict.input("x", narrow, {3});
  const ArrayHandle to = strict.output("y", fixed_type(8, 4), {3});
  strict.loop("i", 0, 3, [&](const Expr& i) { to(i) = from(i) * from(i); });
  const KernelPtr exact = strict.build();
  Buffer unused(fixed_type(8, 4), {3});
  try {
    interpret(*exact, std::vector<Argument>{&in, &unused});
    expect(false, "25 does not fit");
  } catch (const heddle::UserError& error) {
    fmt::print("{}\n", error.what());
  }
}
