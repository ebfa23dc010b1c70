// The port check: which words of which memory banks one iteration of a pipelined loop touches.
#pragma once

#include <cstdint>
#include <vector>

#include "kernel/interpret.h"
#include "kernel/ir.h"

namespace heddle::kernel {

/// Whether an array that a kernel declares is a memory with ports; registers have none, and scalars
/// and completely partitioned arrays are registers.
bool has_ports(const Array& array);

/// A word of a memory.
struct Word {
  std::int64_t bank = 0;
  std::int64_t number = 0;  ///< one for each word of all banks
};
/// The word that an element (row-major) of an array of that shape lies in. `lanes` consecutive
/// elements are one word, and a partition of the last dimension deals out words.
Word word_of(const Array& array, const std::vector<std::int64_t>& shape, std::int64_t element);

/// The accesses of one pipelined loop's current iteration.
class PortCounter {
 public:
  /// `memory` tells apart memories that one declaration made at different times.
  void touch(const Array& array, std::uint64_t memory, Word word);
  /// Ends the iteration: adds what needs more than the two ports of a bank give in `interval`
  /// cycles to `conflicts`, which keeps the worst of each array and loop.
  void end_iteration(const std::string& loop, std::int64_t interval,
                     std::vector<PortConflict>& conflicts);

 private:
  struct Touch {
    const Array* array = nullptr;
    std::uint64_t memory = 0;
    std::int64_t bank = 0;
    std::int64_t word = 0;

    bool operator==(const Touch&) const = default;
    [[nodiscard]] bool same_bank(const Touch& other) const {
      return memory == other.memory && bank == other.bank;
    }
  };
  std::vector<Touch> touches_;
};

}  // namespace heddle::kernel
