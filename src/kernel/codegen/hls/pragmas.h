// The marks of loops, arrays and streams as HLS pragmas (AMD UG1399), one line each.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "kernel/codegen/hls/module.h"
#include "kernel/ir.h"

namespace heddle::kernel::hls {

/// PIPELINE, UNROLL; for a parallel loop DEPENDENCE for each of the arrays that it writes.
std::vector<std::string> loop_pragmas(const LoopMarks& marks, const std::set<std::string>& written);
/// BIND_STORAGE, ARRAY_PARTITION, ARRAY_RESHAPE of an on-chip array called `name` in C++.
std::vector<std::string> array_pragmas(const Array& array, const std::string& name);
/// Only ARRAY_PARTITION and ARRAY_RESHAPE: what a function may say of its parameters.
std::vector<std::string> layout_pragmas(const Array& array, const std::string& name);
std::string stream_pragma(const Stream& stream, const std::string& name);
/// INTERFACE of a parameter of the top function.
std::vector<std::string> port_pragmas(const Parameter& parameter, const Port& port,
                                      const ArrayView* view);

}  // namespace heddle::kernel::hls
