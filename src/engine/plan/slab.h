// Memory taken piece by piece and given back all at once, on huge pages where the system has them.
#pragma once

#include <cstddef>
#include <vector>

namespace heddle {

constexpr std::size_t kSlabAlignment = 64;

class Slab {
 public:
  Slab() = default;
  ~Slab();
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;

  /// Zeroed memory, aligned to kSlabAlignment bytes. Throws UserError if the system has none left.
  std::byte* allocate(std::size_t bytes);

 private:
  struct Block {
    std::byte* data;
    std::size_t size;
  };
  std::vector<Block> blocks_;
  std::size_t used_ = 0;  ///< of the last block
};

}  // namespace heddle
