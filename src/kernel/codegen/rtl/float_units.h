// The floating-point modules of rtl/ as operations of a graph, and floats in terms of them.
//
// A node stands for a float's bits, as a natural number. bfloat16 operators compute in binary32 and
// round, as everywhere.
#pragma once

#include <array>
#include <string_view>

#include "kernel/codegen/rtl/graph.h"
#include "kernel/type.h"

namespace heddle::kernel::rtl {

/// How an operation of kFloat is instantiated.
struct FloatModule {
  std::string_view module;
  int cycles = 0;
  std::array<std::string_view, 2> inputs;
  std::string_view output;
  std::string_view settings;  ///< of inputs that are the same in each use
};
const FloatModule& module_of(FloatUnit unit);

/// Between floats, or between a float and anything else, by the modes of `to`.
NodeId convert_float(Graph& graph, NodeId value, const Type& from, const Type& to);
NodeId apply_float(Graph& graph, UnaryOp op, NodeId a, const Type& type);
/// Of operands of the float type `type`; comparisons give 0 or 1.
NodeId apply_float(Graph& graph, BinaryOp op, NodeId a, NodeId b, const Type& type);

}  // namespace heddle::kernel::rtl
