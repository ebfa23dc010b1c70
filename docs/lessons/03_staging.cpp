// Lesson 3: staging through on-chip memory.
//
// `stage` copies the part of an array that one iteration of a loop touches into a local array, and
// back if it was written. Off-chip memory is then read in bursts, once per tile; the local array
// can be spread over banks (`partition`) so that unrolled loops find their operands in one cycle.
#include "docs/lessons/lesson.h"
#include "kernel/builder.h"

using namespace lesson;

int main() {
  KernelBuilder k("blur", "each element and its two neighbours");
  const ArrayHandle x = k.input("x", int_type(16), {66});
  const ArrayHandle y = k.output("y", int_type(18), {64});
  k.loop("i", 0, 64, [&](const Expr& i) { y(i) = x(i) + x(i + 1) + x(i + 2); });

  Schedule s(k.build());
  s.split("i", 16);
  const std::string tile =
      s.stage("x", "i_o", Storage::kBram);  // 18 elements: 16 and two neighbours
  s.partition(tile, 0, {Partition::Kind::kCyclic, 6});
  s.unroll("i_i", 4);
  s.pipeline("i_i_o");
  fmt::print("{}", to_text(*s.kernel()));

  Buffer in = numbers(int_type(16), {66});
  Buffer plain(int_type(18), {64});
  Buffer staged(int_type(18), {64});
  interpret(*s.original(), std::vector<Argument>{&in, &plain});
  // Four lanes read six words a cycle: six cyclic banks serve them, and the interpreter checks it.
  const InterpretReport report =
      interpret(*s.kernel(), std::vector<Argument>{&in, &staged}, {0, true});
  expect(plain == staged, "staging keeps the result");
  expect(report.conflicts.empty(), "six banks are enough");
}
