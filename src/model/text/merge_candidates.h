// The merges that could be done next in a piece, best first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace heddle {

/// The place of a merge in the list of merges, and the symbol that stands on its left.
struct MergeCandidate {
  std::uint32_t rank;
  std::int32_t left;
};

/// A priority queue: lowest rank first, then from left to right. Candidates known from the start
/// are sorted once; only those that come later go through a heap, which is slow when it is large.
class MergeCandidates {
 public:
  void clear();
  /// Before sort_first().
  void add_first(std::uint32_t rank, std::int32_t left) { first_.push_back(key(rank, left)); }
  void sort_first();
  void add(std::uint32_t rank, std::int32_t left);
  [[nodiscard]] bool empty() const { return next_ == first_.size() && heap_.empty(); }
  /// Takes out the best one; there must be one.
  MergeCandidate pop();

 private:
  static std::uint64_t key(std::uint32_t rank, std::int32_t left) {
    return static_cast<std::uint64_t>(rank) << 32 | static_cast<std::uint32_t>(left);
  }

  std::vector<std::uint64_t> first_;  ///< Ascending; taken from next_ on.
  std::size_t next_ = 0;
  std::vector<std::uint64_t> heap_;
};

}  // namespace heddle
