#include "engine/plan/slab.h"

#include <sys/mman.h>

#include <algorithm>

#include "base/error.h"

namespace heddle {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kBlock = 32 * kHugePage;

std::size_t round_up(std::size_t value, std::size_t unit) {
  return (value + unit - 1) / unit * unit;
}

}  // namespace

Slab::~Slab() {
  for (const Block& block : blocks_) munmap(block.data, block.size);
}

std::byte* Slab::allocate(std::size_t bytes) {
  bytes = round_up(bytes, kSlabAlignment);
  if (blocks_.empty() || used_ + bytes > blocks_.back().size) {
    const std::size_t size = round_up(std::max(bytes, kBlock), kHugePage);
    void* data = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED) {
      throw UserError(fmt::format("no memory left for {} MB more", size >> 20),
                      "close other programs, or use a smaller model or --precision bf16");
    }
    madvise(data, size, MADV_HUGEPAGE);  // Weights stream through: fewer address misses.
    blocks_.push_back({static_cast<std::byte*>(data), size});
    used_ = 0;
  }
  std::byte* piece = blocks_.back().data + used_;
  used_ += bytes;
  return piece;
}

}  // namespace heddle
