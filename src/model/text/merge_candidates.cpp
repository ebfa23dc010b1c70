#include "model/text/merge_candidates.h"

#include <algorithm>
#include <functional>

namespace heddle {

void MergeCandidates::clear() {
  first_.clear();
  heap_.clear();
  next_ = 0;
}

void MergeCandidates::sort_first() {
  // A piece of one repeated character is sorted from the start.
  if (!std::is_sorted(first_.begin(), first_.end())) std::sort(first_.begin(), first_.end());
}

void MergeCandidates::add(std::uint32_t rank, std::int32_t left) {
  heap_.push_back(key(rank, left));
  std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
}

MergeCandidate MergeCandidates::pop() {
  std::uint64_t best = 0;
  if (heap_.empty() || (next_ < first_.size() && first_[next_] < heap_.front())) {
    best = first_[next_++];
  } else {
    std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
    best = heap_.back();
    heap_.pop_back();
  }
  return {static_cast<std::uint32_t>(best >> 32), static_cast<std::int32_t>(best & 0xFFFFFFFFU)};
}

}  // namespace heddle
