#include "kernel/memory.h"

#include <algorithm>

namespace heddle::kernel {
namespace {

/// Registers have no ports, and a completely partitioned array is registers.
bool has_ports(const Array& array) {
  const auto is_complete = [](const Partition& p) { return p.kind == Partition::Kind::kComplete; };
  const bool is_apart = !array.partition.empty() &&
                        std::all_of(array.partition.begin(), array.partition.end(), is_complete);
  return array.storage != Storage::kRegister && array.storage != Storage::kGlobal && !is_apart &&
         !array.shape.empty();
}

/// The bank of an index and its place there.
std::pair<std::int64_t, std::int64_t> bank_of(const Partition& partition, std::int64_t index,
                                              std::int64_t extent) {
  switch (partition.kind) {
    case Partition::Kind::kNone:
      return {0, index};
    case Partition::Kind::kComplete:
      return {index, 0};
    case Partition::Kind::kCyclic:
      return {index % partition.factor, index / partition.factor};
    case Partition::Kind::kBlock:
      break;
  }
  const std::int64_t size = (extent + partition.factor - 1) / partition.factor;
  return {index / size, index % size};
}

}  // namespace

void PortCounter::count(const Memory& memory, std::int64_t element) {
  const Array& array = *memory.declaration;
  if (memory.own == nullptr || !has_ports(array)) return;
  const std::vector<std::int64_t>& shape = memory.buffer->shape();
  std::int64_t bank = 0;
  std::int64_t word = 0;
  std::int64_t banks = 1;
  std::int64_t words = 1;
  for (std::size_t d = shape.size(); d-- > 0;) {
    const std::int64_t index = element % shape[d];
    element /= shape[d];
    const Partition partition = array.partition.empty() ? Partition{} : array.partition[d];
    const bool is_last = d + 1 == shape.size();
    const auto [in_bank, at] =
        bank_of(partition, is_last ? index / array.lanes : index,
                is_last ? (shape[d] + array.lanes - 1) / array.lanes : shape[d]);
    bank += in_bank * banks;
    word += at * words;
    banks *= partition.kind == Partition::Kind::kComplete
                 ? shape[d]
                 : std::max<std::int64_t>(1, partition.factor);
    words *= shape[d];
  }
  words_[&array][bank].insert(word);
}

std::vector<PortCounter::Worst> PortCounter::finish() {
  std::vector<Worst> result;
  for (const auto& [array, banks] : words_) {
    Worst worst{array, 0, 0};
    for (const auto& [bank, words] : banks) {
      const auto accesses = static_cast<std::int64_t>(words.size());
      if (accesses > worst.accesses) worst = {array, bank, accesses};
    }
    result.push_back(worst);
  }
  words_.clear();
  return result;
}

}  // namespace heddle::kernel
