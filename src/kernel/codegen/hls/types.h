// The kernel language's types and literals in HLS C++.
#pragma once

#include <string>

#include "kernel/expr.h"

namespace heddle::kernel::hls {

/// Whether the type is written as ap_fixed: it has a fraction, or a mode that ap_int has not.
bool is_ap_fixed(const Type& type);
/// "ap_int<8>", "ap_fixed<16, 6, AP_RND_CONV, AP_SAT>", "float", "heddle::bfloat16", "bool",
/// "long".
std::string cpp_type(const Type& type);
/// The type without modes, as ap_fixed: what a value goes through on its way to ap_int, since AMD's
/// conversion of a fraction to ap_int rounds toward zero.
std::string as_ap_fixed(const Type& type);
/// Bits of an element in memory: 8, 16, 32 or 64.
int pitch(const Type& type);
/// A literal whose C++ type is that of the IR.
std::string typed_literal(const Type& type, const Constant& value);
/// A literal where the C++ type follows from the place: 5, -0.25, 1.5f.
std::string plain_literal(const Type& type, const Constant& value);
/// Whether plain_literal is an int or long long, as it stands.
bool is_plain_integer(const Type& type, const Constant& value);

}  // namespace heddle::kernel::hls
