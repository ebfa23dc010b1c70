// Arrays and streams while a kernel is interpreted.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "kernel/buffer.h"
#include "kernel/ir.h"

namespace heddle::kernel {

/// One array's elements, and which of them have a value.
struct Memory {
  const Array* declaration = nullptr;
  Buffer* buffer = nullptr;
  std::unique_ptr<Buffer> own;  ///< of a local array
  std::vector<bool> written;    ///< empty: all
};

/// An array as a kernel sees it: a window of a memory.
struct View {
  std::shared_ptr<Memory> memory;
  std::int64_t offset = 0;
  std::vector<std::int64_t> extents;
  std::vector<std::int64_t> strides;
};

struct Channel {
  std::deque<Scalar> elements;
};
/// A stream's channels, row-major.
struct StreamMemory {
  const Stream* declaration = nullptr;
  std::vector<std::int64_t> extents;
  std::vector<Channel> channels;
  std::int64_t peak = 0;
};
/// A stream as a kernel sees it: all channels, or one.
struct StreamView {
  std::shared_ptr<StreamMemory> memory;
  std::optional<std::size_t> channel;
};

/// Counts which words of which banks one iteration of a pipelined loop touches.
class PortCounter {
 public:
  /// Dimension by dimension the subscripts of an access to an array that has ports.
  void count(const Memory& memory, std::int64_t element);
  /// The worst bank of each array: its accesses, then everything forgotten.
  struct Worst {
    const Array* array = nullptr;
    std::int64_t bank = 0;
    std::int64_t accesses = 0;
  };
  std::vector<Worst> finish();

 private:
  std::map<const Array*, std::map<std::int64_t, std::set<std::int64_t>>> words_;
};

}  // namespace heddle::kernel
