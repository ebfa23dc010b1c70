// Kernels as text: readable pseudo-code that parses back to an equal kernel.
//
//   func relu(x: float32) -> float32 {
//     let zero = 0.0
//     return max(x, zero)
//   }
//
//   kernel gemm(n: index, a: in int<8>[n, 96], b: in int<8>[96, 32], c: out int<32>[n, 32]) {
//     # The first comment of a kernel is its summary; comments run to the end of the line.
//     for i in 0..n parallel {
//       for j in 0..32 pipeline(1) {
//         var sum: int<32>
//         sum = 0
//         for k in 0..96 unroll {
//           sum += a[i, k] * b[k, j]
//         }
//         c[i, j] = sum
//       }
//     }
//   }
//
// Functions and called kernels stand before their users; the last kernel is the one meant. Ends of
// lines mean no more than blanks do. In this grammar {x} is x any number of times, [x] x or
// nothing, x,.. one or more x with commas between.
//
//   text       {function | kernel}
//   function   func NAME ( [NAME : type,..] ) -> type { {let NAME = expr} return expr }
//   kernel     kernel NAME ( [parameter,..] ) body
//              instruction NAME ( [parameter,..] ) body [native STRING {STRING}] [needs(STRING,..)]
//                [dense(INT,..)] [primitive(STRING)]
//   parameter  NAME : type                                    a scalar
//              NAME : direction array                         in, out, inout
//              NAME : direction stream channels               in, out
//   array      type [ [expr,..] ] [@storage] [partition(dim,..)] [lanes(INT)]
//   storage    global, global(BANK), uram, bram, lutram, register
//   dim        none, complete, cyclic(INT), block(INT)
//   channels   type [ [expr,..] ] [depth(INT)]
//
//   body       { {statement} }
//   statement  body                                           a block
//              for NAME in expr..expr [parallel] [pipeline(INT)] [unroll] body
//              if expr body {else if expr body} [else body]
//              var NAME : array                               a local array, or a variable
//              table NAME : array = {literal,..}              constants, row-major
//              stream NAME : channels
//              element = expr    also +=, *=, min=, max=
//              put NAME[channel], expr
//              get NAME[channel], element
//              call NAME ( [argument,..] )
//              dataflow { {process NAME body} }
//   element    NAME, NAME[expr,..]
//   argument   expr for a scalar; NAME or NAME[channel] for a stream; for an array NAME, all of it,
//              or NAME[base,..]: `base:` for a dimension that the callee's next one runs along,
//              `base` for one that is fixed there. x[i, 0:] is row i.
//
//   expr       operators, loosest first, those on one line from left to right:
//                ||   &&   == != < <= > >= (not in a row)   |   ^   &   << >>   + -   * / %   - ! ~
//              && || ! are for conditions, & | ~ for integers
//              select(condition, a, b), min(a, b), max(a, b), abs(x), sqrt(x), floor(x), round(x)
//              NAME(expr,..), a function; type(expr), a cast; bits<type>(expr), the same bits
//   type       bool, index, float32, bfloat16, int<8>, uint<8>, fixed<16,6>, ufixed<16,6>, the last
//              four also with a rounding and an overflow mode: int<8,saturate>
//   literal    12, -3, 0x1f in the narrowest integer type; 1.5, 2e-3, inf, nan in float32; true,
//              false. Next to other operands, in subscripts, stores and arguments such a literal is
//              converted, as in C++ (expr.h). type(literal) is one of that type; type{literal} one
//              that stays as it is and is never folded or converted, such as a scalar argument
//              leaves behind when its value is put in its place. In these two and in tables, `raw
//              INT` gives the bits: fixed<16,6>(raw 96), float32(raw 0x7fc00001).
//
// No name may be one of: bits else false fixed for if inf int nan true ufixed uint. All other words
// of the language may be names too, except that functions cannot be named as those above.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "kernel/ir.h"

namespace heddle::kernel {

/// The kernel with the functions and kernels it uses, each once.
std::string to_text(const Kernel& kernel);
/// A statement (and what is inside it) as it stands in a kernel's text, indented by two spaces a
/// level.
std::string to_text(const Stmt& stmt);
/// The kernel alone, with a note such as "<-- here" at the end of each marked statement's first
/// line.
std::string to_text(const Kernel& kernel, const std::map<const StmtNode*, std::string>& notes);

/// The verified last kernel of a text. Throws UserError with `source`, line and column, and what
/// was expected there.
KernelPtr parse_kernel(std::string_view text, const std::string& source);

}  // namespace heddle::kernel
