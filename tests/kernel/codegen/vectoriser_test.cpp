// What a compiler's vectoriser got wrong once stays right.
#include <gtest/gtest.h>

#include "kernel/codegen/cpp/native.h"
#include "kernel/interpret.h"
#include "kernel/text.h"

namespace heddle::kernel {
namespace {

TEST(NativeLoops, KeepTheOrderOfStoresToOneElement) {
  // clang 19 at -O3: the vectorised loop stores x = 4 of an even w after x = 2 of the odd one
  // behind it.
  const KernelPtr kernel = parse_kernel(R"(
    kernel f(a: in int<32,wrap>[8, 8], b: inout int<32,wrap>[8]) {
      for w in 0..12 {
        for x in 0..5 unroll {
          if w % 2 * 5 + x < 8 {
            b[w / 2] = int<32,wrap>(a[w / 2, w % 2 * 5 + x] + a[w / 2 + 1, w % 2 * 5 + x])
          }
        }
      }
    })",
                                        "test");
  Buffer a(int_type(32, Overflow::kWrap), {8, 8});
  for (std::int64_t i = 0; i < a.size(); ++i) a.set(i, static_cast<double>(i * i));
  Buffer expected(int_type(32, Overflow::kWrap), {8});
  Buffer found = expected;
  interpret(*kernel, std::vector<Argument>{&a, &expected});
  NativeLibrary({kernel}).run(std::vector<Argument>{&a, &found});
  EXPECT_EQ(found, expected);
}

}  // namespace
}  // namespace heddle::kernel
