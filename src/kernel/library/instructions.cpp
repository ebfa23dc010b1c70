#include "kernel/library/instructions.h"

#include "kernel/library/tiles.h"

namespace heddle::kernel {

std::vector<KernelPtr> make_instructions() {
  std::vector<KernelPtr> list;
  for (const std::int64_t rows : {1, 2, 4, 8}) {
    for (const std::int64_t columns : {16, 32, 48}) {
      list.push_back(dot_tile_s8(rows, columns));
      list.push_back(mac_tile_f32(rows, columns));
    }
  }
  for (const std::int64_t depth : {4, 8, 16, 32, 64, 128}) {
    list.push_back(packed_dot(depth, false));
    list.push_back(packed_dot(depth, true));
  }
  return list;
}

}  // namespace heddle::kernel
