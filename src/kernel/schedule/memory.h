// The primitives on arrays. Each returns the changed kernel; see Schedule for what they do.
#pragma once

#include <string>
#include <vector>

#include "kernel/ir.h"

namespace heddle::kernel {

/// For arrays on the chip with a literal extent there. Replaces what the dimension had; kNone takes
/// it back. The last dimension of a packed array cannot be partitioned.
Kernel partition(const Kernel& kernel, const std::string& array, int dimension,
                 Partition partition);
/// For local arrays; kAuto takes the choice back. Tables go to bram or lutram; registers hold at
/// most 65536 elements.
Kernel store_in(const Kernel& kernel, const std::string& array, Storage storage);
/// For arguments in global memory.
Kernel bank(const Kernel& kernel, const std::string& array, int bank);
/// For literal extents. Dimensions that the shapes share keep their subscripts and partition;
/// others must not be partitioned. Of an argument only the extents change, not the memory. Windows
/// of calls must stay windows, and packed words whole.
Kernel reshape(const Kernel& kernel, const std::string& array,
               const std::vector<std::int64_t>& shape);
/// Dimension i of the new layout is dimension order[i] of the old one.
Kernel transpose(const Kernel& kernel, const std::string& array, const std::vector<int>& order);
/// `lanes` divides the last extent, a literal; a word has at most 4096 bits. 1 unpacks.
Kernel pack(const Kernel& kernel, const std::string& array, std::int64_t lanes);
/// The tile is find_box()'s box, without its dimensions of one element; one of a single element is
/// a scalar. The loop is neither unrolled nor in a pipelined loop, where the copies would be
/// unrolled.
///
/// The tile is copied back if the body writes. It is filled first unless one statement surely
/// writes all of it before anything reads it: else the copy back would change what the body left
/// alone. Filling reads the whole box, so each element must have a value by then: the array is an
/// input, an inout or a table, or a statement before the loop surely writes all of it, or the body
/// surely reads all of the box before it writes it. Parallel loops around must stay so.
///
/// The copying loops are array_load_r, array_load_c, ... and array_store_r, ..., rows outside; they
/// skip what of the box lies outside of the array.
Kernel stage(const Kernel& kernel, const std::string& array, const std::string& loop,
             Storage storage);
/// The box must move along one dimension by a literal 0 < shift < extent from one iteration to the
/// next; the loop only reads the array, and is neither parallel nor unrolled. Before the loop the
/// window is filled as if for the iteration before the first; each iteration moves it by the shift
/// and loads what is new. Elements outside of the array are 0 in the window and never used. Windows
/// of up to 64 elements are registers; others a memory for each slice that moves.
Kernel reuse_at(const Kernel& kernel, const std::string& array, const std::string& loop);

}  // namespace heddle::kernel
