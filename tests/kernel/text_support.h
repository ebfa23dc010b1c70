// What the tests of kernels' text share.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "kernel/rewrite.h"
#include "kernel/text.h"

namespace heddle::kernel {

/// A kernel around the lines of a body that reads scalars x8 and y16 (int), u4 (uint), f and g
/// (float32), h (bfloat16), q (fixed), p (bool), i (index) and an array a; the lines begin on
/// line 2.
inline std::string around(const std::string& lines) {
  return "kernel k(i: index, x8: int<8>, y16: int<16>, u4: uint<4>, f: float32, g: float32, h: "
         "bfloat16, q: fixed<16,6>, p: bool, a: in int<8>[8], z: inout float32[8]) {\n" +
         lines + "}\n";
}

/// Parses the text, prints it, parses that, and checks that nothing changes any more.
inline KernelPtr round_trip(const std::string& text) {
  KernelPtr kernel = parse_kernel(text, "test");
  const std::string printed = to_text(*kernel);
  const KernelPtr again = parse_kernel(printed, "printed");
  EXPECT_TRUE(equal(*kernel, *again)) << printed << "\nis not\n" << to_text(*again);
  EXPECT_EQ(to_text(*again), printed);
  return kernel;
}

/// `var v: TYPE` and `v = EXPRESSION`, come through print and parse.
inline KernelPtr storing(const std::string& type, const std::string& expression) {
  return round_trip(around("var v: " + type + "\n v = " + expression + "\n"));
}

/// The value that such a kernel stores.
inline Expr parsed(const std::string& type, const std::string& expression) {
  const KernelPtr kernel = storing(type, expression);
  return as<Store>(statements_of(kernel->body).back())->value;
}

/// How such an expression is printed.
inline std::string printed(const std::string& type, const std::string& expression) {
  const std::string text = to_text(*storing(type, expression));
  const std::size_t start = text.find("v = ") + 4;
  return text.substr(start, text.find('\n', start) - start);
}

}  // namespace heddle::kernel
