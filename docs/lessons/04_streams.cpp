// Lesson 4: processes and streams.
//
// `dataflow` makes statements into processes that run side by side; `stream` turns an array between
// two of them into a FIFO. They mean the same as running one after the other, so results cannot
// change; what can go wrong is a FIFO that is too shallow, and the interpreter says who waits for
// whom.
#include "base/error.h"
#include "docs/lessons/lesson.h"
#include "kernel/builder.h"

using namespace lesson;

namespace {

/// Writes all of one stream, then all of another; the reader takes them in turns.
KernelPtr impatient(std::int64_t depth) {
  KernelBuilder k("impatient");
  const ArrayHandle y = k.output("y", int_type(16), {8});
  const StreamHandle even = k.stream("even", int_type(16), depth);
  const StreamHandle odd = k.stream("odd", int_type(16), depth);
  k.dataflow({{"write",
               [&] {
                 k.loop("e", 0, 4, [&](const Expr& e) { even.put(cast(int_type(16), e * 2)); });
                 k.loop("o", 0, 4, [&](const Expr& o) { odd.put(cast(int_type(16), o * 2 + 1)); });
               }},
              {"read", [&] {
                 k.loop("i", 0, 4, [&](const Expr& i) {
                   even.get(y(i * 2));
                   odd.get(y(i * 2 + 1));
                 });
               }}});
  return k.build();
}

}  // namespace

int main() {
  KernelBuilder k("pipe", "y = (x + 1) * 3, in two steps");
  const ArrayHandle x = k.input("x", int_type(8), {16});
  const ArrayHandle y = k.output("y", int_type(16), {16});
  const ArrayHandle between = k.local("between", int_type(9), {16});
  k.loop("i", 0, 16, [&](const Expr& i) { between(i) = x(i) + 1; });
  k.loop("j", 0, 16, [&](const Expr& j) { y(j) = between(j) * 3; });

  Schedule s(k.build());
  s.dataflow();
  s.stream("between", 2);
  fmt::print("{}\n", to_text(*s.kernel()));
  Buffer in = numbers(int_type(8), {16});
  Buffer out(int_type(16), {16});
  interpret(*s.kernel(), std::vector<Argument>{&in, &out});
  expect(out.real(3) == (in.real(3) + 1) * 3, "the processes compute the same");

  Buffer eight(int_type(16), {8});
  interpret(*impatient(4), std::vector<Argument>{&eight});
  expect(eight.real(7) == 7, "four elements deep, nobody has to wait");
  try {
    interpret(*impatient(2), std::vector<Argument>{&eight});
    expect(false, "two elements deep, both wait for ever");
  } catch (const heddle::UserError& error) {
    fmt::print("{}\n{}\n", error.what(), error.remedy());
  }
}
