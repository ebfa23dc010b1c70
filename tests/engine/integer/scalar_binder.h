// The definition as an engine: each node of a Graph bound to the function of engine/arith that says
// what it computes, one thread, no packing.
#pragma once

#include "engine/integer/bind.h"

namespace heddle {

/// Matrices are read from `checkpoint`, in the forms that engine/quant/format.h describes.
BoundStep bind_scalar(const FusedNode& node, const IntegerContext& context,
                      const SafeTensors& checkpoint);

}  // namespace heddle
