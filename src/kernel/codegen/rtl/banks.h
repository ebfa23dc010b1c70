// Where the elements of an array lie: in which bank of its memory, and at which address there.
#pragma once

#include <functional>
#include <vector>

#include "kernel/codegen/rtl/graph.h"
#include "kernel/ir.h"
#include "kernel/schedule/affine.h"

namespace heddle::kernel::rtl {

/// The banks of one memory. A bank serves one read and one write a cycle; the elements of a word
/// have an address in common.
struct Banks {
  std::int64_t count = 1;
  std::int64_t depth = 1;  ///< addresses of each; not known for arguments
};

/// Of an array on chip, all of whose elements are apart with `registers`: its partition deals out
/// words of `lanes` elements. Extents are literals.
Banks banks_of(const Array& array, bool registers);

/// The banks among which a lane of an access may choose.
std::vector<std::int64_t> banks_of(const Graph& graph, const Node& access,
                                   const std::vector<std::int64_t>& lane);
/// The banks that an access may touch in any of its lanes, in ascending order.
std::vector<std::int64_t> banks_of(const Graph& graph, const Node& access);

/// How a sum of counters, lanes and other values becomes a node.
using Lower = std::function<NodeId(const LinearForm&)>;
/// The place of an element of such an array.
Place place_on_chip(Graph& graph, const Array& array, bool registers,
                    const std::vector<Expr>& indices, const Lower& lower);
/// The place of an element of an argument: its word is the address, its place there the bank.
Place place_in_memory(Graph& graph, const Array& array, const std::vector<Expr>& indices,
                      const Lower& lower);

}  // namespace heddle::kernel::rtl
