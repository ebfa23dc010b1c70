// Elementary functions on float32, made of the kernel language's own operations.
//
// Each is a pure Function of IEEE 754 additions, multiplications, divisions, comparisons and bit
// moves, so that every back end gives the same bits. They have no branches and no loops: a native
// loop over them vectorises, hardware pipelines them. A product and a sum are rounded apart.
//
// Errors are the largest over all 2^32 floats, in units in the last place (ulp) of the exact
// result, where that is a normal number; the tests measure them again on a sample. NaN gives NaN;
// infinities give the limits; subnormal numbers are taken and given like others.
#pragma once

#include "kernel/library/function_builder.h"

namespace heddle::kernel {

/// e^x, 1.1 ulp. Above 88.72 infinity; below -87.34 the result is subnormal (0.8 of its steps), and
/// 0 below -103.98.
FunctionPtr exp_function();
/// 2.6 ulp; -0 gives -0.
FunctionPtr tanh_function();
/// The error function, 1.4 ulp; -0 gives -0.
FunctionPtr erf_function();
/// 1 / (1 + e^-x), 2.5 ulp above -88.72; 0 below.
FunctionPtr sigmoid_function();
/// 1 / sqrt(x), 1.5 ulp: two correctly rounded steps. Of a negative number NaN, of 0 infinity.
FunctionPtr rsqrt_function();
/// x / (1 + e^-x), 2.5 ulp above -88.72; -0 below.
FunctionPtr silu_function();
/// 0.5x(1 + tanh(sqrt(2/pi)(x + 0.044715x^3))), computed as x / (1 + e^-2u): within 1.3e-7 |x|, and
/// 23 ulp above -4. -0 below -10.1.
FunctionPtr gelu_tanh_function();
/// 0.5x(1 + erf(x / sqrt(2))), as it stands: within 1.2e-7 |x|, and 2.7 ulp above -1. -0 below
/// -5.6.
FunctionPtr gelu_erf_function();
/// max(x, 0); NaN gives NaN.
FunctionPtr relu_function();

/// Their application to a float32 value.
Expr exp(const Expr& x);
Expr rsqrt(const Expr& x);

}  // namespace heddle::kernel
