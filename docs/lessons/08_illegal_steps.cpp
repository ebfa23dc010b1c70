// Lesson 8: reading the message of an illegal step.
//
// A step that would change the result is refused. The message shows the nest with the place marked,
// the dependence that forbids it with its distance, and what would be legal; the schedule stays as
// it was.
#include "base/error.h"
#include "docs/lessons/lesson.h"
#include "kernel/builder.h"

using namespace lesson;

int main() {
  // Each element needs the one above it and to the right: distance (1, -1).
  KernelBuilder k("diagonal");
  const ArrayHandle a = k.inout("a", int_type(32, Overflow::kWrap), {16, 16});
  k.loop("i", 1, 16, [&](const Expr& i) {
    k.loop("j", 0, 15, [&](const Expr& j) { a(i, j) = a(i - 1, j + 1) + 1; });
  });
  Schedule s(k.build());
  const auto refused = [&](const std::string& what, const std::function<void()>& step) {
    try {
      step();
      expect(false, what + " must be refused");
    } catch (const heddle::UserError& error) {
      fmt::print("{}\n-> {}\n\n", error.what(), error.remedy());
    }
  };
  refused("tile", [&] { s.tile("i", "j", 4, 4); });
  refused("reorder", [&] { s.reorder({"j", "i"}); });
  refused("parallel", [&] { s.parallel("i"); });
  expect(s.steps().empty(), "refused steps leave no trace");

  // Along j nothing depends on anything: that loop may run in parallel.
  s.parallel("j");
  fmt::print("{}", to_text(*s.kernel()));
}
