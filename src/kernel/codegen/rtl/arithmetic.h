// The kernel language's operators as operations on integers: scalar.h as hardware.
//
// A node stands for a value's raw number, of floats for its bits (float_units.h). Faults have no
// place in hardware: what the interpreter refuses gives any value here.
#pragma once

#include <utility>

#include "kernel/codegen/rtl/graph.h"
#include "kernel/type.h"

namespace heddle::kernel::rtl {

/// The value in another type, by its modes.
NodeId convert(Graph& graph, NodeId value, const Type& from, const Type& to);
NodeId apply(Graph& graph, UnaryOp op, NodeId a, const Type& result);
NodeId apply(Graph& graph, BinaryOp op, NodeId a, const Type& a_type, NodeId b, const Type& b_type,
             const Type& result);
/// The same bits in another type of as many bits.
NodeId reinterpret(Graph& graph, NodeId value, const Type& to);

/// Whether values of the type can be negative.
bool is_signed(const Type& type);
/// The ends of a type's raw numbers; of a float's bits as a natural number.
std::pair<Int128, Int128> ends_of(const Type& type);
/// A literal's raw number.
Int128 raw_of(const Constant& literal, const Type& type);

}  // namespace heddle::kernel::rtl
