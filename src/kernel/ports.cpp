#include "kernel/ports.h"

#include <algorithm>
#include <tuple>

namespace heddle::kernel {
namespace {

constexpr std::int64_t kPorts = 2;

/// The bank of an index of one dimension, its place in that bank, and how many of both there are.
struct Split {
  std::int64_t bank = 0;
  std::int64_t at = 0;
  std::int64_t banks = 1;
  std::int64_t depth = 1;
};

Split split(const Partition& partition, std::int64_t index, std::int64_t extent) {
  const std::int64_t depth = (extent + partition.factor - 1) / partition.factor;
  switch (partition.kind) {
    case Partition::Kind::kNone:
      break;
    case Partition::Kind::kComplete:
      return {index, 0, extent, 1};
    case Partition::Kind::kCyclic:
      return {index % partition.factor, index / partition.factor, partition.factor, depth};
    case Partition::Kind::kBlock:
      return {index / depth, index % depth, partition.factor, depth};
  }
  return {0, index, 1, extent};
}

void add(const PortConflict& conflict, std::vector<PortConflict>& conflicts) {
  const auto known =
      std::find_if(conflicts.begin(), conflicts.end(), [&](const PortConflict& other) {
        return other.array == conflict.array && other.loop == conflict.loop;
      });
  if (known == conflicts.end()) {
    conflicts.push_back(conflict);
  } else if (known->accesses < conflict.accesses) {
    *known = conflict;
  }
}

}  // namespace

bool has_ports(const Array& array) {
  const bool is_apart =
      !array.partition.empty() &&
      std::all_of(array.partition.begin(), array.partition.end(), [](const Partition& partition) {
        return partition.kind == Partition::Kind::kComplete;
      });
  return !array.shape.empty() && !is_apart && array.storage != Storage::kRegister &&
         array.storage != Storage::kGlobal;
}

Word word_of(const Array& array, const std::vector<std::int64_t>& shape, std::int64_t element) {
  Word word;
  std::int64_t banks = 1;
  std::int64_t words = 1;
  for (std::size_t d = shape.size(); d-- > 0;) {
    const std::int64_t lanes = d + 1 == shape.size() ? array.lanes : 1;
    const Partition partition = array.partition.empty() ? Partition{} : array.partition[d];
    const Split part = split(partition, element % shape[d] / lanes, (shape[d] + lanes - 1) / lanes);
    element /= shape[d];
    word.bank += part.bank * banks;
    word.number += part.at * words;
    banks *= part.banks;
    words *= part.depth;
  }
  word.number += word.bank * words;
  return word;
}

void PortCounter::touch(const Array& array, std::uint64_t memory, Word word) {
  touches_.push_back({&array, memory, word.bank, word.number});
}

void PortCounter::end_iteration(const std::string& loop, std::int64_t interval,
                                std::vector<PortConflict>& conflicts) {
  std::sort(touches_.begin(), touches_.end(), [](const Touch& a, const Touch& b) {
    return std::tie(a.memory, a.bank, a.word) < std::tie(b.memory, b.bank, b.word);
  });
  touches_.erase(std::unique(touches_.begin(), touches_.end()), touches_.end());
  for (auto first = touches_.begin(); first != touches_.end();) {
    const auto last = std::find_if(first, touches_.end(),
                                   [&](const Touch& touch) { return !touch.same_bank(*first); });
    const std::int64_t accesses = last - first;
    if (accesses > kPorts * interval) {
      add({first->array->name, loop, first->bank, accesses, kPorts * interval}, conflicts);
    }
    first = last;
  }
  touches_.clear();
}

}  // namespace heddle::kernel
